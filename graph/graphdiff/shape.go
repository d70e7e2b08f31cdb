package graphdiff

import (
	"slices"

	nodepb "github.com/tensorflow/tensorflow/tensorflow/go/core/framework/node_def_go_proto"
)

// reshapesToOwnShape tells the Reshapes that Python's
// softmax_cross_entropy_with_logits puts around its op for tensors of any rank:
// of the features and the labels to [-1, their second dimension], and of the
// loss to [the features' first dimension]. The op takes matrices only, so that
// for the graph without them these reshape a tensor to the shape that it has.
func (s *side) reshapesToOwnShape(n *nodepb.NodeDef) bool {
	data, _ := inputs(n)
	if n.Op != "Reshape" || len(data) != 2 {
		return false
	}
	shape, ok := s.dims(data[1])
	if !ok {
		return false
	}
	if in := s.nodes[data[0].node]; in.Op == "SoftmaxCrossEntropyWithLogits" && data[0].output == 0 {
		features, _ := inputs(in)
		return len(shape) == 1 && shape[0] == dim{of: s.resolve(features[0]), index: 0}
	}
	return s.softmaxReads(n.Name) && len(shape) == 2 &&
		shape[0] == dim{value: -1} && shape[1] == dim{of: s.resolve(data[0]), index: 1}
}

// softmaxReads tells whether a SoftmaxCrossEntropyWithLogits reads a node.
func (s *side) softmaxReads(name string) bool {
	return slices.ContainsFunc(s.order, func(n *nodepb.NodeDef) bool {
		data, _ := inputs(n)
		return n.Op == "SoftmaxCrossEntropyWithLogits" && slices.ContainsFunc(data, func(in ref) bool { return in.node == name })
	})
}

// A dim is an element of a shape: a number, or a dimension of a tensor.
type dim struct {
	value int64
	of    ref
	index int
}

// dims works out the elements of a shape, as far as they come from constants
// and from slices of tensors' shapes.
func (s *side) dims(r ref) ([]dim, bool) {
	n := s.nodes[r.node]
	data, _ := inputs(n)
	switch n.Op {
	case "Const":
		values, ok := intValues(n.Attr["value"].GetTensor())
		var all []dim
		for _, v := range values {
			all = append(all, dim{value: v})
		}
		return all, ok
	case "Sub":
		a, okA := s.constant(data[0])
		b, okB := s.constant(data[1])
		return []dim{{value: a - b}}, okA && okB
	case "Slice":
		begin, okBegin := s.constant(data[1])
		size, okSize := s.constant(data[2])
		shape := s.nodes[data[0].node]
		if shape.Op != "Shape" || !okBegin || !okSize || size != 1 {
			return nil, false
		}
		of, _ := inputs(shape)
		return []dim{{of: s.resolve(of[0]), index: int(begin)}}, true
	case "Pack":
		return s.concat(data)
	case "ConcatV2":
		if axis, ok := s.constant(data[len(data)-1]); !ok || axis != 0 {
			return nil, false
		}
		return s.concat(data[:len(data)-1])
	}
	return nil, false
}

func (s *side) concat(refs []ref) (all []dim, ok bool) {
	for _, r := range refs {
		part, ok := s.dims(r)
		if !ok {
			return nil, false
		}
		all = append(all, part...)
	}
	return all, true
}

// constant returns the number that r is, if it is a constant one.
func (s *side) constant(r ref) (int64, bool) {
	all, ok := s.dims(r)
	if !ok || len(all) != 1 || all[0].of != (ref{}) {
		return 0, false
	}
	return all[0].value, true
}
