package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"tfrunner/scripts/python"
)

// A line is a line of JSON that a program printed.
type line struct {
	at time.Duration // when it came, from the program's start on

	Kind               string    `json:"kind"`
	Step               int       `json:"step"`
	ValidationAccuracy float64   `json:"validation_accuracy"` // of an epoch
	Correct            int       `json:"correct"`             // of the test images
	Seconds            float64   `json:"seconds"`             // of an evaluation
	Calls              []float64 `json:"calls"`               // seconds of each call with one image
	GFLOPS             float64   `json:"gflops"`              // of a size of matrices
}

// A process is what became of a program that ran.
type process struct {
	lines  []line
	memory int64 // bytes that were resident at most; no less than this program's, which Linux counts in
}

// measure runs a program to its end.
func measure(cmd *exec.Cmd) (p process, err error) {
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	cmd.WaitDelay = time.Second // for children of its own that outlive it
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return p, err
	}
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return p, err
	}
	lines := bufio.NewScanner(stdout)
	lines.Buffer(nil, 1<<20)
	for err == nil && lines.Scan() {
		l := line{at: time.Since(start)}
		if err = json.Unmarshal(lines.Bytes(), &l); err != nil {
			err = fmt.Errorf("printed %q: %w", lines.Text(), err)
		}
		p.lines = append(p.lines, l)
	}
	if err == nil {
		err = lines.Err()
	}
	if err != nil {
		cmd.Process.Kill()
		cmd.Wait()
		return p, fmt.Errorf("%s: %w", strings.Join(cmd.Args, " "), err)
	}
	if err := cmd.Wait(); err != nil {
		return p, fmt.Errorf("%s: %w: %s", strings.Join(cmd.Args, " "), err, python.LastLine(stderr.Bytes()))
	}
	p.memory = cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss * 1024
	return p, nil
}

// of returns the lines of a kind.
func (p process) of(kind string) (lines []line) {
	for _, l := range p.lines {
		if l.Kind == kind {
			lines = append(lines, l)
		}
	}
	return lines
}
