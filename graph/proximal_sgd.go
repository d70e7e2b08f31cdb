package graph

import (
	"cmp"

	tf "github.com/tensorflow/tensorflow/tensorflow/go"
	"github.com/tensorflow/tensorflow/tensorflow/go/op"
)

// ProximalSGD is tf.compat.v1.train.ProximalGradientDescentOptimizer. Duchi and
// Singer, Efficient Learning using Forward-Backward Splitting, 2009.
type ProximalSGD struct {
	LearningRate float32 `json:"lr"` // more than 0
	L1           float32 `json:"l1"` // regularization, at least 0; Python's is 0
	L2           float32 `json:"l2"` // likewise
}

// Name implements Optimizer.
func (o ProximalSGD) Name() string { return "proximal-sgd" }

// Validate implements Optimizer.
func (o ProximalSGD) Validate() error {
	return cmp.Or(positive("lr", o.LearningRate), notNegative("l1", o.L1), notNegative("l2", o.L2))
}

// Apply implements Optimizer with ResourceApplyProximalGradientDescent.
func (o ProximalSGD) Apply(s *op.Scope, rate Rate, vars []Variable, gradients []tf.Output) (updates []*tf.Operation, slots []Variable) {
	s = s.SubScope(o.Name())
	lr, l1, l2 := rate(s.SubScope("learning_rate"), o.LearningRate), scalar(s, "l1", o.L1), scalar(s, "l2", o.L2)
	for i, v := range vars {
		updates = append(updates, op.ResourceApplyProximalGradientDescent(updateScope(s, v), v.Handle, lr, l1, l2, gradients[i]))
	}
	return updates, nil
}
