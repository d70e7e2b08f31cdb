package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

// A part is a set of programs of which the same is measured.
type part struct {
	name    string
	rows    []row
	metrics []metric
	prepare func(ctx context.Context, b *bench) error // before the first round; nil: nothing
	args    func(b *bench, r row, round int) []string // for each row, before its own
	read    func(b *bench, r row, p process) (map[string]float64, error)
}

// A metric is a number that each run of a program gives.
type metric struct {
	name   string // in a sample
	title  string // of its table, with the unit
	format string
	file   string // of its picture; "": none
}

var memory = metric{"memory", "peak resident memory, MB", "%.0f", "memory.svg"}

// parts returns what the settings ask for.
func (s settings) parts() []part {
	switch {
	case s.Accuracy > 0:
		return []part{s.accuracyPart()}
	case s.growth:
		return []part{s.growthPart()}
	}
	return []part{
		{
			name: "training",
			rows: s.chosen(trainingRows),
			metrics: []metric{
				{"rate", "training, 128 images a step: steps/s", "%.2f", "training.svg"},
				{"start", "process start to the first step's end, s", "%.2f", "start.svg"},
				{"evaluation", "after training, 10,000 test images, s", "%.2f", ""},
				memory,
			},
			args: func(b *bench, _ row, _ int) []string {
				return []string{"-data", b.data, "-steps", strconv.Itoa(b.Steps)}
			},
			read: func(b *bench, _ row, p process) (map[string]float64, error) {
				return readTraining(p, b.Warmup, b.Steps)
			},
		},
		{
			name: "testing",
			rows: s.chosen(testingRows),
			metrics: []metric{
				{"evaluation", "testing 10,000 images, s", "%.3f", "testing.svg"},
				{"p50", "one image, p50, ms", "%.3f", "latency.svg"},
				{"p99", "one image, p99, ms", "%.3f", ""},
				{"correct", "images classified correctly, of 10,000", "%.0f", ""},
				{"memory", "peak resident memory in testing, MB", "%.0f", ""},
			},
			prepare: trainModel,
			args: func(b *bench, r row, _ int) []string {
				return []string{"-data", b.data, "-run", b.run(), "-classes", b.classesFile(r), "-passes", strconv.Itoa(b.Passes), "-calls", strconv.Itoa(b.Calls)}
			},
			read: readTesting,
		},
		{
			name:    "peak",
			rows:    s.chosen(peakRows),
			metrics: []metric{{"gflops", "product of large square matrices, GFLOP/s", "%.0f", ""}},
			args:    func(*bench, row, int) []string { return nil },
			read: func(_ *bench, _ row, p process) (map[string]float64, error) {
				best := 0.0
				for _, l := range p.of("peak") {
					best = max(best, l.GFLOPS)
				}
				return map[string]float64{"gflops": best}, nil
			},
		},
	}
}

func (b *bench) classesFile(r row) string { return filepath.Join(b.temp, "classes-"+r.name) }

// readTraining reads what a training printed.
func readTraining(p process, warmup, steps int) (map[string]float64, error) {
	lines, final := p.of("step"), p.of("final")
	if len(lines) != steps || len(final) != 1 {
		return nil, fmt.Errorf("%d steps and %d final lines, want %d and 1", len(lines), len(final), steps)
	}
	last := lines[steps-1].at
	return map[string]float64{
		"rate":       float64(steps-warmup) / (last - lines[warmup-1].at).Seconds(),
		"start":      lines[0].at.Seconds(),
		"evaluation": (final[0].at - last).Seconds(),
	}, nil
}

// readTesting reads what a test printed and wrote.
func readTesting(b *bench, r row, p process) (map[string]float64, error) {
	evaluations, latency := p.of("evaluation"), p.of("latency")
	if len(evaluations) != b.Passes || len(latency) != 1 || len(latency[0].Calls) != b.Calls {
		return nil, fmt.Errorf("%d evaluations and %d lines of latencies, want %d and 1 of %d calls", len(evaluations), len(latency), b.Passes, b.Calls)
	}
	var seconds []float64
	for _, e := range evaluations {
		seconds = append(seconds, e.Seconds)
	}
	classes, err := os.ReadFile(b.classesFile(r))
	if err == nil {
		err = b.checkClasses(r, classes)
	}
	return map[string]float64{
		"evaluation": median(seconds),
		"p50":        1e3 * percentile(latency[0].Calls, 50),
		"p99":        1e3 * percentile(latency[0].Calls, 99),
		"correct":    float64(evaluations[0].Correct),
	}, err
}

// accuracyPart trains Go and Python up to an accuracy, with another seed each round.
func (s settings) accuracyPart() part {
	rows := []row{
		{name: "go", title: "Go", start: goTrain, args: append([]string{"-json"}, s.Best...)},
		{name: reference, title: "Python", start: withTensorFlow("tutorial.py"), args: []string{"-json"}},
	}
	return part{
		name: "accuracy",
		rows: rows,
		metrics: []metric{
			{"seconds", fmt.Sprintf("seconds from process start to a validation accuracy of %v", s.Accuracy), "%.1f", "accuracy.svg"},
			{"training", "seconds of them after the first step", "%.1f", ""},
			{"epochs", "epochs", "%.0f", ""},
		},
		args: func(b *bench, _ row, round int) []string {
			return []string{"-data", b.data, "-target", strconv.FormatFloat(b.Accuracy, 'g', -1, 64), "-seed", strconv.Itoa(round)}
		},
		read: func(b *bench, _ row, p process) (map[string]float64, error) { return readAccuracy(p, b.Accuracy) },
	}
}

// readAccuracy reads when a training reached an accuracy.
func readAccuracy(p process, want float64) (map[string]float64, error) {
	steps, epochs := p.of("step"), p.of("epoch")
	if len(steps) == 0 || len(epochs) == 0 {
		return nil, errors.New("no epoch")
	}
	last := epochs[len(epochs)-1]
	if last.ValidationAccuracy < want {
		return nil, fmt.Errorf("a validation accuracy of %v after %d epochs, want %v", last.ValidationAccuracy, len(epochs), want)
	}
	return map[string]float64{
		"seconds":  last.at.Seconds(),
		"training": (last.at - steps[0].at).Seconds(),
		"epochs":   float64(len(epochs)),
	}, nil
}

// growthRow is one of growthPart's.
type growthRow struct{ batch, threads int }

// growth are the batches and threads that growthPart measures. The work is the
// same in each: fewer steps of larger batches.
func growthRows() (all []growthRow) {
	for _, threads := range []int{1, 2} {
		for batch := 32; batch <= 1024; batch *= 2 {
			all = append(all, growthRow{batch, threads})
		}
	}
	return all
}

func (g growthRow) name() string { return fmt.Sprintf("batch%d-threads%d", g.batch, g.threads) }

// steps returns as many steps as are n of 128 images, at least least.
func (g growthRow) steps(n, least int) int { return max(least, n*128/g.batch) }

// growthPart trains Go with other batches and threads.
func (s settings) growthPart() part {
	of := map[string]growthRow{}
	var rows []row
	for _, g := range growthRows() {
		of[g.name()] = g
		rows = append(rows, row{
			name: g.name(), title: fmt.Sprintf("batch %d, threads %d", g.batch, g.threads), start: goTrain,
			args: append([]string{"-json", "-batch", strconv.Itoa(g.batch), "-intra-op", strconv.Itoa(g.threads)}, s.Best...),
		})
	}
	return part{
		name: "growth",
		rows: rows,
		metrics: []metric{
			{"rate", "steps/s", "%.2f", ""},
			{"images", "images/s", "%.0f", ""},
			{"memory", "peak resident memory, MB", "%.0f", ""},
		},
		args: func(b *bench, r row, _ int) []string {
			return []string{"-data", b.data, "-steps", strconv.Itoa(of[r.name].steps(b.Steps, 3))}
		},
		read: func(b *bench, r row, p process) (map[string]float64, error) {
			g := of[r.name]
			values, err := readTraining(p, min(g.steps(b.Warmup, 1), g.steps(b.Steps, 3)-1), g.steps(b.Steps, 3))
			if err == nil {
				values["images"] = values["rate"] * float64(g.batch)
			}
			return values, err
		},
	}
}
