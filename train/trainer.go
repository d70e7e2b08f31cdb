// Package train runs the training and testing sessions of a graph.ConvNet on
// libtensorflow.
package train

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	tf "github.com/tensorflow/tensorflow/tensorflow/go"
	"github.com/tensorflow/tensorflow/tensorflow/go/op"

	"tfrunner/graph"
	"tfrunner/mnist"
)

// A Trainer is a graph with a session on it. It serves one goroutine at a time.
type Trainer struct {
	config   Config
	graph    *tf.Graph
	model    graph.Model
	training graph.Training
	testSize tf.Output // int32 scalar, for shuffled
	shuffled tf.Output // the numbers below testSize in random order

	session              *tf.Session
	keepConv, keepHidden *tf.Tensor
}

// New builds the graph. Open or Run open its session. A setting that is out of
// its range is a graph.RangeError.
func New(c Config) (*Trainer, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	t := &Trainer{config: c}
	s := op.NewScope()
	if c.Graph == nil {
		t.model = c.Model.Build(s)
		t.training = t.model.Minimize(s, c.Optimizer, c.Schedule)
	} else {
		i, err := graph.Import(c.Graph, c.Names, c.Optimizer, c.Schedule)
		if err != nil {
			return nil, err
		}
		s, t.model, t.training = i.Scope, i.Model, i.Training
	}
	t.testSize = op.Placeholder(s.SubScope("test_size"), tf.Int32, op.PlaceholderShape(tf.ScalarShape()))
	t.shuffled = graph.Shuffled(s, t.testSize, c.Model.Seed)
	g, err := finalize(s)
	if err != nil {
		return nil, err
	}
	t.graph = g
	return t, nil
}

// OpenRun opens the model of the run in a folder, with the weights of its best
// checkpoint, for testing and looking into. The device is named as in Config.
func OpenRun(dir, device string) (*Trainer, error) {
	c, err := readModel(dir)
	if err != nil {
		return nil, err
	}
	t, err := New(Config{
		Model: c, Compute: Compute{Device: device}, Init: dir,
		// For what only training needs.
		Optimizer: graph.RMSProp{LearningRate: 0.001}, Epochs: 1, Batch: graph.Towers, KeepConv: 1, KeepHidden: 1,
	})
	if err != nil {
		return nil, err
	}
	if err := t.Open(); err != nil {
		t.Close()
		return nil, err
	}
	return t, nil
}

// finalize returns the graph of s.
func finalize(s *op.Scope) (*tf.Graph, error) {
	g, err := s.Finalize()
	if err != nil {
		// Package op adds the stack of the failed op, over many lines.
		why, _, _ := strings.Cut(err.Error(), " (Stacktrace:")
		return nil, fmt.Errorf("building the graph: %s", why)
	}
	return g, nil
}

// Graph returns the graph, for reading.
func (t *Trainer) Graph() *tf.Graph { return t.graph }

// Model returns the model in the graph.
func (t *Trainer) Model() graph.Model { return t.model }

// Variables returns the weights and the optimizer's slots.
func (t *Trainer) Variables() []graph.Variable {
	return slices.Concat(t.model.Weights, t.training.Slots)
}

// Values returns the values of variables. The session must be open.
func (t *Trainer) Values(vars []graph.Variable) ([]*tf.Tensor, error) {
	values := make([]tf.Output, len(vars))
	for i, v := range vars {
		values[i] = v.Value
	}
	return t.session.Run(nil, values, nil)
}

// Fetch returns the values that tensors have for all images of a set at once,
// with dropouts that keep all. The session must be open.
func (t *Trainer) Fetch(set mnist.Set, tensors ...tf.Output) ([]*tf.Tensor, error) {
	batches, err := feeds(t.model, set, max(1, set.Len()))
	if err != nil {
		return nil, err
	}
	if batches == nil {
		return nil, errors.New("no images")
	}
	one, err := tf.NewTensor(float32(1))
	if err != nil {
		return nil, err
	}
	for _, keep := range []tf.Output{t.model.KeepConv, t.model.KeepHidden} {
		if keep.Op != nil { // an imported graph may have none
			batches[0][keep] = one
		}
	}
	return t.session.Run(batches[0], tensors, nil)
}

// Open opens the session on the device that the Config names and gives the
// variables their initial values.
func (t *Trainer) Open() error {
	if err := checkVersion(tf.Version()); err != nil {
		return err
	}
	options, err := t.config.compute().Options()
	if err != nil {
		return err
	}
	if t.session, err = tf.NewSession(t.graph, options); err != nil {
		return fmt.Errorf("opening a session: %w", err)
	}
	var inits []*tf.Operation
	for _, v := range t.Variables() {
		inits = append(inits, v.Init)
	}
	if _, err := t.session.Run(nil, nil, inits); err != nil {
		return fmt.Errorf("initializing the variables: %w", err)
	}
	if t.config.Init != "" {
		if err := t.initFrom(t.config.Init); err != nil {
			return err
		}
	}
	if t.keepConv, err = tf.NewTensor(t.config.KeepConv); err != nil {
		return err
	}
	t.keepHidden, err = tf.NewTensor(t.config.KeepHidden)
	return err
}

// Close closes the session, if there is one.
func (t *Trainer) Close() error {
	if t.session == nil {
		return nil
	}
	return t.session.Close()
}

// version is the TensorFlow whose ops and C API this package is built for.
const version = "2.21"

// checkVersion returns an error unless a libtensorflow of that version will do.
func checkVersion(have string) error {
	if !strings.HasPrefix(have, version+".") {
		return fmt.Errorf("this is libtensorflow %s, want %s: run `make setup`, and look at LD_LIBRARY_PATH", have, version)
	}
	return nil
}
