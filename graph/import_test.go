package graph

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	tf "github.com/tensorflow/tensorflow/tensorflow/go"
	attrpb "github.com/tensorflow/tensorflow/tensorflow/go/core/framework/attr_value_go_proto"
	graphpb "github.com/tensorflow/tensorflow/tensorflow/go/core/framework/graph_go_proto"
	nodepb "github.com/tensorflow/tensorflow/tensorflow/go/core/framework/node_def_go_proto"
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
	i, err := Import(def, names, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// loaded is the data, read once.
var loaded = sync.OnceValues(func() (mnist.Data, error) {
	dir, err := mnist.Dir()
	if err != nil {
		return mnist.Data{}, err
	}
	return mnist.Load(dir)
})

// A trained is what a training comes to, in bits.
type trained struct {
	losses, predictions [][]byte // of each step
	names               []string
	variables           [][]byte
	classes             []int64 // of some test images
}

// steps trains on real digits, 128 a step. If floats, it feeds X and Y, if
// testing, it tests after each step.
func steps(t *testing.T, s *op.Scope, m Model, training Training, n int, floats, testing bool) (r trained) {
	t.Helper()
	vars := slices.Concat(m.Weights, training.Slots)
	session := open(t, s, inits(vars))
	data, err := loaded()
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
		out := fetch(feeds, []tf.Output{m.Cost, m.Predict}, training.Op)
		r.losses = append(r.losses, bits(t, out[0]))
		r.predictions = append(r.predictions, bits(t, out[1]))
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
		if !bytes.Equal(got.predictions[i], want.predictions[i]) {
			t.Errorf("%s: the predictions differ at step %d", what, i+1)
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

// TestImportTutorial trains Python's graph of the tutorial in both ways, and
// ours, and wants one result.
func TestImportTutorial(t *testing.T) {
	def := tutorialDef(t)
	s := op.NewScope()
	m := ConvNet{Seed: 7}.Build(s)
	training := m.Minimize(s, tutorial, nil)
	want := steps(t, s, m, training, 20, false, false)
	if len(want.losses) != 20 || len(want.names) != 15 {
		t.Fatalf("%d losses, %d variables", len(want.losses), len(want.names))
	}
	for _, test := range []struct {
		what, names string
		optimizer   Optimizer
	}{
		{"Go's gradients", "", tutorial},
		{"the graph's train op", ",train=RMSProp", nil},
	} {
		i := imported(t, def, names(t, tutorialNames+",test_predictions=test_predict_op"+test.names), test.optimizer)
		same(t, test.what, steps(t, i.Scope, i.Model, i.Training, 20, false, false), want)
	}
}

// TestImportOwn imports a graph that Go wrote.
func TestImportOwn(t *testing.T) {
	build := func() (*op.Scope, Model, Training) {
		s := op.NewScope()
		m := ConvNet{Seed: 7, Filters: [3]int64{4, 4, 4}, Hidden: 20}.Build(s)
		return s, m, m.Minimize(s, tutorial, nil)
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
	for _, test := range []struct {
		what            string
		floats, testing bool
	}{
		{"Go's gradients", false, false},
		{"fed with floats", true, false},
		{"tested after each step", false, true},
	} {
		i := imported(t, def, n, tutorial)
		same(t, test.what, steps(t, i.Scope, i.Model, i.Training, 3, test.floats, test.testing), want)
	}
	n.TestPredictions = "" // those with dropout, which keeps all
	i := imported(t, def, n, tutorial)
	same(t, "no test predictions", steps(t, i.Scope, i.Model, i.Training, 3, false, true), want)
	n.Train = training.Op.Name()
	i = imported(t, def, n, nil)
	same(t, "the graph's train op", steps(t, i.Scope, i.Model, i.Training, 3, false, false), want)
}

// perceptronNames are those of the graphs of testdata/graphs.py.
const perceptronNames = "images=images:0,labels=labels,loss=cost:0,predictions=classes"

// perceptronRMSProp is the optimizer in them.
var perceptronRMSProp = RMSProp{LearningRate: 0.01, Decay: 0.8, Momentum: 0.5, Epsilon: 1e-3}

// TestImportPerceptron trains other graphs of Python's in both ways.
func TestImportPerceptron(t *testing.T) {
	for _, test := range []struct{ file, names, weights, others string }{
		{"flat", "", "layers/w layers/b layers/w_o layers/b_o", "training/step"},
		{"rows", "", "layers/w layers/b layers/w_o layers/b_o", "training/step"},
		{"frozen", "", "layers/w_o layers/b_o", "layers/w layers/b training/step"},
		{"dropout", ",keep_hidden=keep", "layers/w layers/b layers/w_o layers/b_o", "count training/step"},
		{"sparse", "", "layers/w layers/b layers/w_o layers/b_o", "training/step"},
	} {
		def := pythonDef(t, test.file)
		n := names(t, perceptronNames+test.names)
		n.Train = "training/train"
		own := imported(t, def, n, nil)
		weights := strings.Fields(test.weights)
		var others []string
		for _, v := range own.Training.Slots {
			if !strings.Contains(v.Name, "RMSProp") {
				others = append(others, v.Name)
			}
		}
		if got := strings.Join(others, " "); got != test.others {
			t.Errorf("%s: variables beside weights and slots %s, want %s", test.file, got, test.others)
		}
		want := steps(t, own.Scope, own.Model, own.Training, 5, false, false)
		if got := own.Model.Predict.DataType(); got != tf.Int64 {
			t.Errorf("%s: predictions of the dtype %v", test.file, got)
		}
		if !slices.Equal(want.names[:len(weights)], weights) {
			t.Errorf("%s: weights %s, want %s", test.file, want.names, test.weights)
		}
		if test.file == "sparse" {
			continue // no gradient in Go: TestImportErrors
		}
		n.Train = ""
		for _, floats := range []bool{false, true} {
			i := imported(t, def, n, perceptronRMSProp)
			got := steps(t, i.Scope, i.Model, i.Training, 5, floats, false)
			// The slots have other names.
			got.names, want.names = got.names[:len(weights)], want.names[:len(weights)]
			same(t, test.file, got, want)
		}
	}
}

// TestImportInitial feeds the initial values of all variables, of which two
// have one tensor for theirs.
func TestImportInitial(t *testing.T) {
	def := edited(t, pythonDef(t, "flat"), "training/layers/b_o/RMSProp_1/Assign", func(n *nodepb.NodeDef) {
		n.Input[1] = "training/layers/b_o/RMSProp/Initializer/ones"
	})
	n := names(t, perceptronNames)
	n.Train = "training/train"
	i := imported(t, def, n, nil)
	vars := slices.Concat(i.Model.Weights, i.Training.Slots)
	session := open(t, i.Scope, inits(vars))
	feeds, values := map[tf.Output]*tf.Tensor{}, []tf.Output{}
	for n, v := range vars {
		shape, err := v.Value.Shape().ToSlice()
		if err != nil {
			t.Fatal(err)
		}
		var value any = slices.Repeat([]float32{float32(n)}, int(elements(v.Value.Shape())))
		if v.Value.DataType() == tf.Int64 {
			value = []int64{int64(n)} // the step
		}
		feeds[v.Initial] = tensor(t, value)
		if err := feeds[v.Initial].Reshape(shape); err != nil {
			t.Fatal(err)
		}
		values = append(values, v.Value)
	}
	if _, err := session.Run(feeds, nil, inits(vars)); err != nil {
		t.Fatal(err)
	}
	out, err := session.Run(nil, values, nil)
	if err != nil {
		t.Fatal(err)
	}
	for n, v := range vars {
		if !bytes.Equal(bits(t, out[n]), bits(t, feeds[v.Initial])) {
			t.Errorf("%s is not what its initial value was fed with", v.Name)
		}
	}
}

func TestImportErrors(t *testing.T) {
	for _, test := range []struct{ file, old, new, want string }{
		{"sparse", "", "", "the op xent/xent (SparseSoftmaxCrossEntropyWithLogits) has no gradient in TensorFlow's C API, on the way cost <- Mean <- xent/xent; train=OP"},
		{"custom", "", "", "the op Relu (Relu) has a gradient in Python that the graph does not hold, on the way cost <- Mean <- "},
		{"ref", "", "", "the variable layers/w is a VariableV2: want resource variables"},
		{"double", "", "", "the variable layers/w is double: want float32"},
		{"constant", "", "", "nothing to train: loss=cost:0"},
		{"fixed", "", "", "images=images:0 is float32 [128, 784]: want float32 [?, 28, 28, 1] or float32 [?, 28, 28] or float32 [?, 784]"},
		{"uninitialized", "", "", "the variable layers/w has no initializer"},
		{"dropout", "", "", "nothing feeds the placeholder keep"},
		{"dropout", "loss", "keep_conv=keep:0,keep_hidden=keep,loss", "keep_conv and keep_hidden are both keep:0"},
		{"flat", "cost", "nix", "loss=nix:0: no such tensor in the graph; its placeholders are images, labels, and the ops that no other reads cost, classes, "},
		{"flat", "images:0", "images:x", "images=images:x: no such tensor"},
		{"flat", "images:0", "^images", "images=images:-1: the op has 1 outputs"},
		{"flat", "cost:0", "cost:1", "loss=cost:1: the op has 1 outputs"},
		{"flat", "images:0", "labels", "images=labels:0 is int64 [?]: want float32 [?, 28, 28, 1] or"},
		{"flat", "labels=labels", "labels=images", "labels=images:0 is float32 [?, 784]: want float32 [?, 10] or int32 [?] or int64 [?]"},
		{"flat", "cost", "classes", "loss=classes:0 is int32 [?]: want float32 []"},
		{"flat", "=classes", "=BiasAdd", "predictions=BiasAdd:0 is float32 [?, 30]: want int64 [?] or int32 [?]"},
		{"flat", "=classes", "=labels", "predictions=labels does not depend on images=images:0"},
		{"flat", "loss", "keep_conv=cost,loss", "keep_conv=cost is of the op Identity: want a placeholder, one of images, labels"},
	} {
		_, err := Import(pythonDef(t, test.file), names(t, strings.Replace(perceptronNames, test.old, test.new, 1)), perceptronRMSProp, nil)
		wantError(t, err, test.want)
	}
	flat, n := pythonDef(t, "flat"), names(t, perceptronNames)
	_, err := Import(nil, n, tutorial, nil)
	wantError(t, err, "not a binary GraphDef: no nodes in it")
	_, err = Import(flat[:len(flat)-1], n, tutorial, nil)
	wantError(t, err, "not a binary GraphDef: ")
	_, err = Import(flat, n, nil, nil)
	wantError(t, err, "want an optimizer or the name of the graph's train op")
	_, err = Import(flat, Names{}, tutorial, nil)
	wantError(t, err, "no name of the graph's images, labels, loss, predictions")
	_, err = Import(flat, n, RMSProp{}, nil)
	if wrong := new(RangeError); !errors.As(err, &wrong) {
		t.Errorf("error %v, want a RangeError", err)
	}
	for op, want := range map[string]string{
		"nix":  "train=nix: no such op in the graph; those that no other reads are cost, classes, ",
		"init": "train=init does not depend on images=images:0",
	} {
		n.Train = op
		_, err = Import(flat, n, nil, nil)
		wantError(t, err, want)
	}
	_, err = Import(flat, n, nil, CosineDecay{Steps: 1})
	wantError(t, err, "want no schedule for the graph's train op")
	n.Train = ""
	for resource, want := range map[string]string{
		"layers/w":         `the variables layers/w and layers/b are one resource, "layers/w"`,
		"layers/w/RMSProp": "the graph has a variable layers/w/RMSProp, as the optimizer's slot is named",
	} {
		changed := edited(t, flat, "layers/b", func(n *nodepb.NodeDef) {
			n.Attr["shared_name"] = &attrpb.AttrValue{Value: &attrpb.AttrValue_S{S: []byte(resource)}}
		})
		_, err = Import(changed, n, perceptronRMSProp, nil)
		wantError(t, err, want)
	}
}

// edited returns a GraphDef after an edit of one of its nodes.
func edited(t *testing.T, data []byte, name string, edit func(*nodepb.NodeDef)) []byte {
	t.Helper()
	def := new(graphpb.GraphDef)
	if err := proto.Unmarshal(data, def); err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(def.Node, func(n *nodepb.NodeDef) bool { return n.Name == name })
	edit(def.Node[i])
	data, err := proto.Marshal(def)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// wantError wants an error of one line that contains want.
func wantError(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
		t.Errorf("error %v, want %q", err, want)
	}
}

func TestParseNames(t *testing.T) {
	got := names(t, "images=X:0,labels=Y,loss=cost,predictions=p,test_predictions=t,keep_conv=k,keep_hidden=h,train=RMSProp")
	want := Names{"X:0", "Y", "cost", "p", "t", "k", "h", "RMSProp"}
	if got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	for text, want := range map[string]string{
		"":                         `"": want KEY=NAME, where a KEY is images, labels, loss, predictions, test_predictions, keep_conv, keep_hidden, train`,
		"images=X,image=X":         `"image=X": want KEY=NAME`,
		"images":                   `"images": want images=NAME, as images=X:0`,
		"images=X,images=Y":        "images is there twice: X and Y",
		"images=X,loss=c,labels=Y": "no name of the graph's predictions",
	} {
		_, err := ParseNames(text)
		wantError(t, err, want)
	}
}
