package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPrint(t *testing.T) {
	code, stdout, message := try(t, "-print", "X:0", "-digit", "2")
	want := "X:0: float32 (1, 28, 28, 1)\nmin 0, mean 0.0"
	if code != 0 || !strings.HasPrefix(stdout, want) || !strings.Contains(stdout, ", max 1\n[[[[") {
		t.Errorf("exit code %d, error %q, stdout:\n%s", code, message, stdout)
	}
	if code, stdout, _ := try(t, "-print", "Y"); code != 0 || stdout != "Y: float32 (1, 10)\nmin 0, mean 0.1, max 1\n[[0 0 0 0 0 0 0 1 0 0]]\n" {
		t.Errorf("exit code %d, stdout %q", code, stdout)
	}
	for _, test := range []struct {
		args string
		code int
		want string
	}{
		{"-print conv2/Rel", 1, "-print conv2/Rel: no such op in the graph; those of a like name: conv1/Relu, conv2/Relu, "},
		{"-print conv1/Relu:1", 1, "conv1/Relu has 1 outputs, from 0 on"},
		{"-print conv1/Relu:x", 1, "conv1/Relu has 1 outputs, from 0 on"},
		{"-print train_op/NoOp", 1, "train_op/NoOp has 0 outputs"},
		{"-print w/VarHandleOp", 1, "a variable's handle has no value"},
		{"-print X -digit 10000", 2, "-digit 10000: want 0 to 9999"},
	} {
		if code, stdout, message := try(t, strings.Fields(test.args)...); code != test.code || !strings.Contains(message, test.want) || stdout != "" {
			t.Errorf("%s: exit code %d, error %q, stdout %q", test.args, code, message, stdout)
		}
	}
}

func TestProfile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "profile")
	if code, _, message := try(t, "-steps", "2", "-profile", dir); code != 0 {
		t.Errorf("exit code %d, error %q", code, message)
	}
	for _, name := range []string{"time.pprof", "heap.pprof"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v, error %v", name, info, err)
		}
	}
}

// TestHistoryFails wants a run to go on, and to say so, when its history cannot
// be written.
func TestHistoryFails(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "history.jsonl"), 0o755); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr strings.Builder
	err := run(t.Context(), []string{"-steps", "2", "-out", dir, "-plots=false"}, &stdout, &stderr)
	if err != nil || !strings.Contains(stdout.String(), "test accuracy") {
		t.Errorf("error %v, stdout %q", err, &stdout)
	}
	if got := stderr.String(); !strings.HasPrefix(got, "train: history: ") || !strings.HasSuffix(got, "; going on without it\n") || strings.Count(got, "\n") != 1 {
		t.Errorf("stderr %q", got)
	}
}
