// Predict says which digits pictures show.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/term"

	"tfrunner/graph"
	"tfrunner/mnist"
	"tfrunner/train"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	err := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "predict:", err)
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

// options are the command line's.
type options struct {
	train.Compute
	model string
	top   int
	json  bool
	show  bool
	files []string
}

func parse(args []string, stdin io.Reader, stderr io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("predict", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // main prints the error, in one line
	flags.StringVar(&o.model, "model", "", "predict with the best checkpoint of the run, or with the SavedModel, in `DIR`")
	flags.StringVar(&o.Device, "device", "auto", "run on auto, cpu or gpu:`N`")
	flags.StringVar(&o.Precision, "precision", "float32", "compute in float32 or bfloat16")
	flags.IntVar(&o.IntraOp, "intra-op", 0, "share an op's work among `N` threads; 0: as many as are fastest")
	flags.IntVar(&o.InterOp, "inter-op", 0, "run `N` ops at a time; -1: one, in the calling thread; 0: as many as are fastest")
	flags.IntVar(&o.top, "top", 3, "print the `N` likeliest classes")
	flags.BoolVar(&o.json, "json", false, "print lines of JSON")
	flags.BoolVar(&o.show, "show", false, "print each picture as the model sees it, too")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(stderr, "usage: predict -model DIR [flags] FILE|PATTERN|-...")
			flags.SetOutput(stderr)
			flags.PrintDefaults()
			return o, err
		}
		return o, usageError{err}
	}
	o.files = flags.Args()
	switch {
	case o.model == "":
		return o, usageError{errors.New("no -model: want -model DIR, the folder of a run or a SavedModel")}
	case o.top < 1 || o.top > mnist.Classes:
		return o, usageError{fmt.Errorf("-top %d: want 1 to %d", o.top, mnist.Classes)}
	case o.json && o.show:
		return o, usageError{errors.New("-json with -show: want one of them")}
	}
	if len(o.files) == 0 {
		if f, ok := stdin.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
			return o, usageError{errors.New("no pictures: want files, patterns or - for stdin")}
		}
		o.files = []string{"-"}
	}
	return o, nil
}

// run is the program.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	o, err := parse(args, stdin, stderr)
	if err != nil {
		return err
	}
	if o.Precision == "bfloat16" && !train.HasBFloat16() {
		fmt.Fprintln(stderr, "predict: this CPU has no instructions for bfloat16: -precision bfloat16 will be slower than float32, if it works at all")
	}
	model, err := train.OpenPredictor(o.model, o.Compute)
	if wrong := new(graph.RangeError); errors.As(err, &wrong) {
		return usageError{fmt.Errorf("-%w", wrong)}
	}
	if err != nil {
		return err
	}
	defer model.Close()
	return predict(ctx, model, o, stdin, stdout, stderr)
}
