package graph

import (
	tf "github.com/tensorflow/tensorflow/tensorflow/go"
	"github.com/tensorflow/tensorflow/tensorflow/go/op"
)

// Minimize adds one training step of a ConvNet: the gradients of its cost by its
// weights, with the bits of the package's Minimize but faster, and o's updates
// by them, at a learning rate that follows schedule; nil: it stays.
func (m Model) Minimize(s *op.Scope, o Optimizer, schedule Schedule) Training {
	return minimize(s, m.Weights, o, schedule, m.backprop)
}

// backprop adds the gradients of the cost by the weights: of several towers the
// sums of theirs.
func (m Model) backprop(s *op.Scope) []tf.Output {
	logits := make([]tf.Output, len(m.towers))
	for i, t := range m.towers {
		logits[i] = t.logits
	}
	byLogits := op.Gradients(s.SubScope("logits"), []tf.Output{m.Cost}, logits)
	if s.Err() != nil {
		return nil
	}
	gradients := m.towers[0].backprop(s, m.Weights, byLogits[0])
	for i, t := range m.towers[1:] {
		for j, g := range t.backprop(s, m.Weights, byLogits[i+1]) {
			gradients[j] = op.AddV2(s.SubScope("sum"), gradients[j], g)
		}
	}
	return gradients
}

// backprop adds the gradients by the weights, given those by the logits. They
// have the bits that op.Gradients would give them, by fewer passes over large
// tensors: what comes after a layer's sum is gone back through at once. There,
// of the elements that MaxPool chose, those count that Relu and the dropout let
// through; and these are the ones that are more than 0 in the layer's output.
func (t tower) backprop(s *op.Scope, weights []Variable, g tf.Output) []tf.Output {
	gradients := make([]tf.Output, len(weights))
	y := t.logits
	for i := len(weights) - 1; i >= 0; i-- {
		scope := s.SubScope(weights[i].Name)
		x := []tf.Output{weights[i].Handle}
		if i > 0 {
			x = append(x, t.layers[i-1].out)
		}
		byX := op.Gradients(scope, []tf.Output{y}, x, g)
		if s.Err() != nil {
			return nil
		}
		gradients[i] = byX[0]
		if i > 0 {
			l := t.layers[i-1]
			y, g = l.sum, l.backprop(scope, byX[1])
		}
	}
	return gradients
}

// backprop adds the gradient by the layer's sum, given the one by its output.
func (l layer) backprop(s *op.Scope, g tf.Output) tf.Output {
	g = op.ReluGrad(s, l.dropout.gradient(s, g), l.out)
	if l.pooled.Op == nil {
		return g
	}
	g = op.Reshape(s, g, op.Shape(s, l.pooled)) // the third layer's output is flat
	return op.MaxPoolGrad(s, l.toPool, l.pooled, g, pool, pool, "SAME")
}
