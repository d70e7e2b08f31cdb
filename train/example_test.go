package train_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"tfrunner/graph"
	"tfrunner/mnist"
	"tfrunner/scripts/python"
	"tfrunner/train"
)

// lastStep is a Recorder that keeps the step it saw last.
type lastStep int

func (l *lastStep) Record(r train.Record) error {
	if r.Kind == train.Step {
		*l = lastStep(r.Step)
	}
	return nil
}

func Example() {
	t, err := train.New(train.Config{
		Model:     graph.ConvNet{Seed: 7},
		Optimizer: graph.RMSProp{LearningRate: 0.001, Decay: 0.9, Epsilon: 1e-10},
		Epochs:    1, Steps: 3, Batch: 128, KeepConv: 0.8, KeepHidden: 0.5,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer t.Close()
	dir, err := mnist.Dir()
	if err != nil {
		fmt.Println(err)
		return
	}
	data, err := mnist.Load(dir)
	if err != nil {
		fmt.Println(err)
		return
	}
	var last lastStep
	if err := t.Run(context.Background(), data, &last); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("trained", last, "steps")
	// Output: trained 3 steps
}

func ExampleOpenPredictor() {
	dir, err := mnist.Dir()
	if err != nil {
		fmt.Println(err)
		return
	}
	data, err := mnist.Load(dir)
	if err != nil {
		fmt.Println(err)
		return
	}
	// Keras wrote this SavedModel; any other of digits will do.
	models, err := python.Files(context.Background(), os.Stderr, "../scripts/digitmodels.py", dir)
	if err != nil {
		fmt.Println(err)
		return
	}
	p, err := train.OpenPredictor(filepath.Join(models, "keras"), train.Compute{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer p.Close()
	rows, err := p.Probabilities(data.Test.Slice(0, 3).Pixels)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, row := range rows {
		fmt.Println(slices.Index(row, slices.Max(row)))
	}
	// Output:
	// 7
	// 2
	// 1
}
