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

// backprop adds the gradients of the cost by the weights. They have the bits
// that op.Gradients would give them, by fewer passes over large tensors: what
// comes after a layer's sum is gone back through at once. There, of the elements
// that MaxPool chose, those count that Relu and the dropout let through; and
// these are the ones that are more than 0 in the layer's output.
func (m Model) backprop(s *op.Scope) []tf.Output {
	gradients := make([]tf.Output, len(m.Weights))
	y, dy := m.Cost, []tf.Output(nil)
	for i := len(m.layers) - 1; i >= 0; i-- {
		l := m.layers[i]
		scope := s.SubScope(m.Weights[i+1].Name)
		d := op.Gradients(scope, []tf.Output{y}, []tf.Output{l.out, m.Weights[i+1].Handle}, dy...)
		if scope.Err() != nil {
			return nil
		}
		gradients[i+1] = d[1]
		g := op.ReluGrad(scope, l.dropout.gradient(scope, d[0]), l.out)
		if l.pooled.Op != nil {
			g = op.Reshape(scope, g, op.Shape(scope, l.pooled)) // the third is flat
			g = op.MaxPoolGrad(scope, l.toPool, l.pooled, g, pool, pool, "SAME")
		}
		y, dy = l.sum, []tf.Output{g}
	}
	scope := s.SubScope(m.Weights[0].Name)
	d := op.Gradients(scope, []tf.Output{y}, []tf.Output{m.Weights[0].Handle}, dy...)
	if scope.Err() != nil {
		return nil
	}
	gradients[0] = d[0]
	return gradients
}
