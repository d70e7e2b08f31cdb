package graph

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	tf "github.com/tensorflow/tensorflow/tensorflow/go"
	nodepb "github.com/tensorflow/tensorflow/tensorflow/go/core/framework/node_def_go_proto"
	typespb "github.com/tensorflow/tensorflow/tensorflow/go/core/framework/types_go_proto"
	"github.com/tensorflow/tensorflow/tensorflow/go/op"
)

// An Imported is a graph that was written elsewhere, in Python say.
type Imported struct {
	Scope *op.Scope // of the graph, in a namespace of its own

	// Model has no PyX and no TestPyX, and no keep that the Names do not name:
	// their Op is nil.
	//
	// Its Weights are the float32 variables that the loss depends on, but for
	// those behind a StopGradient, in the graph's order. X and Y have the
	// shapes that the graph gives them. TestPredict is a copy of the
	// predictions' part of the graph with both keeps at 1; what random numbers
	// it still draws are its own.
	Model Model

	// Training has among the Slots the graph's other variables too. It has no
	// Gradients if its Op is the graph's own.
	Training Training
}

// Import imports a binary GraphDef, with a training step: the op that the graph
// has for it, if names.Train says so, else Minimize's, with o's updates; of
// names.Train and o, one is wanted.
//
// Only what the names depend on is imported, and the variables' initializers,
// under the names that the nodes have. So a graph's own optimizer, if it is not
// names.Train, is left out, and o's slots, which may have the same names, share
// no resource with it. Whatever fed the images and the labels is replaced by
// the Model's X and Y.
//
// An error names what is wrong with the names or with the graph, such as an op
// that has no gradient; o's may be a RangeError.
func Import(def []byte, names Names, o Optimizer) (Imported, error) {
	if err := names.validate(); err != nil {
		return Imported{}, err
	}
	if (names.Train == "") == (o == nil) {
		return Imported{}, errors.New("want an optimizer or the name of the graph's train op, and not both")
	}
	if o != nil {
		if err := o.Validate(); err != nil {
			return Imported{}, err
		}
	}
	d, err := newDefinition(def)
	if err != nil {
		return Imported{}, err
	}
	i := importer{def: d, names: names, optimizer: o, refs: map[string]ref{}}
	for _, step := range []func() error{i.find, i.checkTensors, i.checkWays, i.findVariables, i.build, i.train} {
		if err := step(); err != nil {
			return Imported{}, err
		}
	}
	return i.out, nil
}

// An importer is the work of Import.
type importer struct {
	def       definition
	names     Names
	optimizer Optimizer
	out       Imported

	refs      map[string]ref // what the names name, by key
	needed    map[ref]bool   // what is imported
	variables []variable     // in the graph's order
	g         *tf.Graph      // checkTensors' at first, then the one to train
}

// A variable is one of a GraphDef.
type variable struct {
	handle, init *nodepb.NodeDef
	weight       bool
}

func (v variable) name() string {
	if name := string(v.handle.Attr["shared_name"].GetS()); name != "" {
		return name
	}
	return v.handle.Name
}

// find looks up the names.
func (i *importer) find() error {
	for _, p := range i.names.parts() {
		if *p.name == "" {
			continue
		}
		r := parseRef(*p.name)
		if p.key == "train" {
			r = ref{*p.name, -1}
		}
		n := i.def.nodes[r.node]
		switch {
		case n == nil && p.key == "train":
			return fmt.Errorf("train=%s: no such op in the graph; those that no other reads are %s", *p.name, strings.Join(i.def.unread(), ", "))
		case n == nil:
			return fmt.Errorf("%s=%s: no such tensor in the graph; its placeholders are %s, and the ops that no other reads %s", p.key, *p.name,
				strings.Join(i.def.of("Placeholder"), ", "), strings.Join(i.def.unread(), ", "))
		case strings.HasPrefix(p.key, "keep_") && !strings.HasPrefix(n.Op, "Placeholder"):
			return fmt.Errorf("%s=%s is of the op %s: want a placeholder, one of %s", p.key, *p.name, n.Op, strings.Join(i.def.of("Placeholder"), ", "))
		}
		i.refs[p.key] = r
	}
	if r, ok := i.refs["keep_conv"]; ok && r == i.refs["keep_hidden"] {
		return fmt.Errorf("keep_conv and keep_hidden are both %s: want one of them", r)
	}
	return nil
}

// tensors are the dtypes and shapes that the names' tensors may have.
var tensors = map[string][]string{
	"images":           {"float32 [?, 28, 28, 1]", "float32 [?, 28, 28]", "float32 [?, 784]"},
	"labels":           {"float32 [?, 10]", "int32 [?]", "int64 [?]"},
	"loss":             {"float32 []"},
	"predictions":      {"int64 [?]", "int32 [?]"},
	"test_predictions": {"int64 [?]", "int32 [?]"},
	"keep_conv":        {"float32 []"},
	"keep_hidden":      {"float32 []"},
}

// checkTensors imports what the names depend on into a graph of its own, for
// the tensors' dtypes and shapes.
func (i *importer) checkTensors() error {
	var roots []ref
	for _, r := range i.refs {
		roots = append(roots, r)
	}
	def, err := i.def.part(i.def.back(nowhere, roots...))
	if err != nil {
		return err
	}
	i.g = tf.NewGraph()
	if err := i.g.Import(def, ""); err != nil {
		return fmt.Errorf("importing the graph: %w", err)
	}
	for _, p := range i.names.parts() {
		r, ok := i.refs[p.key]
		want := tensors[p.key]
		if !ok || want == nil {
			continue
		}
		if n := i.g.Operation(r.node).NumOutputs(); r.output < 0 || r.output >= n {
			return fmt.Errorf("%s=%s: the op has %d outputs, from 0 on", p.key, r, n)
		}
		if got := describe(i.tensor(p.key)); !slices.Contains(want, got) {
			return fmt.Errorf("%s=%s is %s: want %s", p.key, r, got, strings.Join(want, " or "))
		}
	}
	return nil
}

// tensor returns what a key names, in the graph.
func (i *importer) tensor(key string) tf.Output {
	r := i.refs[key]
	return i.g.Operation(r.node).Output(r.output)
}

// describe returns a tensor's dtype and shape.
func describe(t tf.Output) string {
	return dtypeName(typespb.DataType(t.DataType())) + " " + t.Shape().String()
}

// fed tells the tensors that are fed.
func (i *importer) fed(r ref) bool {
	for _, key := range []string{"images", "labels", "keep_conv", "keep_hidden"} {
		if fed, ok := i.refs[key]; ok && r == fed {
			return true
		}
	}
	return false
}

// checkWays checks that all that is fed counts.
func (i *importer) checkWays() error {
	for _, way := range []struct {
		key  string
		read []string
	}{
		{"loss", []string{"images", "labels", "keep_conv", "keep_hidden"}},
		{"predictions", []string{"images"}},
		{"test_predictions", []string{"images"}},
		{"train", []string{"images", "labels"}},
	} {
		from, ok := i.refs[way.key]
		if !ok {
			continue
		}
		seen := i.def.back(i.fed, from)
		for _, key := range way.read {
			if r, ok := i.refs[key]; ok && !seen[r] {
				return fmt.Errorf("%s=%s does not depend on %s=%s", way.key, from.node, key, r)
			}
		}
	}
	return nil
}

// gradientEnds ends a walk back where gradients end too.
func (i *importer) gradientEnds(r ref) bool {
	return i.fed(r) || r.output < 0 || i.def.nodes[r.node].Op == "StopGradient"
}

// findVariables finds the variables that the names depend on, and those that
// their initializers depend on.
func (i *importer) findVariables() error {
	var roots []ref
	for _, r := range i.refs {
		roots = append(roots, r)
	}
	inits := map[string]*nodepb.NodeDef{}
	for found := -1; found < len(inits); {
		found = len(inits)
		i.needed = i.def.back(i.fed, roots...)
		for _, n := range i.def.proto.Node {
			if n.Op != "VarHandleOp" || !i.needed[ref{n.Name, 0}] || inits[n.Name] != nil {
				continue
			}
			init := i.def.initializer(n.Name)
			if init == nil {
				return fmt.Errorf("the variable %s has no initializer in the graph: export all of the graph", n.Name)
			}
			inits[n.Name] = init
			roots = append(roots, ref{init.Name, -1})
		}
	}
	if err := i.checkNodes(); err != nil {
		return err
	}
	trained := i.def.back(i.gradientEnds, i.refs["loss"])
	resources, weights := map[string]string{}, 0
	for _, n := range i.def.proto.Node {
		if inits[n.Name] == nil {
			continue
		}
		v := variable{handle: n, init: inits[n.Name]}
		resource := string(n.Attr["shared_name"].GetS())
		if other := resources[resource]; other != "" {
			return fmt.Errorf("the variables %s and %s are one resource, %q", other, n.Name, resource)
		}
		resources[resource] = n.Name
		if trained[ref{n.Name, 0}] {
			switch dtype := n.Attr["dtype"].GetType(); dtype {
			case typespb.DataType_DT_FLOAT:
				v.weight = true
				weights++
			case typespb.DataType_DT_HALF, typespb.DataType_DT_BFLOAT16, typespb.DataType_DT_DOUBLE:
				return fmt.Errorf("the variable %s is %s: want float32", n.Name, dtypeName(dtype))
			}
		}
		i.variables = append(i.variables, v)
	}
	if weights == 0 {
		return fmt.Errorf("nothing to train: loss=%s depends on no float32 variable", i.refs["loss"])
	}
	return nil
}

// checkNodes looks among what is imported for what cannot be run.
func (i *importer) checkNodes() error {
	for _, n := range i.def.proto.Node {
		r := ref{n.Name, 0}
		if !i.needed[r] {
			continue
		}
		switch n.Op {
		case "VariableV2":
			return fmt.Errorf("the variable %s is a VariableV2: want resource variables; call tf.compat.v1.enable_resource_variables() first", n.Name)
		case "Placeholder":
			if !i.fed(r) {
				return fmt.Errorf("nothing feeds the placeholder %s: want a graph that reads no others than the images, the labels and the keeps", n.Name)
			}
		}
	}
	return nil
}

// build builds the graph: the model's inputs, and what reads them.
func (i *importer) build() error {
	namespace := i.def.unused("tfrunner")
	x, y := i.tensor("images"), i.tensor("labels")
	i.g = tf.NewGraph()
	s := op.NewScopeWithGraph(i.g).SubScope(namespace)
	i.out.Scope = s
	m := &i.out.Model
	m.addInputs(s, x, y)
	if s.Err() != nil {
		return s.Err()
	}
	fed := map[ref]tf.Output{i.refs["images"]: m.X, i.refs["labels"]: m.Y}
	if err := i.add(i.needed, "", fed); err != nil {
		return err
	}
	if _, ok := i.refs["keep_conv"]; ok {
		m.KeepConv = i.tensor("keep_conv")
	}
	if _, ok := i.refs["keep_hidden"]; ok {
		m.KeepHidden = i.tensor("keep_hidden")
	}
	m.Cost = i.tensor("loss")
	m.Predict = op.Cast(s.SubScope("predictions"), i.tensor("predictions"), tf.Int64)

	reads := s.SubScope("variables")
	for _, v := range i.variables {
		imported := Variable{Name: v.name(), Handle: i.g.Operation(v.handle.Name).Output(0), Init: i.g.Operation(v.init.Name)}
		imported.Value = op.ReadVariableOp(reads.SubScope(v.name()), imported.Handle, tf.DataType(v.handle.Attr["dtype"].GetType()))
		if v.weight {
			m.Weights = append(m.Weights, imported)
		} else {
			i.out.Training.Slots = append(i.out.Training.Slots, imported)
		}
		fed[ref{v.handle.Name, 0}] = imported.Handle
	}
	return i.buildTest(namespace+"_test", fed)
}

// buildTest adds a copy of the predictions' part, with fed and the keeps at 1.
func (i *importer) buildTest(prefix string, fed map[ref]tf.Output) error {
	s := i.out.Scope
	for _, key := range []string{"keep_conv", "keep_hidden"} {
		if r, ok := i.refs[key]; ok {
			fed[r] = op.Const(s.SubScope(key), float32(1))
		}
	}
	r, ok := i.refs["test_predictions"]
	if !ok {
		r = i.refs["predictions"]
	}
	if s.Err() != nil {
		return s.Err()
	}
	if err := i.add(i.def.back(func(r ref) bool { return fed[r].Op != nil }, r), prefix, fed); err != nil {
		return err
	}
	copied := i.g.Operation(prefix + "/" + r.node).Output(r.output)
	i.out.Model.TestPredict = op.Cast(s.SubScope("test_predictions"), copied, tf.Int64)
	return s.Err()
}

// add adds nodes to the graph that read what is fed in place of their own.
func (i *importer) add(refs map[ref]bool, prefix string, fed map[ref]tf.Output) error {
	nodes := map[ref]bool{}
	options := tf.GraphImportOptions{Prefix: prefix}
	for r := range refs {
		if fed[r].Op == nil {
			nodes[r] = true
		}
	}
	for r, t := range fed {
		options.AddInputMapping(r.node, r.output, t)
	}
	def, err := i.def.part(nodes)
	if err != nil {
		return err
	}
	if err := i.g.ImportWithOptions(def, options); err != nil {
		return fmt.Errorf("importing the graph: %w", err)
	}
	return nil
}

// addInputs adds decoded pixels and labels of the dtypes and shapes of x and y.
func (m *Model) addInputs(s *op.Scope, x, y tf.Output) {
	m.Pixels = placeholder(s, "pixels", tf.Uint8, tf.MakeShape(-1, 28, 28, 1))
	m.Labels = placeholder(s, "labels", tf.Uint8, tf.MakeShape(-1))
	images := decodePixels(s, m.Pixels)
	shape, err := x.Shape().ToSlice()
	if err != nil {
		s.UpdateErr("Reshape", err)
		return
	}
	if len(shape) != 4 {
		flat := s.SubScope("images")
		images = op.Reshape(flat, images, constShape(flat, shape))
	}
	m.X = placeholderWithDefault(s, "X", images)
	if y.DataType() == tf.Float {
		m.Y = placeholderWithDefault(s, "Y", oneHot(s, m.Labels, y.Shape().Size(1)))
	} else {
		m.Y = placeholderWithDefault(s, "Y", op.Cast(s, m.Labels, y.DataType()))
	}
}

// train sets the training step.
func (i *importer) train() error {
	t, m := &i.out.Training, i.out.Model
	if i.optimizer == nil {
		t.Op = i.g.Operation(i.refs["train"].node)
		return nil
	}
	if err := i.customGradient(); err != nil {
		return err
	}
	others := t.Slots
	*t = Minimize(i.out.Scope, m.Cost, m.Weights, i.optimizer)
	if err := i.out.Scope.Err(); err != nil {
		return i.explain(err)
	}
	for _, v := range i.variables {
		if slices.ContainsFunc(t.Slots, func(slot Variable) bool { return slot.Name == v.name() }) {
			return fmt.Errorf("the graph has a variable %s, as the optimizer's slot is named", v.name())
		}
	}
	t.Slots = append(t.Slots, others...)
	return nil
}
