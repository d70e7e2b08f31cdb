// Parity holds the Go program against the tutorial in Python, with no
// tolerance: the same graph, and with equal seeds the same bits in every step's
// loss, in all weights and slots, and in the classes of all test images. It
// prints a table of accuracies and of seconds an epoch, Go and Python in turns.
//
//	go run ./scripts/parity          # in the clone's root, as `make parity`
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"tfrunner/mnist"
	"tfrunner/scripts/python"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
	case ctx.Err() != nil:
		fmt.Fprintln(os.Stderr, "parity: interrupted")
		os.Exit(130)
	default:
		fmt.Fprintln(os.Stderr, "parity:", err)
		os.Exit(1)
	}
}

// A parity is one run of this program.
type parity struct {
	temp            string // a folder for what the programs leave
	dataDir         string
	data            mnist.Data
	table           []row
	results, stderr io.Writer
}

func (p *parity) progress(format string, args ...any) {
	fmt.Fprintf(p.stderr, "parity: "+format+"\n", args...)
}

// tutorial is the reference.
const tutorial = "scripts/tutorial.py"

// reference returns the reference as a process.
func (p *parity) reference(ctx context.Context, args ...string) (*exec.Cmd, error) {
	return python.Command(ctx, p.stderr, tutorial, append([]string{"-data", p.dataDir}, args...)...)
}

// output runs the reference and returns what it prints.
func (p *parity) output(ctx context.Context, args ...string) ([]byte, error) {
	cmd, err := p.reference(ctx, args...)
	if err != nil {
		return nil, err
	}
	return python.Output(cmd)
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	flags := flag.NewFlagSet("parity", flag.ContinueOnError)
	flags.SetOutput(stderr)
	epochs := flags.Int("epochs", 1, "compare so many whole `epochs` bit for bit")
	steps := flags.Int("steps", 60, "compare so many `steps` for each of three more seeds")
	free := flags.Int("free", 6, "train so many `epochs` without seeds, in turns, for the table")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *epochs < 1 || *steps < 1 || *free < 1 {
		return errors.New("-epochs, -steps and -free: want at least 1")
	}
	if _, err := os.Stat(tutorial); err != nil {
		return fmt.Errorf("%w: run it in the root of the clone", err)
	}
	p := &parity{results: stdout, stderr: stderr}
	if p.dataDir, err = mnist.Dir(); err != nil {
		return err
	}
	if p.data, err = mnist.Load(p.dataDir); err != nil {
		return err
	}
	if p.temp, err = os.MkdirTemp("", "parity-"); err != nil {
		return err
	}
	defer os.RemoveAll(p.temp)
	if err := p.graphs(ctx); err != nil {
		return err
	}
	for _, c := range []comparison{{seed: 1, steps: *steps}, {seed: 2, steps: *steps}, {seed: 3, steps: *steps}, {seed: 7, epochs: *epochs}} {
		if err := p.numbers(ctx, c); err != nil {
			return err
		}
	}
	return p.free(ctx, *free)
}
