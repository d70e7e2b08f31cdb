package graph

import (
	tf "github.com/tensorflow/tensorflow/tensorflow/go"
	"github.com/tensorflow/tensorflow/tensorflow/go/op"
)

// A dropout leaves out elements of a tensor at random.
type dropout interface {
	// apply adds a dropout of x, whose elements are at least 0, to the graph.
	// opSeed tells its random op from the others of one seed.
	apply(s *op.Scope, x tf.Output, opSeed int64) tf.Output

	// gradient adds the gradient by an element of x that is kept, given the one
	// by what apply returned.
	gradient(s *op.Scope, g tf.Output) tf.Output
}

// noDropout keeps all.
type noDropout struct{}

func (noDropout) apply(_ *op.Scope, x tf.Output, _ int64) tf.Output { return x }
func (noDropout) gradient(_ *op.Scope, g tf.Output) tf.Output       { return g }

// A tutorialDropout keeps an element with the probability keep, a float32
// scalar, and divides what it keeps by it. It is built as
// tf.compat.v1.nn.dropout of TensorFlow 2.21 builds it (_dropout in
// python/ops/nn_ops.py), down to rate being 1 - keep and then 1 - rate.
type tutorialDropout struct {
	keep tf.Output
	seed int64 // of the graph
}

func (d tutorialDropout) apply(s *op.Scope, x tf.Output, opSeed int64) tf.Output {
	s = s.SubScope("dropout")
	rate := d.rate(s)
	scaled := op.RealDiv(s, x, oneMinus(s, rate))
	seed, seed2 := seeds(d.seed, opSeed)
	uniform := op.RandomUniform(s, op.Shape(s, x), tf.Float, op.RandomUniformSeed(seed), op.RandomUniformSeed2(seed2))
	kept := op.GreaterEqual(s, uniform, rate)
	// Package op has no wrapper of SelectV2.
	return s.AddOperation(tf.OpSpec{
		Type:  "SelectV2",
		Input: []tf.Input{kept, scaled, op.Const(s.SubScope("zero"), float32(0))},
	}).Output(0)
}

func (d tutorialDropout) gradient(s *op.Scope, g tf.Output) tf.Output {
	s = s.SubScope("dropout")
	return op.RealDiv(s, g, oneMinus(s, d.rate(s)))
}

// rate adds the part that is left out.
func (d tutorialDropout) rate(s *op.Scope) tf.Output { return oneMinus(s.SubScope("rate"), d.keep) }

func oneMinus(s *op.Scope, x tf.Output) tf.Output {
	return op.Sub(s, op.Const(s.SubScope("one"), float32(1)), x)
}
