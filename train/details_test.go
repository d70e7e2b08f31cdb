package train_test

import (
	"context"
	"slices"
	"testing"

	"tfrunner/graph"
	"tfrunner/train"
)

// TestDetails wants Details that agree with each other, and the numbers of a
// run without them.
func TestDetails(t *testing.T) {
	d := small(t, 3*128)
	c := tutorial(7)
	c.Epochs = 3
	without := run(t, c, d)
	c.Details = true
	with := run(t, c, d)
	if !slices.Equal(with.losses(), without.losses()) {
		t.Errorf("losses %v with details, %v without", with.losses(), without.losses())
	}
	if !slices.Equal(with.epochs(), without.epochs()) {
		t.Errorf("epochs %v with details, %v without", with.epochs(), without.epochs())
	}
	for _, r := range without.all {
		if r.Details != nil {
			t.Error("details that were not asked for")
		}
	}

	// An epoch is one step here, and a step subtracts the gradient.
	d = small(t, 128)
	c.Optimizer = graph.SGD{LearningRate: 1}
	trainer, r := newTrainer(t, c), new(records)
	if err := trainer.Run(context.Background(), d, r); err != nil {
		t.Fatal(err)
	}
	epochs := r.of(train.Epoch)
	before, after := epochs[1].Details, epochs[2].Details
	if len(after.Weights) != 5 || len(after.Gradients) != 5 {
		t.Fatalf("%d weights, %d gradients", len(after.Weights), len(after.Gradients))
	}
	for i, name := range []string{"w", "w2", "w3", "w4", "w_o"} {
		if after.Weights[i].Name != name || after.Gradients[i].Name != name {
			t.Errorf("%s, %s: want %s", after.Weights[i].Name, after.Gradients[i].Name, name)
		}
	}
	first := after.Weights[4].Tensor.Value().([][]float32)
	gradient := after.Gradients[4].Tensor.Value().([][]float32)
	for i, row := range before.Weights[4].Tensor.Value().([][]float32) {
		for j, w := range row {
			if want := w - gradient[i][j]; first[i][j] != want {
				t.Fatalf("w_o[%d][%d] is %v, want %v", i, j, first[i][j], want)
			}
		}
	}

	classes, err := trainer.Classes(context.Background(), d.Validation)
	if err != nil {
		t.Fatal(err)
	}
	missed := 0
	for i, class := range classes {
		if class == int64(d.Validation.Labels[i]) || missed == train.MaxMissed {
			continue
		}
		got := after.Missed.Slice(missed, missed+1)
		if want := d.Validation.Slice(i, i+1); after.Classes[missed] != class || !slices.Equal(got.Pixels, want.Pixels) || !slices.Equal(got.Labels, want.Labels) {
			t.Errorf("missed image %d is not validation image %d", missed, i)
		}
		missed++
	}
	if missed != train.MaxMissed || after.Missed.Len() != missed || len(after.Classes) != missed {
		t.Errorf("%d images and %d classes of %d missed", after.Missed.Len(), len(after.Classes), missed)
	}
}
