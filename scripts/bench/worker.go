package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"tfrunner/mnist"
	"tfrunner/train"
)

// runWorker is this program as a child of itself: it measures one thing and
// prints it as lines of JSON.
func runWorker(kind string, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("worker", flag.ContinueOnError)
	flags.SetOutput(stderr)
	precision := flags.String("precision", float32s, "")
	lines := json.NewEncoder(stdout)
	switch kind {
	case "peak":
		if err := flags.Parse(args); err != nil {
			return err
		}
		return printPeak(lines, *precision)
	case "test":
		var t tester
		flags.StringVar(&t.data, "data", "", "")
		flags.StringVar(&t.run, "run", "", "")
		flags.StringVar(&t.classes, "classes", "", "")
		flags.IntVar(&t.passes, "passes", 0, "")
		flags.IntVar(&t.calls, "calls", 0, "")
		if err := flags.Parse(args); err != nil {
			return err
		}
		return t.test(lines, *precision)
	}
	return usageError{fmt.Errorf("no worker %q: want peak or test", kind)}
}

// A tester tests a run's frozen model, as the scripts test theirs: a warm-up,
// passes over all test images in batches of 500, and calls with one image.
type tester struct {
	data, run, classes string
	passes, calls      int
}

func (t tester) test(lines *json.Encoder, precision string) error {
	data, err := mnist.Load(t.data)
	if err != nil {
		return err
	}
	model, err := train.OpenPredictor(t.run, train.Compute{Precision: precision})
	if err != nil {
		return err
	}
	defer model.Close()
	classes, err := classify(model, data.Test, 500)
	if err != nil {
		return err
	}
	for range t.passes {
		start := time.Now()
		if classes, err = classify(model, data.Test, 500); err != nil {
			return err
		}
		seconds := time.Since(start).Seconds()
		correct := 0
		for i, class := range classes {
			if class == data.Test.Labels[i] {
				correct++
			}
		}
		if err := lines.Encode(map[string]any{"kind": "evaluation", "seconds": seconds, "correct": correct}); err != nil {
			return err
		}
	}
	var calls []float64
	const warmup = 100
	for i := range warmup + t.calls {
		at := i % data.Test.Len()
		start := time.Now()
		if _, err := classify(model, data.Test.Slice(at, at+1), 1); err != nil {
			return err
		}
		if i >= warmup {
			calls = append(calls, time.Since(start).Seconds())
		}
	}
	return errors.Join(lines.Encode(map[string]any{"kind": "latency", "calls": calls}), os.WriteFile(t.classes, classes, 0o644))
}

// classify returns the likeliest classes of images, n at a time.
func classify(model *train.Predictor, images mnist.Set, n int) (classes []byte, err error) {
	for batch := range images.Batches(n) {
		rows, err := model.Probabilities(batch.Pixels)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			best := 0
			for class, p := range row {
				if p > row[best] {
					best = class
				}
			}
			classes = append(classes, byte(best))
		}
	}
	return classes, nil
}
