package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"reflect"
	"strings"
	"text/tabwriter"
	"time"

	"tfrunner/graph"
	"tfrunner/mnist"
	"tfrunner/train"
	"tfrunner/train/console"
	"tfrunner/train/plots"
)

// compare trains by each optimizer in turn and prints a table of what came of
// it. What one optimizer's training fails for is in its row.
func compare(ctx context.Context, o options, stdout, stderr io.Writer) error {
	data, err := load(o.data)
	if err != nil {
		return err
	}
	if dir := begun(o.Out); dir != "" && !o.Resume {
		return fmt.Errorf("%s holds a run already: -resume goes on with it, another -out leaves it alone", dir)
	}
	var all []*outcome
	var failed []string
	for _, optimizer := range graph.Optimizers() {
		one := &outcome{optimizer: optimizer, start: time.Now()}
		all = append(all, one)
		one.err = one.train(ctx, o, data, stdout, stderr)
		one.seconds += time.Since(one.start).Seconds()
		wrong := new(graph.RangeError)
		switch {
		case errors.As(one.err, &wrong): // it is wrong for the others too
			return one.err
		case errors.Is(one.err, train.ErrInterrupted):
			return errors.Join(fmt.Errorf("%s: %w", optimizer.Name(), one.err), printOutcomes(stdout, o, all))
		case one.err != nil:
			failed = append(failed, optimizer.Name())
		}
	}
	if err := printOutcomes(stdout, o, all); err != nil {
		return err
	}
	if err := drawOutcomes(o, all); err != nil {
		fmt.Fprintf(stderr, "train: drawing %s: %v\n", o.Out, err)
	}
	if failed != nil {
		return fmt.Errorf("%d of %d optimizers failed: %s", len(failed), len(all), strings.Join(failed, ", "))
	}
	return nil
}

// begun returns the folder of the first run that a comparison has begun in dir;
// "": there is none.
func begun(dir string) string {
	for _, optimizer := range graph.Optimizers() {
		run := filepath.Join(dir, optimizer.Name())
		if _, err := train.ReadSettings(run); dir != "" && err == nil {
			return run
		}
	}
	return ""
}

// An outcome is what came of the training by an optimizer.
type outcome struct {
	optimizer graph.Optimizer
	out       string // the run's folder; "": none
	start     time.Time

	epochs, steps int     // whole epochs, and the steps since
	loss          float64 // mean of the last epoch, of as much of it as there is
	validation    float64
	test          *float64 // nil: the training failed before
	seconds       float64  // of earlier processes too, as far as their epochs were whole
	err           error
}

// train trains by the optimizer.
func (one *outcome) train(ctx context.Context, o options, data mnist.Data, stdout, stderr io.Writer) error {
	name := one.optimizer.Name()
	o.Optimizer, o.plots = one.optimizer, false
	if o.Out != "" {
		one.out = filepath.Join(o.Out, name)
		o.Out = one.out
		if _, err := train.ReadSettings(o.Out); err != nil { // to be begun
			o.Resume, o.Force = false, false
		}
	}
	t, err := train.New(o.Config)
	if err != nil {
		return err
	}
	defer t.Close()
	bar := terminal(stderr)
	shown := train.Multi(one, console.New(stderr, bar))
	if o.json {
		shown = train.Multi(one, named{stdout, name}, console.New(nil, bar))
	} else {
		fmt.Fprintf(stderr, "%s\n", name)
	}
	return trainOn(ctx, t, data, o, shown, stderr)
}

// Record implements train.Recorder.
func (one *outcome) Record(r train.Record) error {
	switch r.Kind {
	case train.Resume:
		before, _ := train.ReadHistory(one.out) // none: the run goes on without it, too
		for _, b := range before {
			if b.Kind == train.Epoch && b.Epoch < r.Epoch {
				one.Record(b)
				one.seconds += b.Elapsed.Seconds()
			}
		}
	case train.Step:
		one.steps++
		if one.steps == 1 {
			one.loss = 0
		}
		one.loss += (float64(r.Loss) - one.loss) / float64(one.steps)
	case train.Epoch:
		one.epochs, one.steps = r.Epoch+1, 0
		one.loss, one.validation = float64(r.Loss), r.ValidationAccuracy
	case train.Final:
		one.test = &r.TestAccuracy
	}
	return nil
}

// printOutcomes prints the table; for machines, the errors.
func printOutcomes(w io.Writer, o options, all []*outcome) error {
	if o.json {
		for _, one := range all {
			if one.err == nil {
				continue
			}
			if err := writeNamed(w, one.optimizer.Name(), struct {
				Kind  string `json:"kind"`
				Error string `json:"error"`
			}{"error", one.err.Error()}); err != nil {
				return err
			}
		}
		return nil
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "optimizer\tlr\tloss\tvalidation\ttest\tseconds\n")
	for _, one := range all {
		var loss, validation, test, err string
		if one.epochs+one.steps > 0 {
			loss = fmt.Sprintf("%.4f", one.loss)
		}
		if one.epochs > 0 {
			validation = fmt.Sprintf("%.4f", one.validation)
		}
		if one.test != nil {
			test = fmt.Sprintf("%.4f", *one.test)
		}
		if one.err != nil {
			err = "  " + one.err.Error()
		}
		fmt.Fprintf(t, "%s\t%v\t%s\t%s\t%s\t%.1f%s\n", one.optimizer.Name(), settings(reflect.ValueOf(one.optimizer))["lr"],
			cmp.Or(loss, "-"), cmp.Or(validation, "-"), cmp.Or(test, "-"), one.seconds, err)
	}
	return t.Flush()
}

// drawOutcomes draws the curves of the runs that have any in their folders.
func drawOutcomes(o options, all []*outcome) error {
	var dirs []string
	for _, one := range all {
		if one.out != "" && one.epochs > 0 {
			dirs = append(dirs, one.out)
		}
	}
	if dirs == nil || !o.plots {
		return nil
	}
	return plots.Compare(dirs, o.Out)
}

// named is a recorder that writes records as lines of JSON with the optimizer's
// name.
type named struct {
	w    io.Writer
	name string
}

func (n named) Record(r train.Record) error { return writeNamed(n.w, n.name, r) }

// writeNamed writes an object as a line of JSON with the optimizer's name.
func writeNamed(w io.Writer, name string, object any) error {
	data, err := json.Marshal(object)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, `{"optimizer":%q,%s`+"\n", name, data[1:])
	return err
}
