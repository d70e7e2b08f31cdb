package graph

import (
	"cmp"

	tf "github.com/tensorflow/tensorflow/tensorflow/go"
	"github.com/tensorflow/tensorflow/tensorflow/go/op"
)

// ProximalAdagrad is tf.compat.v1.train.ProximalAdagradOptimizer: Adagrad by
// forward-backward splitting. Duchi et al., 2011; Duchi and Singer, 2009.
//
// Its slots are NAME/ProximalAdagrad, InitialAccumulator at first.
type ProximalAdagrad struct {
	LearningRate       float32 `json:"lr"`                  // more than 0
	InitialAccumulator float32 `json:"initial-accumulator"` // more than 0; Python's is 0.1
	L1                 float32 `json:"l1"`                  // regularization, at least 0; 0
	L2                 float32 `json:"l2"`                  // likewise
}

// Name implements Optimizer.
func (o ProximalAdagrad) Name() string { return "proximal-adagrad" }

// Validate implements Optimizer.
func (o ProximalAdagrad) Validate() error {
	return cmp.Or(positive("lr", o.LearningRate), positive("initial-accumulator", o.InitialAccumulator), notNegative("l1", o.L1), notNegative("l2", o.L2))
}

// Apply implements Optimizer with ResourceApplyProximalAdagrad.
func (o ProximalAdagrad) Apply(s *op.Scope, rate Rate, vars []Variable, gradients []tf.Output) (updates []*tf.Operation, slots []Variable) {
	scope := s.SubScope(o.Name())
	lr, l1, l2 := rate(scope.SubScope("learning_rate"), o.LearningRate), scalar(scope, "l1", o.L1), scalar(scope, "l2", o.L2)
	for i, v := range vars {
		slot := newSlot(s, v, "ProximalAdagrad", o.InitialAccumulator)
		slots = append(slots, slot)
		updates = append(updates, op.ResourceApplyProximalAdagrad(updateScope(scope, v), v.Handle, slot.Handle, lr, l1, l2, gradients[i]))
	}
	return updates, slots
}
