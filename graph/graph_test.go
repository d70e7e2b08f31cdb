package graph

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"

	tf "github.com/tensorflow/tensorflow/tensorflow/go"
	graphpb "github.com/tensorflow/tensorflow/tensorflow/go/core/framework/graph_go_proto"
	"github.com/tensorflow/tensorflow/tensorflow/go/op"
	"google.golang.org/protobuf/proto"

	"tfrunner/mnist"
)

// tutorial is the tutorial's optimizer.
var tutorial = RMSProp{LearningRate: 0.001, Decay: 0.9, Epsilon: 1e-10}

// run opens a session on the finalized graph of s, runs inits and then the
// fetches.
func run(t *testing.T, s *op.Scope, inits []*tf.Operation, feeds map[tf.Output]*tf.Tensor, fetches ...tf.Output) []*tf.Tensor {
	t.Helper()
	session := open(t, s, inits)
	out, err := session.Run(feeds, fetches, nil)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func open(t *testing.T, s *op.Scope, inits []*tf.Operation) *tf.Session {
	t.Helper()
	g, err := s.Finalize()
	if err != nil {
		t.Fatal(err)
	}
	session, err := tf.NewSession(g, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { session.Close() })
	if inits == nil {
		return session
	}
	if _, err := session.Run(nil, nil, inits); err != nil {
		t.Fatal(err)
	}
	return session
}

func tensor(t *testing.T, value any) *tf.Tensor {
	t.Helper()
	x, err := tf.NewTensor(value)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// bits returns the bytes of a tensor.
func bits(t *testing.T, x *tf.Tensor) []byte {
	t.Helper()
	var b bytes.Buffer
	if _, err := x.WriteContentsTo(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func inits(vars []Variable) (ops []*tf.Operation) {
	for _, v := range vars {
		ops = append(ops, v.Init)
	}
	return ops
}

func TestLayers(t *testing.T) {
	m := ConvNet{}.Build(op.NewScope())
	var got []string
	for _, l := range Layers(m.X, m.PyX) {
		shape, err := l.Shape.ToSlice()
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, strings.Join([]string{l.Op, l.Name, l.Shape.String()}, " "))
		if shape[0] != -1 {
			t.Errorf("%s takes %d images only", l.Name, shape[0])
		}
	}
	// The shapes are those in the tutorial's comments.
	want := []string{
		"Conv2D conv1/Conv2D [?, 28, 28, 32]",
		"Relu conv1/Relu [?, 28, 28, 32]",
		"MaxPool conv1/MaxPool [?, 14, 14, 32]",
		"RealDiv conv1/dropout/RealDiv [?, 14, 14, 32]",
		"SelectV2 conv1/dropout/SelectV2 [?, 14, 14, 32]",
		"Conv2D conv2/Conv2D [?, 14, 14, 64]",
		"Relu conv2/Relu [?, 14, 14, 64]",
		"MaxPool conv2/MaxPool [?, 7, 7, 64]",
		"RealDiv conv2/dropout/RealDiv [?, 7, 7, 64]",
		"SelectV2 conv2/dropout/SelectV2 [?, 7, 7, 64]",
		"Conv2D conv3/Conv2D [?, 7, 7, 128]",
		"Relu conv3/Relu [?, 7, 7, 128]",
		"MaxPool conv3/MaxPool [?, 4, 4, 128]",
		"Reshape conv3/Reshape [?, 2048]",
		"RealDiv conv3/dropout/RealDiv [?, 2048]",
		"SelectV2 conv3/dropout/SelectV2 [?, 2048]",
		"MatMul hidden/MatMul [?, 625]",
		"Relu hidden/Relu [?, 625]",
		"RealDiv hidden/dropout/RealDiv [?, 625]",
		"SelectV2 hidden/dropout/SelectV2 [?, 625]",
		"MatMul output/MatMul [?, 10]",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("layers:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if layers := Layers(m.Labels, m.PyX); layers != nil {
		t.Errorf("a way from the labels to the logits: %v", layers)
	}
}

func TestConfig(t *testing.T) {
	m := ConvNet{Filters: [3]int64{4, 8, 16}, Hidden: 20, Classes: 3}.Build(op.NewScope())
	want := []string{"[3, 3, 1, 4]", "[3, 3, 4, 8]", "[3, 3, 8, 16]", "[256, 20]", "[20, 3]"}
	for i, v := range m.Weights {
		if got := v.Value.Shape().String(); got != want[i] {
			t.Errorf("%s has the shape %s, want %s", v.Name, got, want[i])
		}
	}
	if got := m.Y.Shape().String(); got != "[?, 3]" {
		t.Errorf("Y has the shape %s", got)
	}
}

// TestSeeds reads each random op's seeds out of the GraphDef.
func TestSeeds(t *testing.T) {
	for _, test := range []struct {
		seed int64
		want map[string][2]int64
	}{
		{7, map[string][2]int64{
			"w/random_normal/RandomStandardNormal":   {7, 1},
			"w2/random_normal/RandomStandardNormal":  {7, 2},
			"w3/random_normal/RandomStandardNormal":  {7, 3},
			"w4/random_normal/RandomStandardNormal":  {7, 4},
			"w_o/random_normal/RandomStandardNormal": {7, 5},
			"conv1/dropout/RandomUniform":            {7, 6},
			"conv2/dropout/RandomUniform":            {7, 7},
			"conv3/dropout/RandomUniform":            {7, 8},
			"hidden/dropout/RandomUniform":           {7, 9},
		}},
		{0, map[string][2]int64{}},
	} {
		s := op.NewScope()
		ConvNet{Seed: test.seed}.Build(s)
		got, random := map[string][2]int64{}, 0
		for _, node := range graphDef(t, s).Node {
			if !strings.HasPrefix(node.Op, "Random") {
				continue
			}
			random++
			if seeds := [2]int64{node.Attr["seed"].GetI(), node.Attr["seed2"].GetI()}; seeds != [2]int64{} {
				got[node.Name] = seeds
			}
		}
		if random != 9 {
			t.Errorf("%d random ops, want 9: testing must draw no numbers", random)
		}
		if len(got) != len(test.want) {
			t.Errorf("seed %d: seeded ops %v, want %v", test.seed, got, test.want)
		}
		for name, want := range test.want {
			if got[name] != want {
				t.Errorf("%s has the seeds %v, want %v", name, got[name], want)
			}
		}
	}
}

func graphDef(t *testing.T, s *op.Scope) *graphpb.GraphDef {
	t.Helper()
	g, err := s.Finalize()
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := g.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	def := new(graphpb.GraphDef)
	if err := proto.Unmarshal(b.Bytes(), def); err != nil {
		t.Fatal(err)
	}
	return def
}

// TestWithoutDropout holds the model without dropout against the one whose
// dropout keeps all, on real digits and to the last bit.
func TestWithoutDropout(t *testing.T) {
	s := op.NewScope()
	m := ConvNet{Seed: 3}.Build(s)
	pixels, labels := digits(t, 300)
	out := run(t, s, inits(m.Weights), map[tf.Output]*tf.Tensor{
		m.Pixels: pixels, m.Labels: labels,
		m.KeepConv: tensor(t, float32(1)), m.KeepHidden: tensor(t, float32(1)),
	}, m.PyX, m.TestPyX, m.Predict, m.TestPredict, m.Cost)
	if !bytes.Equal(bits(t, out[0]), bits(t, out[1])) {
		t.Error("the logits differ")
	}
	if !bytes.Equal(bits(t, out[2]), bits(t, out[3])) {
		t.Error("the classes differ")
	}
	// Weights this small know nothing yet: the cost is ln 10.
	if cost := out[4].Value().(float32); math.Abs(float64(cost)-math.Log(10)) > 0.01 {
		t.Errorf("cost %v, want about %v", cost, math.Log(10))
	}
}

func digits(t *testing.T, n int) (pixels, labels *tf.Tensor) {
	t.Helper()
	dir, err := mnist.Dir()
	if err != nil {
		t.Fatal(err)
	}
	data, err := mnist.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	set := data.Test.Slice(0, n)
	if pixels, err = tf.ReadTensor(tf.Uint8, []int64{int64(n), 28, 28, 1}, bytes.NewReader(set.Pixels)); err != nil {
		t.Fatal(err)
	}
	if labels, err = tf.ReadTensor(tf.Uint8, []int64{int64(n)}, bytes.NewReader(set.Labels)); err != nil {
		t.Fatal(err)
	}
	return pixels, labels
}

// TestDecode checks every byte's float against one multiplication in Go, and
// every label's row.
func TestDecode(t *testing.T) {
	s := op.NewScope()
	m := ConvNet{}.Build(s)
	image := make([]byte, 28*28)
	for i := range image {
		image[i] = byte(i)
	}
	pixels, err := tf.ReadTensor(tf.Uint8, []int64{1, 28, 28, 1}, bytes.NewReader(image))
	if err != nil {
		t.Fatal(err)
	}
	labels := make([]uint8, 10)
	for i := range labels {
		labels[i] = uint8(9 - i)
	}
	out := run(t, s, nil, map[tf.Output]*tf.Tensor{m.Pixels: pixels, m.Labels: tensor(t, labels)}, m.X, m.Y)
	x := out[0].Value().([][][][]float32)
	scale := float32(1.0 / 255)
	for i, b := range image {
		if got, want := x[0][i/28][i%28][0], float32(b)*scale; got != want {
			t.Fatalf("byte %d becomes %v, want %v", b, got, want)
		}
	}
	for i, row := range out[1].Value().([][]float32) {
		for class, y := range row {
			if want := class == 9-i; (y == 1) != want || (y == 0) == want {
				t.Errorf("label %d has %v at class %d", labels[i], y, class)
			}
		}
	}
}

func TestDropout(t *testing.T) {
	for _, keep := range []float32{1, 0.8, 0.5, 0.1} {
		s := op.NewScope()
		const n = 100000
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(i + 1)
		}
		in := op.Placeholder(s, tf.Float)
		keeps := placeholder(s, "keep", tf.Float, tf.ScalarShape()) // of a constant, TensorFlow would take the reciprocal
		drop := tutorialDropout{keeps, 1}
		feeds := map[tf.Output]*tf.Tensor{in: tensor(t, x), keeps: tensor(t, keep)}
		out := run(t, s, nil, feeds, drop.apply(s, in, 6))[0].Value().([]float32)
		kept := 0
		for i, y := range out {
			if y == 0 {
				continue
			}
			kept++
			if want := x[i] / (1 - (1 - keep)); y != want {
				t.Fatalf("keep %v makes %v of %v, want 0 or %v", keep, y, x[i], want)
			}
		}
		if got := float64(kept) / n; math.Abs(got-float64(keep)) > 0.01 {
			t.Errorf("keep %v keeps %v", keep, got)
		}
	}
}

// TestRMSProp holds three updates against the formula in the documentation of
// ResourceApplyRMSProp.
func TestRMSProp(t *testing.T) {
	r := RMSProp{LearningRate: 0.01, Decay: 0.9, Momentum: 0.5, Epsilon: 1e-3}
	s := op.NewScope()
	v := NewVariable(s.SubScope("v"), "v", op.Const(s, []float32{1, -2, 3}))
	// The gradient of sum(v*v)/2 is v.
	half := s.SubScope("half")
	cost := op.Sum(half, op.Mul(half, op.Square(half, v.Value), op.Const(half, float32(0.5))), op.Const(half.SubScope("axis"), []int32{0}))
	training := Minimize(s, cost, []Variable{v}, r, nil)
	if got := training.Slots[0].Name + " " + training.Slots[1].Name; got != "v/RMSProp v/RMSProp_1" {
		t.Errorf("slots %s", got)
	}
	session := open(t, s, inits(append(training.Slots, v)))
	want := []float64{1, -2, 3}
	ms, mom := []float64{1, 1, 1}, []float64{0, 0, 0}
	for step := range 3 {
		if _, err := session.Run(nil, nil, []*tf.Operation{training.Op}); err != nil {
			t.Fatal(err)
		}
		out, err := session.Run(nil, []tf.Output{v.Value, training.Slots[0].Value, training.Slots[1].Value}, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := range want {
			g := want[i]
			ms[i] = float64(r.Decay)*ms[i] + (1-float64(r.Decay))*g*g
			mom[i] = float64(r.Momentum)*mom[i] + float64(r.LearningRate)*g/math.Sqrt(ms[i]+float64(r.Epsilon))
			want[i] -= mom[i]
			for j, w := range []float64{want[i], ms[i], mom[i]} {
				if got := float64(out[j].Value().([]float32)[i]); math.Abs(got-w) > 1e-6*math.Abs(w) {
					t.Errorf("step %d: element %d of %s is %v, want %v", step, i, []string{"v", "ms", "mom"}[j], got, w)
				}
			}
		}
	}
}

func TestMinimizeErrors(t *testing.T) {
	s := op.NewScope()
	v := NewVariable(s.SubScope("v"), "v", op.Const(s, []float32{1}))
	Minimize(s, op.Const(s.SubScope("cost"), float32(1)), []Variable{v}, tutorial, nil)
	if err := s.Err(); err == nil || !strings.Contains(err.Error(), "v") {
		t.Errorf("a cost that does not depend on the variable: %v", err)
	}
	for _, test := range []struct {
		setting string
		change  func(*RMSProp)
	}{
		{"lr", func(r *RMSProp) { r.LearningRate = 0 }},
		{"lr", func(r *RMSProp) { r.LearningRate = float32(math.Inf(1)) }},
		{"lr", func(r *RMSProp) { r.LearningRate = float32(math.NaN()) }},
		{"decay", func(r *RMSProp) { r.Decay = 1.5 }},
		{"momentum", func(r *RMSProp) { r.Momentum = -1 }},
		{"epsilon", func(r *RMSProp) { r.Epsilon = -1 }},
	} {
		r := tutorial
		test.change(&r)
		wrong := new(RangeError)
		if !errors.As(r.Validate(), &wrong) || wrong.Setting != test.setting {
			t.Errorf("%+v: %v, want a RangeError of %s", r, r.Validate(), test.setting)
		}
	}
}

func TestShuffled(t *testing.T) {
	draw := func(seed int64) []int32 {
		s := op.NewScope()
		n := op.Placeholder(s, tf.Int32)
		return run(t, s, nil, map[tf.Output]*tf.Tensor{n: tensor(t, int32(1000))}, Shuffled(s, n, seed))[0].Value().([]int32)
	}
	order := draw(5)
	seen := make([]bool, 1000)
	for _, i := range order {
		seen[i] = true
	}
	for i, ok := range seen {
		if !ok {
			t.Errorf("%d is missing", i)
		}
	}
	same := func(a, b []int32) bool {
		for i := range a {
			if a[i] != b[i] {
				return false
			}
		}
		return true
	}
	if !same(order, draw(5)) {
		t.Error("one seed gives two orders")
	}
	if same(order, draw(6)) || same(draw(0), draw(0)) {
		t.Error("two draws give one order")
	}
}
