package train_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tfrunner/graph"
	"tfrunner/train"
)

// TestHistory records a run that is interrupted twice and wants the records of
// one that is not, but for the times.
func TestHistory(t *testing.T) {
	d := small(t, 3*128)
	c := inFolder(t.TempDir())
	c.Epochs, c.Schedule = 2, graph.StepDecay{Steps: 2, DecayRate: 0.5}
	for _, step := range []int{2, 4, 0} {
		ctx, cancel := context.WithCancel(context.Background())
		stop := &records{after: func(r train.Record) error {
			if r.Kind == train.Step && r.Step == step {
				cancel()
			}
			return nil
		}}
		err := newTrainer(t, c).Run(ctx, d, train.Multi(train.History(c.Out), stop))
		cancel()
		if err != nil && !errors.Is(err, train.ErrInterrupted) {
			t.Fatal(err)
		}
		c.Resume = true
	}
	got, err := train.ReadHistory(c.Out)
	if err != nil {
		t.Fatal(err)
	}
	got = slices.DeleteFunc(got, func(r train.Record) bool { return r.Kind == train.Resume })
	want := whole(t, c, d).all
	if len(got) != len(want) {
		t.Fatalf("%d records, want %d: %+v", len(got), len(want), got)
	}
	for i, w := range want {
		g := got[i]
		if g.Kind != w.Kind || g.Epoch != w.Epoch || g.Step != w.Step || g.Loss != w.Loss || g.LearningRate != w.LearningRate || g.Scheduled != w.Scheduled ||
			g.ValidationAccuracy != w.ValidationAccuracy || g.SampleAccuracy != w.SampleAccuracy || g.Correct != w.Correct || g.Total != w.Total {
			t.Errorf("record %d is %+v, want %+v", i, g, w)
		}
	}
	table, err := os.ReadFile(filepath.Join(c.Out, "history.csv"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(table)), "\n")
	if len(lines) != 3 || !strings.HasPrefix(lines[0], "epoch,step,loss,") || !strings.HasPrefix(lines[1], "0,3,") || !strings.HasPrefix(lines[2], "1,6,") {
		t.Errorf("table %q", lines)
	}

	// What a killed process leaves.
	name := filepath.Join(c.Out, "history.jsonl")
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, data[:len(data)-5], 0o644); err != nil {
		t.Fatal(err)
	}
	if cut, err := train.ReadHistory(c.Out); err != nil || cut[len(cut)-1].Kind != train.Epoch {
		t.Errorf("cut off: error %v, records %+v", err, cut)
	}
	if err := os.WriteFile(name, append([]byte("{}\nnonsense\n"), data...), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := train.ReadHistory(c.Out); err == nil || !strings.Contains(err.Error(), name+":2: ") {
		t.Errorf("error %v", err)
	}
}

func TestTolerate(t *testing.T) {
	full := errors.New("disk full")
	broken := &records{after: func(r train.Record) error {
		if r.Step == 2 {
			return full
		}
		return nil
	}}
	var reported []error
	r := train.Tolerate(broken, func(err error) { reported = append(reported, err) })
	for step := range 5 {
		if err := r.Record(train.Record{Kind: train.Step, Step: step}); err != nil {
			t.Error(err)
		}
	}
	if len(broken.all) != 3 || len(reported) != 1 || !errors.Is(reported[0], full) {
		t.Errorf("%d records, errors %v", len(broken.all), reported)
	}
}

func TestOpenRun(t *testing.T) {
	d := small(t, 3*128)
	c := inFolder(t.TempDir())
	c.Epochs = 1
	trainer := newTrainer(t, c)
	if err := trainer.Run(context.Background(), d, new(records)); err != nil {
		t.Fatal(err)
	}
	opened, err := train.OpenRun(c.Out, "cpu")
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	for _, of := range []string{"test/conv1/Relu", "test/Softmax"} {
		a, err := trainer.Fetch(d.Test, trainer.Graph().Operation(of).Output(0))
		if err != nil {
			t.Fatal(err)
		}
		b, err := opened.Fetch(d.Test, opened.Graph().Operation(of).Output(0))
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(bits(t, a[0]), bits(t, b[0])) {
			t.Errorf("%s has other values in the run that is opened", of)
		}
	}
	if _, err := train.OpenRun(t.TempDir(), "cpu"); err == nil || !strings.Contains(err.Error(), "no run in ") {
		t.Errorf("error %v", err)
	}
}
