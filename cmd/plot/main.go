// Plot draws pictures of runs and writes their reports.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"tfrunner/graph"
	"tfrunner/mnist"
	"tfrunner/train"
	"tfrunner/train/plots"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "plot:", err)
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
	data, device, out string
	runs              []string
}

func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("plot", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // main prints the error, in one line
	flags.StringVar(&o.data, "data", "", "read MNIST's files in `DIR`; by default where make setup puts them")
	flags.StringVar(&o.device, "device", "auto", "run on auto, cpu or gpu:`N`")
	flags.StringVar(&o.out, "o", "", "write loss.png and accuracy.png of several runs on one axis to `DIR` (default the current folder)")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(stderr, "usage: plot [flags] RUN...\n\nOne run: its pictures and report.html, in its folder. Several: their curves on one axis.")
			flags.SetOutput(stderr)
			flags.PrintDefaults()
			return o, err
		}
		return o, usageError{err}
	}
	o.runs = flags.Args()
	given := map[string]bool{}
	flags.Visit(func(f *flag.Flag) { given[f.Name] = true })
	switch several := len(o.runs) > 1; {
	case len(o.runs) == 0:
		return o, usageError{errors.New("no run: want the folders of one or more")}
	case !several && given["o"]:
		return o, usageError{errors.New("-o with one run, whose pictures go to its folder: want several")}
	case several && (given["data"] || given["device"]):
		return o, usageError{errors.New("-data or -device with several runs, of which only the histories are read: want one run")}
	}
	if o.out == "" {
		o.out = "."
	}
	return o, nil
}

// run is the program. It prints the files that it wrote.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	if len(o.runs) > 1 {
		if err := plots.Compare(o.runs, o.out); err != nil {
			return err
		}
		_, err := fmt.Fprintf(stdout, "%s\n%s\n", filepath.Join(o.out, "loss.png"), filepath.Join(o.out, "accuracy.png"))
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
	missing, err := plots.Write(ctx, o.runs[0], o.device, data.Test)
	if wrong := new(graph.RangeError); errors.As(err, &wrong) {
		return usageError{fmt.Errorf("-%w", wrong)}
	}
	if err != nil {
		return err
	}
	for _, m := range missing {
		fmt.Fprintln(stderr, "plot: missing:", m)
	}
	_, err = fmt.Fprintln(stdout, filepath.Join(o.runs[0], "report.html"))
	return err
}
