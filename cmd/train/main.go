// Train trains the ConvNet of the MNIST tutorial and tests it on the 10,000
// test images.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"golang.org/x/term"

	"tfrunner/graph"
	"tfrunner/mnist"
	"tfrunner/train"
	"tfrunner/train/console"
	"tfrunner/train/plots"
	"tfrunner/train/tensorboard"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "train:", err)
	}
	os.Exit(exitCode(err))
}

// exitCode returns the program's exit code for run's error.
func exitCode(err error) int {
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	case errors.As(err, new(usageError)):
		return 2
	case errors.Is(err, train.ErrInterrupted):
		return 130
	}
	return 1
}

// A usageError is a command line that makes no sense.
type usageError struct{ error }

// run is the program.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	if o.Precision == "bfloat16" && !train.HasBFloat16() {
		fmt.Fprintln(stderr, "train: this CPU has no instructions for bfloat16: -precision bfloat16 will be slower than float32, if it works at all")
	}
	do := runOptions
	if o.all {
		do = compare
	}
	err = do(ctx, o, stdout, stderr)
	if wrong := new(graph.RangeError); errors.As(err, &wrong) {
		return usageError{fmt.Errorf("-%w", wrong)}
	}
	return err
}

// checkExport returns an error before the training if the model could not be
// written after it. A frozen graph's file is replaced.
func checkExport(path string, freeze bool) error {
	if path == "" {
		return nil
	}
	if freeze {
		_, err := os.ReadDir(filepath.Dir(path))
		return err
	}
	switch entries, err := os.ReadDir(path); {
	case len(entries) > 0:
		return fmt.Errorf("-export %s: a SavedModel wants a new folder, this one holds %s", path, entries[0].Name())
	case errors.Is(err, fs.ErrNotExist):
		return nil
	default:
		return err
	}
}

func runOptions(ctx context.Context, o options, stdout, stderr io.Writer) error {
	t, err := train.New(o.Config)
	if err != nil && o.graph != "" {
		err = fmt.Errorf("%s: %w", o.graph, err)
	}
	if err != nil {
		return err
	}
	defer t.Close()
	if o.dumpGraph != "" {
		if err := dumpGraph(t.Graph(), o.dumpGraph); err != nil {
			return err
		}
	}
	if o.shapes {
		if err := printShapes(stdout, t.Model(), o.Batch); err != nil {
			return err
		}
	}
	if o.shapes || o.dumpGraph != "" {
		return nil
	}
	if err := checkExport(o.export, o.freeze); err != nil {
		return err
	}
	data, err := load(o.data)
	if err != nil {
		return err
	}
	if o.print != "" {
		if o.digit < 0 || o.digit >= data.Test.Len() {
			return &graph.RangeError{Setting: "digit", Value: o.digit, Want: fmt.Sprintf("0 to %d", data.Test.Len()-1)}
		}
		if err := t.Open(); err != nil {
			return err
		}
		return printTensor(stdout, t, o.print, data.Test.Slice(o.digit, o.digit+1))
	}
	shown := console.New(stdout, terminal(stderr))
	if o.json {
		shown = train.Multi(train.JSONLines(stdout), console.New(nil, terminal(stderr)))
	}
	return trainOn(ctx, t, data, o, shown, stderr)
}

// load loads the data in a folder; "": where the set-up put it.
func load(dir string) (mnist.Data, error) {
	if dir == "" {
		var err error
		if dir, err = mnist.Dir(); err != nil {
			return mnist.Data{}, err
		}
	}
	return mnist.Load(dir)
}

// terminal returns w if it is one.
func terminal(w io.Writer) io.Writer {
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return w
	}
	return nil
}

// trainOn trains, with the consumers of records that the options name beside
// shown.
func trainOn(ctx context.Context, t *train.Trainer, data mnist.Data, o options, shown train.Recorder, stderr io.Writer) (err error) {
	if o.profile != "" {
		stop, err := profile(o.profile)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, stop()) }()
	}
	recorders := []train.Recorder{shown}
	if o.profile != "" {
		recorders = append(recorders, console.Times(stderr))
	}
	// What is beside the results may fail; the training goes on.
	beside := func(name string, r train.Recorder) {
		recorders = append(recorders, train.Tolerate(r, func(err error) { fmt.Fprintf(stderr, "train: %s: %v; going on without it\n", name, err) }))
	}
	if o.Out != "" {
		beside("history", train.History(o.Out))
	}
	if o.board != "" {
		board, err := tensorboard.New(o.Out, t.Graph())
		if err != nil {
			return err
		}
		defer func() {
			if err := board.Close(); err != nil {
				fmt.Fprintf(stderr, "train: tensorboard: %v\n", err)
			}
		}()
		beside("tensorboard", board)
	}
	test := data.Test // what is needed after the training
	if err := t.Run(ctx, data, train.Multi(recorders...)); err != nil {
		return err
	}
	if o.Out != "" && o.plots {
		switch _, err := plots.Write(ctx, o.Out, o.Device, test); {
		case errors.Is(err, train.ErrInterrupted):
			return err
		case err != nil:
			fmt.Fprintf(stderr, "train: drawing %s: %v\n", o.Out, err)
		}
	}
	if o.export == "" {
		return nil
	}
	if o.freeze {
		return t.Freeze(o.export)
	}
	return t.Export(o.export)
}
