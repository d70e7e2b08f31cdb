package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tfrunner/mnist"
	"tfrunner/scripts/python"
)

// names are those of the Python reference's graph.
const names = "images=X:0,labels=Y:0,loss=cost:0,predictions=predict_op:0,test_predictions=test_predict_op:0,keep_conv=p_keep_conv:0,keep_hidden=p_keep_hidden:0"

// reference runs the Python reference and returns what it prints.
func reference(t *testing.T, args ...string) string {
	t.Helper()
	dir, err := mnist.Dir()
	if err != nil {
		t.Fatal(err)
	}
	cmd, err := python.Command(context.Background(), os.Stderr, "../../scripts/tutorial.py", append([]string{"-data", dir, "-seed", "7"}, args...)...)
	if err != nil {
		t.Fatal(err)
	}
	out, err := python.Output(cmd)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// TestGraph trains the graph that the Python reference exports, with updates
// that Go adds and by its own train op, and wants the losses that Python has.
func TestGraph(t *testing.T) {
	file := filepath.Join(t.TempDir(), "python.pb")
	reference(t, "-dump-graph", file)
	want := steps(strings.Split(reference(t, "-json", "-steps", "8"), "\n"))
	for _, text := range []string{names, names + ",train=RMSProp"} {
		dir := t.TempDir()
		var got string
		for _, args := range [][]string{
			{"-graph", file, "-map", text, "-seed", "7", "-steps", "3", "-out", dir},
			{"-graph", file, "-steps", "8", "-out", dir, "-resume"},
		} {
			code, stdout, message := try(t, append(args, "-json")...)
			if code != 0 {
				t.Fatalf("%v: exit code %d, error %q", args, code, message)
			}
			got += steps(strings.Split(stdout, "\n"))
		}
		if got != want {
			t.Errorf("-map %s: losses\n%s\nPython's are\n%s", text, got, want)
		}
	}

	if code, stdout, message := try(t, "-graph", file, "-map", names, "-shapes"); code != 0 || !strings.Contains(stdout, "[?, 7, 7, 128]") {
		t.Errorf("-shapes: exit code %d, error %q, stdout %q", code, message, stdout)
	}
	for _, test := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"-graph", file}, 2, "-graph: want -map"},
		{[]string{"-map", names}, 2, "-map: want -graph"},
		{[]string{"-graph", file, "-map", "images=X:0"}, 2, "no name of the graph's labels, loss, predictions"},
		{[]string{"-graph", file, "-map", names + ",train=RMSProp", "-lr", "0.1"}, 2, "-lr: want no train=OP in -map"},
		{[]string{"-graph", file, "-map", names + ",train=RMSProp", "-lr-schedule", "cosine"}, 2, "-lr-schedule: want no train=OP in -map"},
		{[]string{"-graph", file, "-map", strings.Replace(names, ",keep_conv=p_keep_conv:0", "", 1), "-keep-conv", "0.5"}, 2, "-keep-conv: want keep_conv=NAME in -map"},
		{[]string{"-graph", file, "-map", strings.Replace(names, "cost:0", "cot:0", 1)}, 1, "loss=cot:0: no such tensor in the graph; its placeholders are X, Y, "},
		{[]string{"-graph", file + "x", "-map", names}, 1, file + "x"},
		{[]string{"-graph", "main.go", "-map", names}, 1, "main.go: not a binary GraphDef"},
		{[]string{"-graph", file, "-map", names, "-export", t.TempDir()}, 2, "-export: want the ConvNet, not -graph"},
	} {
		if code, stdout, message := try(t, test.args...); code != test.code || !strings.Contains(message, test.want) || strings.Contains(message, "\n") || stdout != "" {
			t.Errorf("%v: exit code %d, error %q, stdout %q; want %d, %q", test.args, code, message, stdout, test.code, test.want)
		}
	}
}
