package graph

import (
	"cmp"

	tf "github.com/tensorflow/tensorflow/tensorflow/go"
	"github.com/tensorflow/tensorflow/tensorflow/go/op"
)

// Momentum is tf.compat.v1.train.MomentumOptimizer, and Nesterov the same with
// use_nesterov. Sutskever et al., On the importance of initialization and
// momentum in deep learning, 2013.
//
// Its slots are NAME/Momentum, zeros at first.
type Momentum struct {
	LearningRate float32 `json:"lr"`       // more than 0
	Momentum     float32 `json:"momentum"` // from 0 to 1
}

// Nesterov is Momentum that looks ahead.
type Nesterov Momentum

// Name implements Optimizer.
func (o Momentum) Name() string { return "momentum" }

// Name implements Optimizer.
func (o Nesterov) Name() string { return "nesterov" }

// Validate implements Optimizer.
func (o Momentum) Validate() error {
	return cmp.Or(positive("lr", o.LearningRate), fraction("momentum", o.Momentum))
}

// Validate implements Optimizer.
func (o Nesterov) Validate() error { return Momentum(o).Validate() }

// Apply implements Optimizer with ResourceApplyMomentum.
func (o Momentum) Apply(s *op.Scope, rate Rate, vars []Variable, gradients []tf.Output) (updates []*tf.Operation, slots []Variable) {
	return o.apply(s, s.SubScope(o.Name()), rate, false, vars, gradients)
}

// Apply implements Optimizer with ResourceApplyMomentum.
func (o Nesterov) Apply(s *op.Scope, rate Rate, vars []Variable, gradients []tf.Output) (updates []*tf.Operation, slots []Variable) {
	return Momentum(o).apply(s, s.SubScope(o.Name()), rate, true, vars, gradients)
}

func (o Momentum) apply(s, scope *op.Scope, rate Rate, nesterov bool, vars []Variable, gradients []tf.Output) (updates []*tf.Operation, slots []Variable) {
	lr, momentum := rate(scope.SubScope("learning_rate"), o.LearningRate), scalar(scope, "momentum", o.Momentum)
	for i, v := range vars {
		slot := newSlot(s, v, "Momentum", 0)
		slots = append(slots, slot)
		updates = append(updates, op.ResourceApplyMomentum(updateScope(scope, v), v.Handle, slot.Handle, lr, gradients[i], momentum,
			op.ResourceApplyMomentumUseNesterov(nesterov)))
	}
	return updates, slots
}
