package graph

import (
	"cmp"

	tf "github.com/tensorflow/tensorflow/tensorflow/go"
	"github.com/tensorflow/tensorflow/tensorflow/go/op"
)

// Adagrad is tf.compat.v1.train.AdagradOptimizer. Duchi et al., Adaptive
// Subgradient Methods for Online Learning and Stochastic Optimization, 2011.
//
// Its slots are NAME/Adagrad, InitialAccumulator at first.
type Adagrad struct {
	LearningRate       float32 `json:"lr"`                  // more than 0
	InitialAccumulator float32 `json:"initial-accumulator"` // more than 0; Python's is 0.1
}

// Name implements Optimizer.
func (o Adagrad) Name() string { return "adagrad" }

// Validate implements Optimizer.
func (o Adagrad) Validate() error {
	return cmp.Or(positive("lr", o.LearningRate), positive("initial-accumulator", o.InitialAccumulator))
}

// Apply implements Optimizer with ResourceApplyAdagrad.
func (o Adagrad) Apply(s *op.Scope, rate Rate, vars []Variable, gradients []tf.Output) (updates []*tf.Operation, slots []Variable) {
	scope := s.SubScope(o.Name())
	lr := rate(scope.SubScope("learning_rate"), o.LearningRate)
	for i, v := range vars {
		slot := newSlot(s, v, "Adagrad", o.InitialAccumulator)
		slots = append(slots, slot)
		updates = append(updates, op.ResourceApplyAdagrad(updateScope(scope, v), v.Handle, slot.Handle, lr, gradients[i]))
	}
	return updates, slots
}
