package main

import (
	"bufio"
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// stop starts the program, sends it a signal after some lines, and returns what
// it printed.
func stop(t *testing.T, signal os.Signal, after int, args ...string) (lines []string, code int, last string) {
	t.Helper()
	cmd := program(args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for all := bufio.NewScanner(stdout); all.Scan(); {
		lines = append(lines, all.Text())
		if len(lines) == after {
			if err := cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
		}
	}
	cmd.Wait()
	return lines, cmd.ProcessState.ExitCode(), lastLine(stderr.String())
}

// steps returns the lines of steps.
func steps(lines []string) string {
	var b strings.Builder
	for _, line := range lines {
		if strings.Contains(line, `"kind":"step"`) {
			b.WriteString(line + "\n")
		}
	}
	return b.String()
}

// TestOut stops a run with each of the signals, resumes it by its folder alone,
// and wants the losses of a run that was not stopped.
func TestOut(t *testing.T) {
	_, whole, _ := try(t, "-json", "-seed", "7", "-batch", "64", "-steps", "12")
	dir := filepath.Join(t.TempDir(), "runs", "a")
	first, code, last := stop(t, syscall.SIGTERM, 2, "-json", "-seed", "7", "-batch", "64", "-steps", "12", "-out", dir)
	if code != 130 || !strings.HasPrefix(last, "train: interrupted in epoch 0 after ") || !strings.HasSuffix(last, "; -resume goes on from there") {
		t.Errorf("exit code %d, last line %q", code, last)
	}
	code, second, message := try(t, "-json", "-steps", "12", "-out", dir, "-resume")
	if code != 0 {
		t.Fatalf("exit code %d, error %q", code, message)
	}
	if got, want := steps(append(first, strings.Split(second, "\n")...)), steps(strings.Split(whole, "\n")); got != want {
		t.Errorf("stopped and resumed:\n%s\nnot stopped:\n%s", got, want)
	}

	for _, test := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"-out", dir}, 1, dir + " holds a run already: -resume goes on with it"},
		{[]string{"-out", dir, "-resume", "-lr", "0.01", "-batch", "128"}, 1, "batch 128 (there 64), lr 0.01 (there 0.001); -force"},
		{[]string{"-out", dir + "b", "-resume"}, 1, "no run in " + dir + "b"},
		{[]string{"-resume"}, 2, "-resume true: want -out"},
		{[]string{"-force"}, 2, "-force true: want -resume"},
		{[]string{"-freeze"}, 2, "-freeze: want -export"},
		{[]string{"-tensorboard", "all"}, 2, "-tensorboard: want -out"},
		{[]string{"-tensorboard", "graph", "-out", dir}, 2, "-tensorboard graph: want scalars or all"},
		{[]string{"-keep", "0", "-out", dir}, 2, "-keep 0: want at least 1"},
		{[]string{"-init", dir + "b"}, 1, "no checkpoint " + dir + "b"},
		{[]string{"-freeze", "-export", filepath.Join(dir, "missing", "model.pb")}, 1, filepath.Join(dir, "missing")},
		{[]string{"-export", dir}, 1, "-export " + dir + ": a SavedModel wants a new folder"},
	} {
		if code, stdout, message := try(t, test.args...); code != test.code || !strings.Contains(message, test.want) || strings.Contains(message, "\n") || stdout != "" {
			t.Errorf("%v: exit code %d, error %q, stdout %q; want %d, %q", test.args, code, message, stdout, test.code, test.want)
		}
	}
}

// TestExport exports from a run that has ended.
func TestExport(t *testing.T) {
	dir := t.TempDir()
	run, model, frozen := filepath.Join(dir, "run"), filepath.Join(dir, "model"), filepath.Join(dir, "model.pb")
	for _, args := range [][]string{
		{"-steps", "1", "-out", run, "-export", model},
		{"-steps", "1", "-out", run, "-resume", "-export", frozen, "-freeze"},
		{"-steps", "1", "-init", model},
	} {
		if code, _, message := try(t, args...); code != 0 {
			t.Errorf("%v: exit code %d, error %q", args, code, message)
		}
	}
	for _, file := range []string{filepath.Join(run, "report.html"), filepath.Join(run, "plots", "confusion.png"), filepath.Join(model, "saved_model.pb"), filepath.Join(model, "variables", "variables.index"), frozen} {
		if _, err := os.Stat(file); err != nil {
			t.Error(err)
		}
	}
}

// TestResumeSettings resumes a run of an optimizer that keeps powers beside its
// slots, and one whose learning rate changes, and takes their settings from the
// run's folder.
func TestResumeSettings(t *testing.T) {
	for _, test := range []struct{ settings, other, refused string }{
		{"-optimizer adam -beta1 0.8", "-optimizer sgd", `optimizer "sgd" (there "adam")`},
		{"-optimizer sgd -lr-schedule step -lr-decay-steps 2", "-lr-decay-steps 3", "lr-decay-steps 3 (there 2)"},
		{"-lr-schedule cosine -lr-decay-steps 5 -lr-alpha 0.1", "-lr-schedule constant", `lr-alpha none (there 0.1), lr-decay-steps none (there 5), lr-schedule none (there "cosine")`},
	} {
		args := append(strings.Fields("-json -seed 7 -batch 64"), strings.Fields(test.settings)...)
		_, whole, _ := try(t, append(args, "-steps", "6")...)
		dir := filepath.Join(t.TempDir(), "run")
		code, first, message := try(t, append(args, "-steps", "3", "-out", dir, "-plots=false")...)
		if code != 0 {
			t.Fatalf("%s: exit code %d, error %q", test.settings, code, message)
		}
		code, second, message := try(t, "-json", "-steps", "6", "-out", dir, "-resume", "-plots=false")
		if code != 0 {
			t.Fatalf("%s: exit code %d, error %q", test.settings, code, message)
		}
		if got, want := steps(strings.Split(first+second, "\n")), steps(strings.Split(whole, "\n")); got != want || got == "" {
			t.Errorf("%s: resumed:\n%s\nin one:\n%s", test.settings, got, want)
		}
		if code, _, message := try(t, append(strings.Fields(test.other), "-out", dir, "-resume")...); code != 1 || !strings.Contains(message, test.refused) {
			t.Errorf("%s: exit code %d, error %q", test.settings, code, message)
		}
	}
}
