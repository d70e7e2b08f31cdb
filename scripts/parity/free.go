package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"tfrunner/scripts/python"
	"tfrunner/train"
)

// tolerance is how much worse than Python's an unseeded run's accuracy may be.
const tolerance = 0.003

// free trains both programs without seeds, an epoch of the one and an epoch of
// the other in turns, and prints the table.
func (p *parity) free(ctx context.Context, epochs int) error {
	program := filepath.Join(p.temp, "train")
	if _, err := python.Output(exec.CommandContext(ctx, "go", "build", "-o", program, "./cmd/train")); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	n := strconv.Itoa(epochs)
	golang, err := startTurns(exec.CommandContext(ctx, program, "-json", "-target", "0", "-epochs", n))
	if err != nil {
		return err
	}
	reference, err := p.reference(ctx, "-json", "-epochs", n)
	if err != nil {
		return err
	}
	python, err := startTurns(reference)
	if err != nil {
		return err
	}
	for epoch := range epochs {
		p.progress("without seeds, in turns: epoch %d of %d", epoch+1, epochs)
		for _, t := range []*turns{golang, python} {
			if err := t.epoch(); err != nil {
				return err
			}
		}
	}
	for _, t := range []*turns{golang, python} {
		if err := t.end(); err != nil {
			return err
		}
	}

	what := fmt.Sprintf("no seeds, %d epochs in turns: ", epochs)
	p.table = append(p.table,
		row{what + "test accuracy", golang.accuracy, python.accuracy, "%.4f", "%+.4f", minus},
		row{what + "seconds an epoch, median", median(golang.seconds), median(python.seconds), "%.1f", "%.2fx", over})
	if err := p.printTable(); err != nil {
		return err
	}
	if golang.accuracy < python.accuracy-tolerance {
		return fmt.Errorf("without seeds, Go's accuracy %.4f is more than %.1f points below Python's %.4f", golang.accuracy, 100*tolerance, python.accuracy)
	}
	return nil
}

// A row is a line of the table.
type row struct {
	what           string
	golang, python float64
	format         string
	difference     string // its format
	compare        func(golang, python float64) float64
}

func minus(golang, python float64) float64 { return golang - python }
func over(golang, python float64) float64  { return golang / python }

func (p *parity) printTable() error {
	fmt.Fprintln(p.results)
	w := tabwriter.NewWriter(p.results, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "\tGo\tPython\tdifference\t\n")
	for _, r := range p.table {
		fmt.Fprintf(w, "%s\t"+r.format+"\t"+r.format+"\t"+r.difference+"\t\n", r.what, r.golang, r.python, r.compare(r.golang, r.python))
	}
	return w.Flush()
}

// turns is a program that runs only when it is its turn; else it is stopped.
type turns struct {
	cmd      *exec.Cmd
	stderr   bytes.Buffer
	lines    *bufio.Scanner
	seconds  []float64 // of each epoch; the first with the program's start
	accuracy float64
}

func startTurns(cmd *exec.Cmd) (*turns, error) {
	t := &turns{cmd: cmd}
	cmd.Stderr = &t.stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	t.lines = bufio.NewScanner(stdout)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return t, cmd.Process.Signal(syscall.SIGSTOP)
}

// epoch lets the program run up to its next epoch's end.
func (t *turns) epoch() error {
	start := time.Now()
	if err := t.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		return err
	}
	if _, err := t.read(train.Epoch); err != nil {
		return err
	}
	t.seconds = append(t.seconds, time.Since(start).Seconds())
	return t.cmd.Process.Signal(syscall.SIGSTOP)
}

// end lets the program run to its end.
func (t *turns) end() error {
	if err := t.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		return err
	}
	final, err := t.read(train.Final)
	if err != nil {
		return err
	}
	t.accuracy = final.TestAccuracy
	return t.cmd.Wait()
}

// read reads records up to one of a kind.
func (t *turns) read(kind train.Kind) (record, error) {
	for t.lines.Scan() {
		var r record
		if err := json.Unmarshal(t.lines.Bytes(), &r); err != nil {
			return r, fmt.Errorf("%s printed %q: %w", t.cmd.Args[0], t.lines.Text(), err)
		}
		if r.Kind == kind {
			return r, nil
		}
	}
	err := t.lines.Err()
	if err == nil {
		err = io.ErrUnexpectedEOF
	}
	t.cmd.Wait()
	return record{}, fmt.Errorf("%s: %w: %s", strings.Join(t.cmd.Args, " "), err, python.LastLine(t.stderr.Bytes()))
}

func median(x []float64) float64 {
	x = slices.Sorted(slices.Values(x))
	return (x[(len(x)-1)/2] + x[len(x)/2]) / 2
}
