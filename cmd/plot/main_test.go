package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tfrunner/train"
)

// try runs the program.
func try(ctx context.Context, args ...string) (code int, stdout, stderr, message string) {
	var out, progress bytes.Buffer
	err := run(ctx, args, &out, &progress)
	if err != nil {
		message = err.Error()
	}
	return exitCode(err), out.String(), progress.String(), message
}

// recorded returns the folder of a run that has settings and a history only.
func recorded(t *testing.T, name string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(`{"seed": 7}`), 0o644); err != nil {
		t.Fatal(err)
	}
	h := train.History(dir)
	for _, r := range []train.Record{
		{Kind: train.Step, Step: 1, Loss: 2.3}, {Kind: train.Step, Step: 2, Loss: 0},
		{Kind: train.Epoch, Step: 2, ValidationAccuracy: 0.5},
	} {
		if err := h.Record(r); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestOneRun(t *testing.T) {
	dir := recorded(t, "a")
	code, stdout, stderr, message := try(context.Background(), dir)
	report := filepath.Join(dir, "report.html")
	if code != 0 || stdout != report+"\n" || !strings.Contains(stderr, "plot: missing: confusion matrix") || !strings.HasSuffix(stderr, "no checkpoint yet\n") {
		t.Errorf("exit code %d, stdout %q, stderr %q, error %q", code, stdout, stderr, message)
	}
	for _, file := range []string{report, filepath.Join(dir, "plots", "loss.png"), filepath.Join(dir, "plots", "accuracy.png")} {
		if _, err := os.Stat(file); err != nil {
			t.Error(err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if code, _, _, message := try(ctx, dir); code != 130 || message != "interrupted while drawing" {
		t.Errorf("interrupted: exit code %d, error %q", code, message)
	}
}

func TestSeveralRuns(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	code, stdout, _, message := try(context.Background(), "-o", out, recorded(t, "a"), recorded(t, "b"))
	if code != 0 {
		t.Fatalf("exit code %d, error %q", code, message)
	}
	files := strings.Fields(stdout)
	if len(files) != 2 {
		t.Errorf("stdout %q", stdout)
	}
	for _, file := range files {
		if _, err := os.Stat(file); err != nil || filepath.Dir(file) != out {
			t.Errorf("%s: error %v", file, err)
		}
	}
}

func TestErrors(t *testing.T) {
	dir, empty := recorded(t, "a"), t.TempDir()
	for _, test := range []struct {
		args []string
		code int
		want string
	}{
		{nil, 2, "no run: want the folders"},
		{[]string{"-o", empty, dir}, 2, "-o with one run"},
		{[]string{"-device", "cpu", dir, dir}, 2, "-data or -device with several runs"},
		{[]string{"-nonsense", dir}, 2, "flag provided but not defined: -nonsense"},
		{[]string{empty}, 1, "no run in " + empty},
		{[]string{"-data", empty, dir}, 1, empty},
		{[]string{dir, empty}, 1, filepath.Join(empty, "history.jsonl")},
		{[]string{"-o", filepath.Join(dir, "config.json"), dir, dir}, 1, "config.json"},
	} {
		code, stdout, _, message := try(context.Background(), test.args...)
		if code != test.code || !strings.Contains(message, test.want) || strings.Contains(message, "\n") || stdout != "" {
			t.Errorf("%q: exit code %d, stdout %q, error %q; want %d, %q", test.args, code, stdout, message, test.code, test.want)
		}
	}
}

func TestHelp(t *testing.T) {
	code, stdout, stderr, _ := try(context.Background(), "-help")
	if code != 0 || stdout != "" || !strings.Contains(stderr, "usage: plot [flags] RUN...") || !strings.Contains(stderr, "-o DIR") {
		t.Errorf("exit code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
}
