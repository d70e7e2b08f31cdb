package graphdiff_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	tf "github.com/tensorflow/tensorflow/tensorflow/go"
	attrpb "github.com/tensorflow/tensorflow/tensorflow/go/core/framework/attr_value_go_proto"
	graphpb "github.com/tensorflow/tensorflow/tensorflow/go/core/framework/graph_go_proto"
	nodepb "github.com/tensorflow/tensorflow/tensorflow/go/core/framework/node_def_go_proto"
	tensorpb "github.com/tensorflow/tensorflow/tensorflow/go/core/framework/tensor_go_proto"
	"github.com/tensorflow/tensorflow/tensorflow/go/op"
	"google.golang.org/protobuf/proto"

	"tfrunner/graph"
	"tfrunner/graph/graphdiff"
)

// tutorial returns the GraphDef of the tutorial's model and training.
func tutorial(t testing.TB) *graphpb.GraphDef {
	t.Helper()
	s := op.NewScope()
	m := graph.ConvNet{Seed: 7}.Build(s)
	m.Minimize(s, graph.RMSProp{LearningRate: 0.001, Decay: 0.9, Epsilon: 1e-10}, nil)
	return definition(t, s)
}

func definition(t testing.TB, s *op.Scope) *graphpb.GraphDef {
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

// whole compares all that the parity test compares.
var whole = graphdiff.Options{
	Inputs:    []graphdiff.Pair{{A: "X", B: "X"}, {A: "Y", B: "Y"}, {A: "p_keep_conv", B: "p_keep_conv"}, {A: "p_keep_hidden", B: "p_keep_hidden"}},
	Outputs:   []graphdiff.Pair{{A: "output/MatMul", B: "output/MatMul"}, {A: "loss/Mean", B: "loss/Mean"}, {A: "predict_op/ArgMax", B: "predict_op/ArgMax"}},
	Variables: true,
}

func node(g *graphpb.GraphDef, name string) *nodepb.NodeDef {
	for _, n := range g.Node {
		if n.Name == name {
			return n
		}
	}
	panic("no node " + name)
}

func remove(g *graphpb.GraphDef, name string) {
	for i, n := range g.Node {
		if n.Name == name {
			g.Node = append(g.Node[:i:i], g.Node[i+1:]...)
			return
		}
	}
	panic("no node " + name)
}

func setFloat(n *nodepb.NodeDef, x float32) {
	t := n.Attr["value"].GetTensor()
	t.TensorContent, t.FloatVal = nil, []float32{x}
}

// TestDifferences changes one thing at a time and wants it reported.
func TestDifferences(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(g *graphpb.GraphDef)
		what   string // the report says
		node   string // of A, at the difference
	}{
		{"stride", func(g *graphpb.GraphDef) { node(g, "conv2/MaxPool").Attr["strides"].GetList().I[1] = 1 }, "attributes differ: strides", "conv2/MaxPool"},
		{"padding", func(g *graphpb.GraphDef) {
			node(g, "conv1/Conv2D").Attr["padding"] = &attrpb.AttrValue{Value: &attrpb.AttrValue_S{S: []byte("VALID")}}
		}, "attributes differ: padding", "conv1/Conv2D"},
		{"constant", func(g *graphpb.GraphDef) { setFloat(node(g, "w/random_normal/stddev/Const"), 0.02) }, "attributes differ: value", "w/random_normal/stddev/Const"},
		{"learning rate", func(g *graphpb.GraphDef) { setFloat(node(g, "rmsprop/learning_rate/Const"), 0.0010001) }, "attributes differ: value", "rmsprop/learning_rate/Const"},
		{"slot's initial value", func(g *graphpb.GraphDef) { setFloat(node(g, "w4/RMSProp/initial/Const"), 0) }, "attributes differ: value", "w4/RMSProp/initial/Const"},
		{"shape in a constant", func(g *graphpb.GraphDef) {
			node(g, "conv3/Const").Attr["value"].GetTensor().TensorContent = []byte{0xff, 0xff, 0xff, 0xff, 0, 4, 0, 0}
		}, "attributes differ: value", "conv3/Const"},
		{"swapped inputs", func(g *graphpb.GraphDef) {
			in := node(g, "hidden/dropout/rate/Sub").Input
			in[0], in[1] = in[1], in[0]
		}, "A reads", "hidden/dropout/rate/one/Const"},
		{"missing node", func(g *graphpb.GraphDef) {
			for _, n := range g.Node {
				for i, in := range n.Input {
					if in == "conv2/Relu" {
						n.Input[i] = "conv2/Conv2D"
					}
				}
			}
			remove(g, "conv2/Relu")
		}, "A has the op Relu, B the op Conv2D", "conv2/Relu"},
		{"missing input", func(g *graphpb.GraphDef) {
			n := node(g, "rmsprop/update_w2/ResourceApplyRMSProp")
			n.Input = n.Input[:len(n.Input)-1]
		}, "A has 8 inputs, B has 7", "rmsprop/update_w2/ResourceApplyRMSProp"},
		{"missing update", func(g *graphpb.GraphDef) {
			remove(g, "train_op/NoOp")
			remove(g, "rmsprop/update_w3/ResourceApplyRMSProp")
		}, "only A has this", "rmsprop/update_w3/ResourceApplyRMSProp"},
		{"seed", func(g *graphpb.GraphDef) {
			node(g, "w3/random_normal/RandomStandardNormal").Attr["seed"] = &attrpb.AttrValue{Value: &attrpb.AttrValue_I{I: 8}}
		}, "attributes differ: seed", "w3/random_normal/RandomStandardNormal"},
		{"op seed", func(g *graphpb.GraphDef) {
			node(g, "conv3/dropout/RandomUniform").Attr["seed2"] = &attrpb.AttrValue{Value: &attrpb.AttrValue_I{I: 6}}
		}, "attributes differ: seed2", "conv3/dropout/RandomUniform"},
		{"device", func(g *graphpb.GraphDef) { node(g, "output/MatMul").Device = "/device:GPU:0" }, "A is on the device", "output/MatMul"},
		{"one random op for another", func(g *graphpb.GraphDef) {
			node(g, "conv2/dropout/GreaterEqual").Input[0] = "conv1/dropout/RandomUniform"
		}, "attributes differ: seed2", "conv2/dropout/RandomUniform"},
		{"one node for two that are alike", func(g *graphpb.GraphDef) {
			node(g, "w2/random_normal/AddV2").Input[1] = "w/random_normal/mean/Const"
		}, "B reads w/random_normal/mean/Const, which is A's w/random_normal/mean/Const, but A reads", "w2/random_normal/mean/Const"},
		{"input in another's place", func(g *graphpb.GraphDef) {
			node(g, "hidden/dropout/rate/Sub").Input[1] = "p_keep_conv"
		}, "A reads p_keep_hidden:0, B reads p_keep_conv:0", "p_keep_hidden"},
		{"another output", func(g *graphpb.GraphDef) { node(g, "loss/Mean").Input[0] = "loss/SoftmaxCrossEntropyWithLogits:1" }, "A reads output 0, B reads output 1", "loss/SoftmaxCrossEntropyWithLogits"},
		{"another op", func(g *graphpb.GraphDef) { node(g, "conv1/Relu").Op = "Elu" }, "A has the op Relu, B the op Elu", "conv1/Relu"},
		{"variables swapped", func(g *graphpb.GraphDef) {
			a, b := node(g, "rmsprop/update_w/ResourceApplyRMSProp"), node(g, "rmsprop/update_w2/ResourceApplyRMSProp")
			a.Input[1], b.Input[1] = b.Input[1], a.Input[1]
		}, "attributes differ: shape", "w/RMSProp/VarHandleOp"},
	} {
		a, b := tutorial(t), tutorial(t)
		test.change(b)
		report, err := graphdiff.Compare(a, b, whole)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		found := false
		for _, d := range report.Differences {
			found = found || strings.Contains(d.What, test.what) && d.A.GetName() == test.node
		}
		if !found {
			var b strings.Builder
			report.Print(&b)
			t.Errorf("%s: want %q at %s, got:\n%s", test.name, test.what, test.node, &b)
		}
		// The other way round it is a difference too.
		if report, err := graphdiff.Compare(b, a, whole); err != nil || report.Differences == nil {
			t.Errorf("%s, the other way round: error %v, no difference", test.name, err)
		}
	}
}

// TestSame changes what does not count.
func TestSame(t *testing.T) {
	for _, test := range []struct {
		name    string
		change  func(g *graphpb.GraphDef)
		through string // the report says
	}{
		{"nothing", func(*graphpb.GraphDef) {}, ""},
		{"order", func(g *graphpb.GraphDef) {
			rand.Shuffle(len(g.Node), func(i, j int) { g.Node[i], g.Node[j] = g.Node[j], g.Node[i] })
		}, ""},
		{"names", func(g *graphpb.GraphDef) {
			keep := map[string]bool{}
			for _, p := range append(whole.Inputs, whole.Outputs...) {
				keep[p.B] = true
			}
			for _, n := range g.Node {
				if !keep[n.Name] {
					n.Name = "other/" + n.Name
				}
				for i, in := range n.Input {
					control := strings.HasPrefix(in, "^")
					in = strings.TrimPrefix(in, "^")
					if base, _, _ := strings.Cut(in, ":"); !keep[base] {
						in = "other/" + in
					}
					if control {
						in = "^" + in
					}
					n.Input[i] = in
				}
			}
		}, ""},
		{"variables' names", func(g *graphpb.GraphDef) {
			node(g, "w/VarHandleOp").Attr["shared_name"] = &attrpb.AttrValue{Value: &attrpb.AttrValue_S{S: []byte("Variable")}}
		}, "attribute shared_name of VarHandleOp"},
		{"Identity", func(g *graphpb.GraphDef) {
			relu := node(g, "hidden/Relu")
			g.Node = append(g.Node, &nodepb.NodeDef{Name: "between", Op: "Identity", Input: []string{relu.Input[0]}, Attr: map[string]*attrpb.AttrValue{"T": relu.Attr["T"]}})
			relu.Input[0] = "between"
		}, "Identity of B: between"},
		{"constants stored otherwise", func(g *graphpb.GraphDef) {
			for _, n := range g.Node {
				if c := n.Attr["value"].GetTensor(); n.Op == "Const" && len(c.GetFloatVal()) == 1 {
					tensor := new(tensorpb.TensorProto)
					proto.Merge(tensor, c)
					tensor.FloatVal = append(tensor.FloatVal, tensor.FloatVal[0]) // stands for all that follow
					n.Attr["value"] = &attrpb.AttrValue{Value: &attrpb.AttrValue_Tensor{Tensor: tensor}}
				}
			}
		}, ""},
		{"hints", func(g *graphpb.GraphDef) {
			node(g, "conv1/Relu").Attr["_class"] = &attrpb.AttrValue{Value: &attrpb.AttrValue_I{I: 1}}
		}, "attribute _class of Relu"},
	} {
		a, b := tutorial(t), tutorial(t)
		test.change(b)
		report, err := graphdiff.Compare(a, b, whole)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if report.Differences != nil || report.Nodes != 159 {
			var b strings.Builder
			report.Print(&b)
			t.Errorf("%s: want 159 nodes paired and no difference, got:\n%s", test.name, &b)
		}
		if test.through != "" && !strings.Contains(strings.Join(report.Through, "\n"), test.through) {
			t.Errorf("%s: want %q among what was looked through, got %q", test.name, test.through, report.Through)
		}
	}
}

// TestRankBookkeeping builds what Python's softmax_cross_entropy_with_logits
// puts around its op, right and wrong.
func TestRankBookkeeping(t *testing.T) {
	plain := func() *graphpb.GraphDef {
		s := op.NewScope()
		x, y := placeholders(s)
		loss, _ := op.SoftmaxCrossEntropyWithLogits(s, x, y)
		op.Sqrt(s, loss)
		return definition(t, s)
	}
	bookkept := func(dimension, lossDimension int32) *graphpb.GraphDef {
		s := op.NewScope()
		x, y := placeholders(s)
		flat := func(name string, x tf.Output) tf.Output {
			s := s.SubScope(name)
			last := op.Sub(s, op.Const(s.SubScope("rank"), int32(2)), op.Const(s.SubScope("y"), 2-dimension))
			size := op.Slice(s, op.Shape(s, x), op.Pack(s, []tf.Output{last}), op.Const(s.SubScope("size"), []int32{1}))
			shape := op.ConcatV2(s, []tf.Output{op.Const(s.SubScope("minus_one"), []int32{-1}), size}, op.Const(s.SubScope("axis_2"), int32(0)))
			return op.Reshape(s, x, shape)
		}
		loss, _ := op.SoftmaxCrossEntropyWithLogits(s, flat("features", x), flat("labels", y))
		back := s.SubScope("back")
		first := op.Slice(back, op.Shape(back, x), op.Const(back, []int32{lossDimension}), op.Const(back.SubScope("size"), []int32{1}))
		op.Sqrt(s, op.Reshape(back, loss, first))
		return definition(t, s)
	}
	options := graphdiff.Options{
		Inputs:  []graphdiff.Pair{{A: "x/Placeholder", B: "x/Placeholder"}, {A: "y/Placeholder", B: "y/Placeholder"}},
		Outputs: []graphdiff.Pair{{A: "Sqrt", B: "Sqrt"}},
	}
	for _, test := range []struct {
		dimension, lossDimension int32
		same                     bool
	}{{1, 0, true}, {0, 0, false}, {1, 1, false}} {
		report, err := graphdiff.Compare(plain(), bookkept(test.dimension, test.lossDimension), options)
		if err != nil {
			t.Fatal(err)
		}
		if same := report.Differences == nil; same != test.same {
			t.Errorf("%+v: same %v", test, same)
		}
		if test.same && len(report.Through) != 3 {
			t.Errorf("looked through %q, want 3 Reshapes", report.Through)
		}
	}
}

func placeholders(s *op.Scope) (x, y tf.Output) {
	x = op.Placeholder(s.SubScope("x"), tf.Float, op.PlaceholderShape(tf.MakeShape(-1, 10)))
	y = op.Placeholder(s.SubScope("y"), tf.Float, op.PlaceholderShape(tf.MakeShape(-1, 10)))
	return x, y
}

// TestWithoutOutputs begins at the nodes that no other reads.
func TestWithoutOutputs(t *testing.T) {
	report, err := graphdiff.Compare(tutorial(t), tutorial(t), graphdiff.Options{})
	if err != nil || report.Differences != nil {
		t.Errorf("error %v, differences %v", err, report.Differences)
	}
	changed := tutorial(t)
	remove(changed, "test/predict_op/ArgMax")
	report, err = graphdiff.Compare(tutorial(t), changed, graphdiff.Options{})
	if err != nil || len(report.Differences) == 0 {
		t.Errorf("error %v, no difference", err)
	}
}

func TestErrors(t *testing.T) {
	dangling := tutorial(t)
	remove(dangling, "conv1/Relu")
	twice := tutorial(t)
	twice.Node = append(twice.Node, twice.Node[0])
	for _, test := range []struct {
		b    *graphpb.GraphDef
		o    graphdiff.Options
		want string
	}{
		{dangling, whole, "graph B has no node conv1/Relu, which its node conv1/MaxPool reads"},
		{twice, whole, "graph B has two nodes of the name"},
		{tutorial(t), graphdiff.Options{Outputs: []graphdiff.Pair{{A: "loss/Mean", B: "loss"}}}, "graph B has no node loss; "},
		{tutorial(t), graphdiff.Options{Inputs: []graphdiff.Pair{{A: "Z", B: "X"}}}, "graph A has no node Z; "},
	} {
		if _, err := graphdiff.Compare(tutorial(t), test.b, test.o); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("error %v, want %q", err, test.want)
		}
	}
}

func Example() {
	graphOf := func(padding string) *graphpb.GraphDef {
		s := op.NewScope()
		x := op.Placeholder(s, tf.Float, op.PlaceholderShape(tf.MakeShape(-1, 28, 28, 1)))
		op.MaxPool(s, x, []int64{1, 2, 2, 1}, []int64{1, 2, 2, 1}, padding)
		return definition(new(testing.T), s)
	}
	report, err := graphdiff.Compare(graphOf("SAME"), graphOf("VALID"), graphdiff.Options{})
	if err != nil {
		fmt.Println(err)
	}
	report.Differences[0].A.Attr, report.Differences[0].B.Attr = nil, nil // for a short output
	report.Print(os.Stdout)
	// Output:
	// DIFFERENT: attributes differ: padding
	// at node that no other reads <- MaxPool (MaxPool)
	//           A               B
	//   name    MaxPool         MaxPool
	//   op      MaxPool         MaxPool
	//   inputs  Placeholder     Placeholder
	//
	// the graphs differ, after 2 nodes paired one to one
}
