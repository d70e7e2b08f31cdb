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
	"syscall"

	"golang.org/x/term"

	"tfrunner/graph"
	"tfrunner/mnist"
	"tfrunner/train"
	"tfrunner/train/console"
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

// options are the command line's.
type options struct {
	train.Config
	data      string
	export    string
	freeze    bool
	json      bool
	shapes    bool
	dumpGraph string
}

func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	var optimizer graph.RMSProp
	flags := flag.NewFlagSet("train", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // main prints the error, in one line
	flags.StringVar(&o.data, "data", "", "read MNIST's four files from `DIR` (default: where `make setup` puts them)")
	flags.IntVar(&o.Epochs, "epochs", 100, "train for at most `N` epochs")
	flags.IntVar(&o.Steps, "steps", 0, "end after `N` training steps; 0: no such end")
	flags.IntVar(&o.Batch, "batch", 128, "train on `N` images a step")
	float32Var(flags, &optimizer.LearningRate, "lr", 0.001, "RMSProp's learning `rate`")
	float32Var(flags, &optimizer.Decay, "decay", 0.9, "RMSProp's decay of the mean `square`")
	float32Var(flags, &optimizer.Momentum, "momentum", 0, "RMSProp's `momentum`")
	float32Var(flags, &optimizer.Epsilon, "epsilon", 1e-10, "RMSProp's `epsilon`")
	float32Var(flags, &o.KeepConv, "keep-conv", 0.8, "dropout keeps this `part` after a convolution")
	float32Var(flags, &o.KeepHidden, "keep-hidden", 0.5, "dropout keeps this `part` after the hidden layer")
	flags.Int64Var(&o.Model.Seed, "seed", 0, "make random numbers repeat themselves; 0: do not")
	flags.StringVar(&o.Device, "device", "auto", "run on auto, cpu or gpu:`N`")
	flags.Float64Var(&o.Target, "target", 0.992, "end when the validation `accuracy` reaches this; 0: run all epochs")
	flags.BoolVar(&o.json, "json", false, "write records as lines of JSON on stdout")
	flags.BoolVar(&o.shapes, "shapes", false, "print the model's layers and their shapes, and do not train")
	flags.StringVar(&o.dumpGraph, "dump-graph", "", "write the GraphDef to `FILE`, as text if it ends in .pbtxt, and do not train")
	flags.StringVar(&o.Init, "init", "", "start from the weights of a checkpoint, a SavedModel or a run's folder, `PATH`")
	flags.StringVar(&o.Out, "out", "", "keep the settings and checkpoints in the run's folder `DIR`")
	flags.IntVar(&o.Keep, "keep", 3, "keep the last `N` checkpoints, and the best")
	flags.BoolVar(&o.Resume, "resume", false, "go on where the run in -out stopped; settings that are not given are that run's")
	flags.BoolVar(&o.Force, "force", false, "resume a run that was made with other settings")
	flags.StringVar(&o.export, "export", "", "write the trained model to `PATH`, as a SavedModel")
	flags.BoolVar(&o.freeze, "freeze", false, "export one GraphDef file with the weights as constants")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			flags.SetOutput(stderr)
			flags.Usage()
			return o, err
		}
		return o, usageError{err}
	}
	switch {
	case flags.NArg() > 0:
		return o, usageError{fmt.Errorf("unexpected argument %q", flags.Arg(0))}
	case o.freeze && o.export == "":
		return o, usageError{errors.New("-freeze: want -export with the file's name")}
	}
	if o.Resume && o.Out != "" {
		if err := setFrom(flags, o.Out); err != nil {
			return o, err
		}
	}
	o.Optimizer = optimizer
	return o, nil
}

// setFrom sets the flags that are not given to the settings of the run in dir.
func setFrom(flags *flag.FlagSet, dir string) error {
	settings, err := train.ReadSettings(dir)
	if err != nil {
		return err
	}
	flags.Visit(func(f *flag.Flag) { delete(settings, f.Name) })
	for name, value := range settings {
		if flags.Lookup(name) == nil {
			continue
		}
		if err := flags.Set(name, string(value)); err != nil {
			return fmt.Errorf("%s: %s %s: %w", dir, name, value, err)
		}
	}
	return nil
}

// run is the program.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	err = runOptions(ctx, o, stdout, stderr)
	if wrong := new(graph.RangeError); errors.As(err, &wrong) {
		return usageError{fmt.Errorf("-%w", wrong)}
	}
	return err
}

// checkExport returns an error before the training if a SavedModel could not be
// written after it. A frozen graph's file is replaced.
func checkExport(path string, freeze bool) error {
	if path == "" || freeze {
		return nil
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
		if err := printShapes(stdout, t.Model()); err != nil {
			return err
		}
	}
	if o.shapes || o.dumpGraph != "" {
		return nil
	}
	if err := checkExport(o.export, o.freeze); err != nil {
		return err
	}
	if o.data == "" {
		if o.data, err = mnist.Dir(); err != nil {
			return err
		}
	}
	data, err := mnist.Load(o.data)
	if err != nil {
		return err
	}
	var terminal io.Writer
	if f, ok := stderr.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		terminal = f
	}
	recorder := console.New(stdout, terminal)
	if o.json {
		recorder = train.Multi(train.JSONLines(stdout), console.New(nil, terminal))
	}
	if err := t.Run(ctx, data, recorder); err != nil || o.export == "" {
		return err
	}
	if o.freeze {
		return t.Freeze(o.export)
	}
	return t.Export(o.export)
}
