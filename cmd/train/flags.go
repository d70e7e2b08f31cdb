package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"

	"tfrunner/graph"
	"tfrunner/train"
)

// options are the command line's.
type options struct {
	train.Config
	all       bool // train by all optimizers, not by Config's
	data      string
	graph     string
	export    string
	freeze    bool
	json      bool
	shapes    bool
	print     string
	digit     int
	profile   string
	plots     bool
	board     string
	dumpGraph string
}

func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	optimizer := choice[graph.Optimizer]{flag: "optimizer", what: "optimizer", all: graph.Optimizers(), none: "all", noneHas: "each optimizer's defaults, which differ"}
	schedule := choice[graph.Schedule]{flag: "lr-schedule", what: "schedule", all: graph.Schedules(), none: "constant", noneHas: "no settings"}
	flags := flag.NewFlagSet("train", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // main prints the error, in one line
	flags.StringVar(&o.data, "data", "", "read MNIST's four files from `DIR` (default: where `make setup` puts them)")
	flags.IntVar(&o.Epochs, "epochs", 100, "train for at most `N` epochs")
	flags.IntVar(&o.Steps, "steps", 0, "end after `N` training steps; 0: no such end")
	flags.IntVar(&o.Batch, "batch", 128, "train on `N` images a step")
	choices := [][]string{
		optimizer.addTo(flags, "rmsprop", "train with `NAME`; all: with each of the others in turn, for a table of them at the end, which is all without -out.\n"+
			"In -out, each run has a folder of its name, and the curves of all are in loss.png and accuracy.png; -resume goes on\n"+
			"with the runs there and begins the others. -target then ends a run only if it is given, and -json has the optimizer\n"+
			"in each record, errors included. NAME is one of "),
		schedule.addTo(flags, schedule.none, "change the learning rate from step to step, as `NAME` does: "),
	}
	float32Var(flags, &o.KeepConv, "keep-conv", 0.8, "dropout keeps this `part` after a convolution")
	float32Var(flags, &o.KeepHidden, "keep-hidden", 0.5, "dropout keeps this `part` after the hidden layer")
	flags.Int64Var(&o.Model.Seed, "seed", 0, "make random numbers repeat themselves; 0: do not")
	flags.StringVar(&o.Device, "device", "auto", "run on auto, cpu or gpu:`N`")
	flags.StringVar(&o.Precision, "precision", "float32", "compute in float32 or bfloat16")
	flags.BoolVar(&o.Model.Fast, "fast", false, "train a faster graph of the same model: it rounds otherwise, and its dropouts are of random bytes,\n"+
		"with probabilities of 1/256 (0.8 is 205/256); not the tutorial's numbers to the bit")
	flags.IntVar(&o.IntraOp, "intra-op", 0, "share an op's work among `N` threads; 0: as many as are fastest")
	flags.IntVar(&o.InterOp, "inter-op", 0, "run `N` ops at a time; -1: one, in the calling thread; 0: as many as are fastest")
	flags.Float64Var(&o.Target, "target", 0.992, "end when the validation `accuracy` reaches this; 0: run all epochs")
	flags.BoolVar(&o.json, "json", false, "write records as lines of JSON on stdout")
	flags.BoolVar(&o.shapes, "shapes", false, "print the model's layers and their shapes, and do not train")
	flags.StringVar(&o.print, "print", "", "print the value of the graph's `TENSOR`, such as conv1/Relu:0, for one test image, and do not train")
	flags.IntVar(&o.digit, "digit", 0, "the `number` of -print's test image")
	flags.StringVar(&o.profile, "profile", "", "write Go's profiles time.pprof and heap.pprof to `DIR`, and say where each epoch's time went")
	flags.StringVar(&o.board, "tensorboard", "", "write `WHAT` into -out for TensorBoard: scalars (and the graph), or all: also, after each epoch,\n"+
		"histograms of weights and gradients, the filters and misclassified digits")
	flags.StringVar(&o.dumpGraph, "dump-graph", "", "write the GraphDef to `FILE`, as text if it ends in .pbtxt, and do not train")
	flags.BoolVar(&o.plots, "plots", true, "draw the run's pictures and write its report.html at its end, in -out")
	flags.StringVar(&o.Init, "init", "", "start from the weights of a checkpoint, a SavedModel or a run's folder, `PATH`")
	flags.StringVar(&o.Out, "out", "", "keep the settings and checkpoints in the run's folder `DIR`")
	flags.IntVar(&o.Keep, "keep", 3, "keep the last `N` checkpoints, and the best")
	flags.BoolVar(&o.Resume, "resume", false, "go on where the run in -out stopped; settings that are not given are that run's")
	flags.BoolVar(&o.Force, "force", false, "resume a run that was made with other settings")
	flags.StringVar(&o.graph, "graph", "", "train the GraphDef in `FILE`, as Python exports it, in the place of the ConvNet")
	flags.Func("map", "which tensors of -graph are what, as `images=X:0,labels=Y:0,loss=cost:0,predictions=pred:0`, and, where there are,\n"+
		"test_predictions, keep_conv, keep_hidden; train=OP runs the graph's own training", func(text string) (err error) {
		o.Names, err = graph.ParseNames(text)
		return err
	})
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
	case !slices.Contains([]string{"", "scalars", "all"}, o.board):
		return o, usageError{fmt.Errorf("-tensorboard %s: want scalars or all", o.board)}
	case o.board != "" && o.Out == "":
		return o, usageError{errors.New("-tensorboard: want -out with the run's folder")}
	case o.digit != 0 && o.print == "":
		return o, usageError{errors.New("-digit: want -print")}
	case o.freeze && o.export == "":
		return o, usageError{errors.New("-freeze: want -export with the file's name")}
	case o.graph != "" && o.export != "":
		return o, usageError{errors.New("-export: want the ConvNet, not -graph")}
	}
	o.Details = o.board == "all"
	o.all = optimizer.name == optimizer.none
	if o.all {
		if err := o.checkAll(flags); err != nil {
			return o, err
		}
	}
	if o.Resume && o.Out != "" {
		dir := o.Out
		if o.all {
			dir = cmp.Or(begun(o.Out), o.Out)
		}
		if err := setFrom(flags, choices, dir); err != nil {
			return o, err
		}
	}
	if o.Names.Train == "" {
		var err error
		if o.Optimizer, err = optimizer.chosen(); err != nil {
			return o, err
		}
		if o.Schedule, err = schedule.chosen(); err != nil {
			return o, err
		}
	}
	if o.graph == "" && o.Names == (graph.Names{}) {
		return o, nil
	}
	return o, o.readGraph(flags, choices)
}

// checkAll returns an error if a flag is given that is for one optimizer only,
// and takes back the target unless it is given.
func (o *options) checkAll(flags *flag.FlagSet) (err error) {
	target := 0.0
	flags.Visit(func(f *flag.Flag) {
		switch f.Name {
		case "shapes", "print", "dump-graph", "profile", "export":
			err = usageError{fmt.Errorf("-%s: want one optimizer, not all", f.Name)}
		case "target":
			target = o.Target
		}
	})
	o.Target = target
	return err
}

// readGraph reads the GraphDef to train. What it has no use for, such as the
// choices' flags, must not be given.
func (o *options) readGraph(flags *flag.FlagSet, choices [][]string) (err error) {
	useless := map[string]string{"fast": "the ConvNet, not -graph"}
	if o.Names.KeepConv == "" {
		useless["keep-conv"] = "keep_conv=NAME in -map"
	}
	if o.Names.KeepHidden == "" {
		useless["keep-hidden"] = "keep_hidden=NAME in -map"
	}
	if o.Names.Train != "" {
		for _, name := range slices.Concat(choices...) {
			useless[name] = "no train=OP in -map"
		}
	}
	flags.Visit(func(f *flag.Flag) {
		if want := useless[f.Name]; want != "" {
			err = usageError{fmt.Errorf("-%s: want %s", f.Name, want)}
		}
	})
	switch {
	case err != nil:
		return err
	case o.graph == "":
		return usageError{errors.New("-map: want -graph with the file's name")}
	case o.Names == graph.Names{}:
		return usageError{errors.New("-graph: want -map with the names of the graph's tensors")}
	}
	o.Graph, err = os.ReadFile(o.graph)
	return err
}

// setFrom sets the flags that are not given to the settings of the run in dir.
// Of a choice that is given it sets none: another one may not have them.
func setFrom(flags *flag.FlagSet, choices [][]string, dir string) error {
	settings, err := train.ReadSettings(dir)
	if err != nil {
		return err
	}
	flags.Visit(func(f *flag.Flag) {
		delete(settings, f.Name)
		for _, names := range choices {
			if f.Name == names[0] {
				for _, name := range names {
					delete(settings, name)
				}
			}
		}
	})
	for name, value := range settings {
		if flags.Lookup(name) == nil {
			continue
		}
		text := string(value)
		if s := ""; json.Unmarshal(value, &s) == nil {
			text = s
		}
		if err := flags.Set(name, text); err != nil {
			return fmt.Errorf("%s: %s %s: %w", dir, name, value, err)
		}
	}
	return nil
}

// float32Var defines a flag of TensorFlow's float32.
func float32Var(flags *flag.FlagSet, p *float32, name string, value float32, usage string) {
	*p = value
	flags.Var((*float32Value)(p), name, usage)
}

type float32Value float32

func (f *float32Value) String() string { return strconv.FormatFloat(float64(*f), 'g', -1, 32) }

func (f *float32Value) Set(s string) error {
	x, err := strconv.ParseFloat(s, 32)
	if err != nil {
		return errors.New("want a number")
	}
	*f = float32Value(x)
	return nil
}
