package main

import (
	"encoding/binary"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/tensorflow/tensorflow/tensorflow/go/op"

	"tfrunner/graph"
	"tfrunner/mnist"
)

// fewDigits returns a folder of MNIST's first digits: the 5,000 for validation,
// 128 to train on, and 100 to test on.
func fewDigits(t *testing.T) string {
	t.Helper()
	source, err := mnist.Dir()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for prefix, n := range map[string]int{"train": 5128, "t10k": 100} {
		for name, size := range map[string][2]int{"-images-idx3-ubyte": {16, 784}, "-labels-idx1-ubyte": {8, 1}} {
			data := unpack(t, source, prefix+name)[:size[0]+n*size[1]]
			binary.BigEndian.PutUint32(data[4:], uint32(n))
			if err := os.WriteFile(filepath.Join(dir, prefix+name), data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}

// small returns the flags of a small graph and of few digits.
func small(t *testing.T) []string {
	t.Helper()
	s := op.NewScope()
	graph.ConvNet{Filters: [3]int64{2, 2, 2}, Hidden: 4, Seed: 7, Stddev: 0.1}.Build(s)
	g, err := s.Finalize()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "small.pb")
	if err := dumpGraph(g, file); err != nil {
		t.Fatal(err)
	}
	return []string{"-data", fewDigits(t), "-graph", file, "-map", "images=X,labels=Y,loss=loss/Mean,predictions=predict_op/ArgMax,keep_conv=p_keep_conv,keep_hidden=p_keep_hidden"}
}

// TestAll interrupts the training by all optimizers and resumes it, with one
// whose folder cannot be made.
func TestAll(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "runs")
	all := append(small(t), "-optimizer", "all", "-steps", "3", "-out", dir)
	begin, resume := append(all[:len(all):len(all)], "-seed", "7", "-batch", "64"), append(all[:len(all):len(all)], "-resume")
	// Each has 3 steps, 1 epoch and its end.
	first, code, last := stop(t, syscall.SIGINT, 6, append(begin, "-json")...)
	if code != 130 || !regexp.MustCompile(`^train: \S+: interrupted `).MatchString(last) {
		t.Fatalf("exit code %d, last line %q", code, last)
	}
	if code, stdout, message := try(t, begin...); code != 1 || message != filepath.Join(dir, "sgd")+" holds a run already: -resume goes on with it, another -out leaves it alone" || stdout != "" {
		t.Errorf("exit code %d, error %q, stdout %q", code, message, stdout)
	}
	broken := filepath.Join(dir, "ftrl")
	if err := os.WriteFile(broken, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	code, second, message := try(t, append(resume, "-json")...)
	if code != 1 || message != "1 of 14 optimizers failed: ftrl" {
		t.Fatalf("exit code %d, error %q", code, message)
	}
	got, losses := map[string]string{}, map[float64]bool{}
	for _, line := range append(first, strings.Split(strings.TrimSpace(second), "\n")...) {
		var r struct {
			Optimizer, Kind, Error string
			Step                   int
			Loss                   float64
		}
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		got[r.Optimizer] += " " + r.Kind
		if r.Kind == "step" && r.Step == 1 {
			losses[r.Loss] = true
		}
		if r.Kind == "error" && r.Optimizer == "ftrl" && !strings.Contains(r.Error, broken) {
			t.Errorf("error %q", r.Error)
		}
	}
	for _, o := range graph.Optimizers() {
		want := `^ step step epoch step final$`
		switch name := o.Name(); {
		case name == "sgd":
			want = `^ step step epoch step final resume final$`
		case name == "ftrl":
			want = `^ error$`
		case strings.Contains(got[name], "error"): // interrupted somewhere
			want = `^( step| epoch| error| resume){6} final$`
		case strings.Contains(got[name], "resume"): // finished before that
			want = `^ step step epoch step final resume final$`
		}
		if !regexp.MustCompile(want).MatchString(got[o.Name()]) {
			t.Errorf("records of %s%s, want %s", o.Name(), got[o.Name()], want)
		}
	}
	if len(losses) != 1 {
		t.Errorf("losses of the first steps %v, want one", losses)
	}
	for _, file := range []string{"loss.png", "accuracy.png", "rmsprop/config.json", "rmsprop/history.jsonl"} {
		if _, err := os.Stat(filepath.Join(dir, file)); err != nil {
			t.Error(err)
		}
	}

	// What is in the table now was found before.
	os.Remove(broken)
	code, table, message := try(t, resume...)
	if code != 0 {
		t.Fatalf("exit code %d, error %q", code, message)
	}
	rows := strings.Split(strings.TrimSpace(table), "\n")
	if len(rows) != 15 || strings.Join(strings.Fields(rows[0]), " ") != "optimizer lr loss validation test seconds" {
		t.Fatalf("table:\n%s", table)
	}
	for i, o := range graph.Optimizers() {
		row := strings.Fields(rows[1+i])
		if len(row) != 6 || row[0] != o.Name() || !strings.HasPrefix(row[2], "2.") || !strings.HasPrefix(row[3], "0.") || !strings.HasPrefix(row[4], "0.") {
			t.Errorf("row %q of %s", rows[1+i], o.Name())
		}
	}
}

// TestAllDiverge wants all optimizers tried though the trainings diverge.
func TestAllDiverge(t *testing.T) {
	args := append(small(t), strings.Fields("-optimizer all -epochs 1 -batch 16 -lr-schedule exponential -lr-decay-steps 1 -lr-decay-rate 1e20")...)
	code, table, message := try(t, args...)
	rows := strings.Split(strings.TrimSpace(table), "\n")
	if code != 1 || !strings.Contains(message, " of 14 optimizers failed: sgd, ") || len(rows) != 15 || !strings.Contains(rows[1], "the training diverged") {
		t.Errorf("exit code %d, error %q, table:\n%s", code, message, table)
	}
}

// TestAllTarget wants no target that would end the runs unevenly, unless it is
// given.
func TestAllTarget(t *testing.T) {
	for _, test := range []struct {
		args string
		want float64
	}{{"-optimizer adam", 0.992}, {"-optimizer all", 0}, {"-optimizer all -target 0.5", 0.5}} {
		if o, err := parse(strings.Fields(test.args), io.Discard); err != nil || o.Target != test.want {
			t.Errorf("%s: target %v, error %v, want %v", test.args, o.Target, err, test.want)
		}
	}
}
