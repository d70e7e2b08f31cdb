package graph

import (
	tf "github.com/tensorflow/tensorflow/tensorflow/go"
	"github.com/tensorflow/tensorflow/tensorflow/go/op"
)

// SGD is tf.compat.v1.train.GradientDescentOptimizer.
type SGD struct {
	LearningRate float32 `json:"lr"` // more than 0
}

// Name implements Optimizer.
func (o SGD) Name() string { return "sgd" }

// Validate implements Optimizer.
func (o SGD) Validate() error { return positive("lr", o.LearningRate) }

// Apply implements Optimizer with ResourceApplyGradientDescent.
func (o SGD) Apply(s *op.Scope, rate Rate, vars []Variable, gradients []tf.Output) (updates []*tf.Operation, slots []Variable) {
	s = s.SubScope(o.Name())
	lr := rate(s.SubScope("learning_rate"), o.LearningRate)
	for i, v := range vars {
		updates = append(updates, op.ResourceApplyGradientDescent(updateScope(s, v), v.Handle, lr, gradients[i]))
	}
	return updates, nil
}
