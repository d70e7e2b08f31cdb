package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	tf "github.com/tensorflow/tensorflow/tensorflow/go"
	graphpb "github.com/tensorflow/tensorflow/tensorflow/go/core/framework/graph_go_proto"
	"google.golang.org/protobuf/proto"

	"tfrunner/graph"
	"tfrunner/graph/checkpoint"
	"tfrunner/graph/graphdef"
	"tfrunner/graph/graphdiff"
	"tfrunner/train"
)

// newTrainer returns the Go side: cmd/train's defaults.
func newTrainer(c comparison) (*train.Trainer, error) {
	epochs := c.epochs
	if epochs == 0 {
		epochs = 100
	}
	return train.New(train.Config{
		Model:     graph.ConvNet{Seed: c.seed},
		Optimizer: graph.RMSProp{LearningRate: 0.001, Decay: 0.9, Epsilon: 1e-10},
		Epochs:    epochs, Steps: c.steps, Batch: 128, KeepConv: 0.8, KeepHidden: 0.5,
	})
}

// graphs proves that the two graphs are the same.
func (p *parity) graphs(ctx context.Context) error {
	p.progress("comparing the graphs")
	c := comparison{seed: 7}
	trainer, err := newTrainer(c)
	if err != nil {
		return err
	}
	file := filepath.Join(p.temp, "python.pb")
	if _, err := p.output(ctx, "-seed", "7", "-dump-graph", file); err != nil {
		return err
	}
	b, err := graphdef.Read(file)
	if err != nil {
		return err
	}
	var golang bytes.Buffer
	if _, err := trainer.Graph().WriteTo(&golang); err != nil {
		return err
	}
	a := new(graphpb.GraphDef)
	if err := proto.Unmarshal(golang.Bytes(), a); err != nil {
		return err
	}
	m := trainer.Model()
	report, err := graphdiff.Compare(a, b, graphdiff.Options{
		Inputs: []graphdiff.Pair{{A: "X", B: "X"}, {A: "Y", B: "Y"}, {A: "p_keep_conv", B: "p_keep_conv"}, {A: "p_keep_hidden", B: "p_keep_hidden"}},
		Outputs: []graphdiff.Pair{
			{A: m.PyX.Op.Name(), B: "py_x"},
			{A: m.Cost.Op.Name(), B: "cost"},
			{A: m.Predict.Op.Name(), B: "predict_op"},
			{A: m.TestPredict.Op.Name(), B: "test_predict_op"},
		},
		Variables: true,
	})
	if err != nil {
		return err
	}
	fmt.Fprintln(p.results, "The graphs, A from Go and B from Python, from X, Y and the keep probabilities to py_x, cost,")
	fmt.Fprintln(p.results, "predict_op and its copy for testing, with the initializers and updates of all variables:")
	if err := report.Print(p.results); err != nil {
		return err
	}
	if report.Differences != nil {
		return fmt.Errorf("the graphs differ at %d places", len(report.Differences))
	}
	fmt.Fprintln(p.results)
	return nil
}

// A comparison is a run on both sides, of so many steps or epochs.
type comparison struct {
	seed          int64
	steps, epochs int
}

func (c comparison) String() string {
	switch {
	case c.epochs == 0:
		return fmt.Sprintf("seed %d, %d steps", c.seed, c.steps)
	case c.epochs == 1:
		return fmt.Sprintf("seed %d, 1 epoch", c.seed)
	}
	return fmt.Sprintf("seed %d, %d epochs", c.seed, c.epochs)
}

// A side is what one of the programs found.
type side struct {
	losses  []float32  // of each step
	epochs  []accuracy // of each epoch
	correct int        // test images at the end
	values  [][]byte   // of each variable
	classes []byte     // of each test image
}

// An accuracy is what both programs find after an epoch.
type accuracy struct{ validation, sample float64 }

// numbers holds the bits of a run in Go against those of a run in Python.
func (p *parity) numbers(ctx context.Context, c comparison) error {
	p.progress("%s: in Go", c)
	trainer, err := newTrainer(c)
	if err != nil {
		return err
	}
	defer trainer.Close()
	golang, err := p.runGo(ctx, trainer)
	if err != nil {
		return err
	}
	p.progress("%s: in Python", c)
	python, err := p.runPython(ctx, c, trainer.Variables())
	if err != nil {
		return err
	}
	if err := compare(golang, python, trainer.Variables()); err != nil {
		return fmt.Errorf("%s: %w", c, err)
	}
	bytes := 0
	for _, v := range golang.values {
		bytes += len(v)
	}
	images := float64(len(golang.classes))
	p.table = append(p.table, row{c.String() + ": test accuracy", float64(golang.correct) / images, float64(python.correct) / images, "%.4f", "%+.4f", minus})
	_, err = fmt.Fprintf(p.results, "%s: equal bits in the losses of %d steps, in %d variables (%d bytes) and in the classes of %d images\n",
		c, len(golang.losses), len(golang.values), bytes, len(golang.classes))
	return err
}

// compare returns an error that tells where the sides differ first.
func compare(golang, python side, vars []graph.Variable) error {
	var differing []string
	for i, v := range vars {
		if !bytes.Equal(golang.values[i], python.values[i]) {
			differing = append(differing, v.Name)
		}
	}
	if len(golang.losses) != len(python.losses) {
		return fmt.Errorf("%d steps in Go, %d in Python", len(golang.losses), len(python.losses))
	}
	for i, g := range golang.losses {
		if py := python.losses[i]; math.Float32bits(g) != math.Float32bits(py) {
			return fmt.Errorf("the losses differ first at step %d: Go %v (%#08x), Python %v (%#08x); variables that differ at the end: %s",
				i+1, g, math.Float32bits(g), py, math.Float32bits(py), strings.Join(differing, ", "))
		}
	}
	if !slices.Equal(golang.epochs, python.epochs) {
		return fmt.Errorf("equal losses, but other accuracies after the epochs: Go %v, Python %v", golang.epochs, python.epochs)
	}
	if differing != nil {
		return fmt.Errorf("equal losses, but these variables differ at the end: %s", strings.Join(differing, ", "))
	}
	for i, class := range golang.classes {
		if class != python.classes[i] {
			return fmt.Errorf("equal variables, but test image %d is a %d in Go, a %d in Python", i, class, python.classes[i])
		}
	}
	if golang.correct != python.correct {
		return fmt.Errorf("equal classes, but %d are right in Go, %d in Python", golang.correct, python.correct)
	}
	return nil
}

// Record implements train.Recorder.
func (s *side) Record(r train.Record) error {
	switch r.Kind {
	case train.Step:
		s.losses = append(s.losses, r.Loss)
	case train.Epoch:
		s.epochs = append(s.epochs, accuracy{r.ValidationAccuracy, r.SampleAccuracy})
	case train.Final:
		s.correct = r.Correct
	}
	return nil
}

func (p *parity) runGo(ctx context.Context, t *train.Trainer) (s side, err error) {
	if err := t.Run(ctx, p.data, &s); err != nil {
		return s, err
	}
	tensors, err := t.Values(t.Variables())
	if err != nil {
		return s, err
	}
	if s.values, err = contents(tensors); err != nil {
		return s, err
	}
	classes, err := t.Classes(ctx, p.data.Test)
	for _, class := range classes {
		s.classes = append(s.classes, byte(class))
	}
	return s, err
}

func (p *parity) runPython(ctx context.Context, c comparison, vars []graph.Variable) (s side, err error) {
	saved, classes := filepath.Join(p.temp, "python.ckpt"), filepath.Join(p.temp, "classes")
	args := []string{"-json", "-seed", strconv.FormatInt(c.seed, 10), "-checkpoint", saved, "-classes", classes}
	if c.epochs > 0 {
		args = append(args, "-epochs", strconv.Itoa(c.epochs))
	} else {
		args = append(args, "-steps", strconv.Itoa(c.steps))
	}
	out, err := p.output(ctx, args...)
	if err != nil {
		return s, err
	}
	for line := range bytes.Lines(out) {
		var r record
		if err := json.Unmarshal(line, &r); err != nil {
			return s, fmt.Errorf("%s printed %q: %w", tutorial, line, err)
		}
		if err := s.Record(train.Record{
			Kind: r.Kind, Loss: r.Loss, Correct: r.Correct,
			ValidationAccuracy: r.ValidationAccuracy, SampleAccuracy: r.SampleAccuracy,
		}); err != nil {
			return s, err
		}
	}
	if s.classes, err = os.ReadFile(classes); err != nil {
		return s, err
	}
	if len(s.classes) != p.data.Test.Len() {
		return s, fmt.Errorf("%s classified %d images, want %d", tutorial, len(s.classes), p.data.Test.Len())
	}
	var names []string
	for _, v := range vars {
		names = append(names, v.Name)
	}
	tensors, err := checkpoint.Read(saved, names...)
	if err != nil {
		return s, err
	}
	s.values, err = contents(tensors)
	return s, err
}

// A record is a line of JSON of either program.
type record struct {
	Kind               train.Kind `json:"kind"`
	Loss               float32    `json:"loss"`
	ValidationAccuracy float64    `json:"validation_accuracy"`
	SampleAccuracy     float64    `json:"sample_accuracy"`
	TestAccuracy       float64    `json:"test_accuracy"`
	Correct            int        `json:"correct"`
}

// contents returns the bytes of tensors.
func contents(tensors []*tf.Tensor) (all [][]byte, err error) {
	for _, t := range tensors {
		var b bytes.Buffer
		if _, err := t.WriteContentsTo(&b); err != nil {
			return nil, err
		}
		all = append(all, b.Bytes())
	}
	return all, nil
}
