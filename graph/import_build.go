package graph

import (
	"fmt"
	"slices"

	tf "github.com/tensorflow/tensorflow/tensorflow/go"
	"github.com/tensorflow/tensorflow/tensorflow/go/op"
)

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

	variables := s.SubScope("variables")
	for _, v := range i.variables {
		imported := Variable{Name: v.name(), Handle: i.g.Operation(v.handle.Name).Output(0)}
		s := variables.SubScope(v.name())
		// One tensor may be the initial value of two variables.
		imported.Initial = op.Identity(s, i.g.Operation(v.initial.node).Output(v.initial.output))
		imported.Init = op.AssignVariableOp(s, imported.Handle, imported.Initial)
		imported.Value = op.ReadVariableOp(s, imported.Handle, imported.Initial.DataType())
		if s.Err() != nil {
			return s.Err()
		}
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
	m.Pixels = placeholder(s, "pixels", tf.Uint8, imagesShape)
	m.Labels = placeholder(s, "labels", tf.Uint8, tf.MakeShape(-1))
	images := decodePixels(s, m.Pixels)
	shape, err := x.Shape().ToSlice()
	if err != nil {
		s.UpdateErr("Reshape", err)
		return
	}
	if len(shape) != 4 {
		images = op.Reshape(s, images, constShape(s, shape))
	}
	m.X = placeholderWithDefault(s, "X", images, x.Shape())
	var labels tf.Output
	if y.Shape().NumDimensions() == 2 {
		labels = oneHot(s, m.Labels, y.Shape().Size(1))
	} else {
		labels = op.Cast(s, m.Labels, y.DataType())
	}
	m.Y = placeholderWithDefault(s, "Y", labels, y.Shape())
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
	*t = Minimize(i.out.Scope, m.Cost, m.Weights, i.optimizer, i.schedule)
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
