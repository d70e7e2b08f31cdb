package train

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"

	"tfrunner/graph"
)

// Config is what a Trainer trains, and how.
type Config struct {
	Model     graph.ConvNet
	Optimizer graph.Optimizer // nil: the Graph's own
	Schedule  graph.Schedule  // of the Optimizer's learning rate; nil: it stays

	// Graph is a binary GraphDef that is trained in the place of Model, of
	// which only Seed counts then, for the drawing of test images. Names say
	// what is what in it. nil: none.
	Graph []byte
	Names graph.Names

	Epochs int // how often to go through the training images, at least 1
	Steps  int // ends the training after so many steps; 0: no such end
	Batch  int // images a step, at least 1; an epoch leaves out its last, smaller batch

	KeepConv   float32 // dropout keeps so much after each convolution; more than 0, at most 1
	KeepHidden float32 // likewise after the hidden layer

	// Target ends the training when the accuracy on the validation images
	// reaches it; 0: no such end.
	Target float64

	// Init is where the weights come from before the first step: a checkpoint's
	// prefix, a SavedModel or a run's folder; "": drawn at random.
	Init string

	// Out is the run's folder. It holds the settings and a checkpoint of every
	// epoch, and of where the run ends before its time: the last Keep of them,
	// at least 1, and the one of the best validation accuracy. "": none.
	Out  string
	Keep int
	// Resume goes on where the run in Out stopped, with the same numbers as if
	// it had not. Without it, a folder with checkpoints is refused.
	Resume bool
	// Force resumes a run that was made with other settings.
	Force bool

	// Details has each epoch's record hold Details. They cost time, and change
	// no numbers.
	Details bool

	// Compute is of the session. Of its settings, Precision decides numbers;
	// threads and devices may do so in the last bits. By default all cores share
	// an op, and one op runs after the other; of a fast Model each tower has its
	// part of the cores.
	Compute
}

// compute returns c's, with its defaults.
func (c Config) compute() Compute {
	if c.Model.Fast && c.Graph == nil {
		return c.Compute.or(Compute{IntraOp: max(1, runtime.NumCPU()/graph.Towers), InterOp: graph.Towers})
	}
	return c.Compute.or(Compute{InterOp: -1})
}

// validate returns a graph.RangeError for what is out of its range.
func (c Config) validate() error {
	switch {
	case c.Epochs < 1:
		return &graph.RangeError{Setting: "epochs", Value: c.Epochs, Want: "at least 1"}
	case c.Steps < 0:
		return &graph.RangeError{Setting: "steps", Value: c.Steps, Want: "at least 0"}
	case c.Batch < 1:
		return &graph.RangeError{Setting: "batch", Value: c.Batch, Want: "at least 1"}
	case c.Model.Fast && c.Graph == nil && c.Batch < graph.Towers:
		return &graph.RangeError{Setting: "batch", Value: c.Batch, Want: fmt.Sprintf("at least %d of a fast model, whose towers have an image each", graph.Towers)}
	case !(c.KeepConv > 0 && c.KeepConv <= 1):
		return &graph.RangeError{Setting: "keep-conv", Value: c.KeepConv, Want: "more than 0, at most 1"}
	case !(c.KeepHidden > 0 && c.KeepHidden <= 1):
		return &graph.RangeError{Setting: "keep-hidden", Value: c.KeepHidden, Want: "more than 0, at most 1"}
	case !(c.Target >= 0 && c.Target <= 1):
		return &graph.RangeError{Setting: "target", Value: c.Target, Want: "0 to 1"}
	case c.Optimizer == nil && (c.Graph == nil || c.Names.Train == ""):
		return errors.New("no optimizer")
	case c.Optimizer == nil && c.Schedule != nil:
		return errors.New("a schedule, but no optimizer")
	case c.Out != "" && c.Keep < 1:
		return &graph.RangeError{Setting: "keep", Value: c.Keep, Want: "at least 1"}
	case c.Resume && c.Out == "":
		return &graph.RangeError{Setting: "resume", Value: c.Resume, Want: "-out with the run's folder"}
	case c.Resume && c.Init != "":
		return &graph.RangeError{Setting: "init", Value: c.Init, Want: "no -resume, which has weights of its own"}
	case c.Force && !c.Resume:
		return &graph.RangeError{Setting: "force", Value: c.Force, Want: "-resume, whose other settings it accepts"}
	}
	if c.Optimizer != nil {
		if err := c.Optimizer.Validate(); err != nil {
			return err
		}
	}
	if c.Schedule != nil {
		if err := c.Schedule.Validate(); err != nil {
			return err
		}
	}
	return c.Compute.validate()
}

// Settings are what decides a run's numbers, by their names on the command
// line, as a run's config.json holds them.
type Settings map[string]json.RawMessage

// settings returns c's, with the number of images that it trains on.
func (c Config) settings(images int) (Settings, error) {
	s := Settings{}
	precision := c.Precision
	if precision == float32Precision {
		precision = ""
	}
	parts := []any{
		struct {
			Batch      int     `json:"batch"`
			KeepConv   float32 `json:"keep-conv"`
			KeepHidden float32 `json:"keep-hidden"`
			Images     int     `json:"images"`
			Seed       int64   `json:"seed"`
			Precision  string  `json:"precision,omitempty"` // none: float32
		}{c.Batch, c.KeepConv, c.KeepHidden, images, c.Model.Seed, precision},
	}
	if c.Graph == nil {
		parts = append(parts, c.Model.WithDefaults())
	} else {
		parts = append(parts, struct {
			Graph string `json:"graph-sha256"`
			Names string `json:"map"`
		}{fmt.Sprintf("%x", sha256.Sum256(c.Graph)), c.Names.String()})
	}
	if c.Optimizer != nil {
		parts = append(parts, c.Optimizer, struct {
			Optimizer string `json:"optimizer"`
		}{c.Optimizer.Name()})
	}
	if c.Schedule != nil {
		parts = append(parts, c.Schedule, struct {
			Schedule string `json:"lr-schedule"`
		}{c.Schedule.Name()})
	}
	for _, part := range parts {
		data, err := json.Marshal(part)
		if err == nil {
			err = json.Unmarshal(data, &s)
		}
		if err != nil {
			return nil, err
		}
	}
	if c.Graph != nil && c.Names.KeepConv == "" {
		delete(s, "keep-conv")
	}
	if c.Graph != nil && c.Names.KeepHidden == "" {
		delete(s, "keep-hidden")
	}
	return s, nil
}

// compact returns the settings without what writing them added.
func (s Settings) compact() (map[string]string, error) {
	values := map[string]string{}
	for name, value := range s {
		var b bytes.Buffer
		if err := json.Compact(&b, value); err != nil {
			return nil, err
		}
		values[name] = b.String()
	}
	return values, nil
}

// differences lists the settings that others has otherwise, "NAME HERE (there
// THERE)".
func (s Settings) differences(others Settings) (string, error) {
	a, err := s.compact()
	if err != nil {
		return "", err
	}
	b, err := others.compact()
	if err != nil {
		return "", err
	}
	var all []string
	for name := range a {
		if a[name] != b[name] {
			all = append(all, fmt.Sprintf("%s %s (there %s)", name, a[name], cmp.Or(b[name], "none")))
		}
	}
	for name := range b {
		if a[name] == "" {
			all = append(all, fmt.Sprintf("%s none (there %s)", name, b[name]))
		}
	}
	slices.Sort(all)
	return strings.Join(all, ", "), nil
}
