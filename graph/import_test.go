package graph

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"

	tf "github.com/tensorflow/tensorflow/tensorflow/go"
	"github.com/tensorflow/tensorflow/tensorflow/go/op"
	"google.golang.org/protobuf/proto"

	"tfrunner/mnist"
	"tfrunner/scripts/python"
)

func names(t *testing.T, text string) Names {
	t.Helper()
	n, err := ParseNames(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// tutorialNames are those of scripts/tutorial.py.
const tutorialNames = "images=X:0,labels=Y:0,loss=cost:0,predictions=predict_op,keep_conv=p_keep_conv:0,keep_hidden=p_keep_hidden:0"

// tutorialDef returns the graph that Python writes of the tutorial.
func tutorialDef(t *testing.T) []byte {
	t.Helper()
	file := filepath.Join(t.TempDir(), "tutorial.pb")
	cmd, err := python.Command(context.Background(), os.Stderr, "../scripts/tutorial.py", "-seed", "7", "-dump-graph", file)
	if err == nil {
		_, err = python.Output(cmd)
	}
	if err != nil {
		t.Fatal(err)
	}
	return read(t, file)
}

// pythonDef returns a graph that testdata/graphs.py writes.
func pythonDef(t *testing.T, name string) []byte {
	t.Helper()
	dir, err := python.Files(context.Background(), os.Stderr, "testdata/graphs.py")
	if err != nil {
		t.Fatal(err)
	}
	return read(t, filepath.Join(dir, name+".pb"))
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	def, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return def
}

func imported(t *testing.T, def []byte, names Names, o Optimizer) Imported {
	t.Helper()
	i, err := Import(def, names, o)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// A trained is what a training comes to, in bits.
type trained struct {
	losses, variables [][]byte
	names             []string
	classes           []int64 // of some test images
}

// steps trains on real digits, 128 a step. If floats, it feeds X and Y, if
// testing, it tests after each step.
func steps(t *testing.T, s *op.Scope, m Model, training Training, n int, floats, testing bool) (r trained) {
	t.Helper()
	vars := slices.Concat(m.Weights, training.Slots)
	session := open(t, s, inits(vars))
	dir, err := mnist.Dir()
	if err != nil {
		t.Fatal(err)
	}
	data, err := mnist.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	fetch := func(feeds map[tf.Output]*tf.Tensor, outputs []tf.Output, ops ...*tf.Operation) []*tf.Tensor {
		out, err := session.Run(feeds, outputs, ops)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	test := func() {
		out := fetch(map[tf.Output]*tf.Tensor{m.Pixels: images(t, data.Test.Slice(0, 200))}, []tf.Output{m.TestPredict})
		r.classes = out[0].Value().([]int64)
	}
	for i := range n {
		batch := data.Train.Slice(128*i, 128*i+128)
		feeds := map[tf.Output]*tf.Tensor{m.Pixels: images(t, batch), m.Labels: tensor(t, batch.Labels)}
		if floats {
			out := fetch(feeds, []tf.Output{m.X, m.Y})
			feeds = map[tf.Output]*tf.Tensor{m.X: out[0], m.Y: out[1]}
		}
		if m.KeepConv.Op != nil {
			feeds[m.KeepConv] = tensor(t, float32(0.8))
		}
		if m.KeepHidden.Op != nil {
			feeds[m.KeepHidden] = tensor(t, float32(0.5))
		}
		r.losses = append(r.losses, bits(t, fetch(feeds, []tf.Output{m.Cost}, training.Op)[0]))
		if testing {
			test()
		}
	}
	test()
	for _, v := range vars {
		r.names = append(r.names, v.Name)
		r.variables = append(r.variables, bits(t, fetch(nil, []tf.Output{v.Value})[0]))
	}
	return r
}

func images(t *testing.T, set mnist.Set) *tf.Tensor {
	t.Helper()
	pixels, err := tf.ReadTensor(tf.Uint8, []int64{int64(set.Len()), 28, 28, 1}, bytes.NewReader(set.Pixels))
	if err != nil {
		t.Fatal(err)
	}
	return pixels
}

// same compares two trainings to the last bit.
func same(t *testing.T, what string, got, want trained) {
	t.Helper()
	for i := range want.losses {
		if !bytes.Equal(got.losses[i], want.losses[i]) {
			t.Fatalf("%s: the losses differ first at step %d", what, i+1)
		}
	}
	if !slices.Equal(got.names, want.names) {
		t.Fatalf("%s: variables %v, want %v", what, got.names, want.names)
	}
	for i, name := range want.names {
		if !bytes.Equal(got.variables[i], want.variables[i]) {
			t.Errorf("%s: %s differs", what, name)
		}
	}
	if !slices.Equal(got.classes, want.classes) {
		t.Errorf("%s: other classes of the test images", what)
	}
}

// TestImportTutorial trains Python's graph of the tutorial in all ways, and
// ours, and wants one result.
func TestImportTutorial(t *testing.T) {
	def := tutorialDef(t)
	s := op.NewScope()
	m := ConvNet{Seed: 7}.Build(s)
	training := Minimize(s, m.Cost, m.Weights, tutorial)
	want := steps(t, s, m, training, 20, false, false)
	if len(want.losses) != 20 || len(want.names) != 15 {
		t.Fatalf("%d losses, %d variables", len(want.losses), len(want.names))
	}
	for _, test := range []struct {
		what            string
		names           string
		optimizer       Optimizer
		floats, testing bool
	}{
		{"Go's gradients", ",test_predictions=test_predict_op", tutorial, false, false},
		{"the graph's train op", ",test_predictions=test_predict_op,train=RMSProp", nil, false, false},
		{"floats", "", tutorial, true, false},
		{"tested with dropouts that keep all", "", tutorial, false, true},
	} {
		i := imported(t, def, names(t, tutorialNames+test.names), test.optimizer)
		same(t, test.what, steps(t, i.Scope, i.Model, i.Training, 20, test.floats, test.testing), want)
	}
}

// TestImportOwn imports a graph that Go wrote.
func TestImportOwn(t *testing.T) {
	build := func() (*op.Scope, Model, Training) {
		s := op.NewScope()
		m := ConvNet{Seed: 7, Filters: [3]int64{4, 4, 4}, Hidden: 20}.Build(s)
		return s, m, Minimize(s, m.Cost, m.Weights, tutorial)
	}
	s, m, training := build()
	want := steps(t, s, m, training, 3, false, false)
	s, m, training = build()
	def, err := proto.Marshal(graphDef(t, s))
	if err != nil {
		t.Fatal(err)
	}
	n := names(t, tutorialNames)
	n.Loss, n.Predictions, n.TestPredictions = m.Cost.Op.Name(), m.Predict.Op.Name(), m.TestPredict.Op.Name()
	i := imported(t, def, n, tutorial)
	same(t, "Go's gradients", steps(t, i.Scope, i.Model, i.Training, 3, false, false), want)
	n.Train = training.Op.Name()
	i = imported(t, def, n, nil)
	same(t, "the graph's train op", steps(t, i.Scope, i.Model, i.Training, 3, false, false), want)
}
