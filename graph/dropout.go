package graph

import (
	tf "github.com/tensorflow/tensorflow/tensorflow/go"
	"github.com/tensorflow/tensorflow/tensorflow/go/op"
)

// A dropout adds a dropout of x to the graph. opSeed tells its random op from
// the others of one seed.
type dropout func(s *op.Scope, x tf.Output, opSeed int64) tf.Output

// dropout returns one that keeps an element with the probability keep, a
// float32 scalar, and divides what it keeps by it. It is built as
// tf.compat.v1.nn.dropout of TensorFlow 2.21 builds it (_dropout in
// python/ops/nn_ops.py), down to rate being 1 - keep and then 1 - rate.
func (c ConvNet) dropout(keep tf.Output) dropout {
	return func(s *op.Scope, x tf.Output, opSeed int64) tf.Output {
		s = s.SubScope("dropout")
		one, zero := s.SubScope("one"), s.SubScope("zero")
		seed, seed2 := seeds(c.Seed, opSeed)
		rateScope := s.SubScope("rate")
		rate := op.Sub(rateScope, op.Const(rateScope, float32(1)), keep)
		scaled := op.RealDiv(s, x, op.Sub(s, op.Const(one, float32(1)), rate))
		uniform := op.RandomUniform(s, op.Shape(s, x), tf.Float, op.RandomUniformSeed(seed), op.RandomUniformSeed2(seed2))
		kept := op.GreaterEqual(s, uniform, rate)
		// Package op has no wrapper of SelectV2.
		return s.AddOperation(tf.OpSpec{
			Type:  "SelectV2",
			Input: []tf.Input{kept, scaled, op.Const(zero, float32(0))},
		}).Output(0)
	}
}

// noDropout keeps all.
func noDropout(_ *op.Scope, x tf.Output, _ int64) tf.Output { return x }
