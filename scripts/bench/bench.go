package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"tfrunner/graph"
	"tfrunner/graph/checkpoint"
	"tfrunner/graph/savedmodel/tensors"
	"tfrunner/mnist"
	"tfrunner/scripts/python"
)

// A bench is one run of this program.
type bench struct {
	settings
	stderr  io.Writer
	temp    string // a folder for what the programs leave
	train   string // cmd/train
	parts   []part
	classes []byte // of the test images, as Go or Python found them
	samples []sample
}

// A sample is what one run of a program gave.
type sample struct {
	Round   int                `json:"round"` // from 1 on
	Part    string             `json:"part"`
	Program string             `json:"program"`
	Values  map[string]float64 `json:"values"` // of the part's metrics
}

func (b *bench) progress(format string, args ...any) {
	fmt.Fprintf(b.stderr, "bench: "+format+"\n", args...)
}

// newBench builds the programs.
func newBench(ctx context.Context, s settings, stderr io.Writer) (b *bench, err error) {
	if _, err := os.Stat("scripts/tutorial.py"); err != nil {
		return nil, fmt.Errorf("%w: run it in the root of the clone", err)
	}
	if s.data == "" {
		if s.data, err = mnist.Dir(); err != nil {
			return nil, err
		}
	}
	if s.out != "" {
		if err := os.MkdirAll(s.out, 0o755); err != nil {
			return nil, err
		}
	}
	b = &bench{settings: s, stderr: stderr, parts: s.parts()}
	if b.temp, err = os.MkdirTemp("", "bench-"); err != nil {
		return nil, err
	}
	b.train = filepath.Join(b.temp, "train")
	if _, err := python.Output(exec.CommandContext(ctx, "go", "build", "-o", b.train, "./cmd/train")); err != nil {
		os.RemoveAll(b.temp)
		return nil, err
	}
	return b, nil
}

// rounds runs the programs in turns.
func (b *bench) rounds(ctx context.Context) error {
	for _, p := range b.parts {
		if p.prepare != nil && len(p.rows) > 0 {
			if err := p.prepare(ctx, b); err != nil {
				return err
			}
		}
	}
	for round := 1; round <= b.Rounds; round++ {
		for _, p := range b.parts {
			for _, r := range p.rows {
				b.progress("round %d of %d: %s: %s", round, b.Rounds, p.name, r.title)
				if err := b.sample(ctx, p, r, round); err != nil {
					return err
				}
			}
		}
		if err := b.write(); err != nil {
			return err
		}
	}
	return nil
}

// sample runs a program once.
func (b *bench) sample(ctx context.Context, p part, r row, round int) error {
	cmd, err := r.start(ctx, b, append(p.args(b, r, round), r.args...)...)
	if err != nil {
		return err
	}
	ran, err := measure(cmd)
	if err != nil {
		return err
	}
	values, err := p.read(b, r, ran)
	if err != nil {
		return fmt.Errorf("%s: %s: %w", p.name, r.title, err)
	}
	values["memory"] = float64(ran.memory) / 1e6
	b.samples = append(b.samples, sample{round, p.name, r.name, values})
	return nil
}

// values returns a metric's values in all rounds.
func (b *bench) values(p part, r row, metric string) (values []float64) {
	for _, s := range b.samples {
		if s.Part == p.name && s.Program == r.name {
			values = append(values, s.Values[metric])
		}
	}
	return values
}

// trainModel trains the model that the programs test, in the folder b.run, with
// its weights in NAME.npy too.
func trainModel(ctx context.Context, b *bench) error {
	b.progress("training the model to test")
	args := []string{"-data", b.data, "-epochs", "1", "-seed", "7", "-out", b.run(), "-plots=false"}
	if b.short { // the tutorial's optimizer would have learned nothing yet, and all classes were equally likely
		args = append(args, "-steps", "60", "-optimizer", "adam", "-lr", "0.003")
	}
	if _, err := python.Output(exec.CommandContext(ctx, b.train, args...)); err != nil {
		return err
	}
	indexes, err := filepath.Glob(filepath.Join(b.run(), "*.index"))
	if err != nil || len(indexes) != 1 {
		return fmt.Errorf("checkpoints %q, error %v: want one", indexes, err)
	}
	prefix := indexes[0][:len(indexes[0])-len(".index")]
	values, err := checkpoint.Read(prefix, graph.WeightNames[:]...)
	if err != nil {
		return err
	}
	for i, value := range values {
		var npy bytes.Buffer
		if err := tensors.WriteNPY(&npy, value); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(b.run(), graph.WeightNames[i]+".npy"), npy.Bytes(), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) run() string { return filepath.Join(b.temp, "run") }

// checkClasses returns an error unless a row of float32 finds the same classes
// as the one before it, Go or Python.
func (b *bench) checkClasses(r row, classes []byte) error {
	if r.name != "go" && r.name != reference {
		return nil
	}
	if b.classes == nil {
		b.classes = classes
	}
	if len(classes) != len(b.classes) {
		return fmt.Errorf("%d classes, want %d", len(classes), len(b.classes))
	}
	for i, class := range classes {
		if class != b.classes[i] {
			return fmt.Errorf("test image %d is a %d here, a %d in the other program", i, class, b.classes[i])
		}
	}
	return nil
}
