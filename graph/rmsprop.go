package graph

import (
	tf "github.com/tensorflow/tensorflow/tensorflow/go"
	"github.com/tensorflow/tensorflow/tensorflow/go/op"
)

// RMSProp is tf.compat.v1.train.RMSPropOptimizer, not centered: it divides a
// gradient by a running root mean square of it. Hinton, Neural Networks for
// Machine Learning, lecture 6e.
//
// Its slots are named as Python's: NAME/RMSProp is the mean square, ones at
// first, and NAME/RMSProp_1 the momentum, zeros at first.
type RMSProp struct {
	LearningRate float32 `json:"lr"`       // more than 0; the tutorial's is 0.001
	Decay        float32 `json:"decay"`    // of the mean square, from 0 to 1; 0.9
	Momentum     float32 `json:"momentum"` // from 0 to 1; 0
	Epsilon      float32 `json:"epsilon"`  // under the root, at least 0; 1e-10
}

// Name implements Optimizer.
func (r RMSProp) Name() string { return "rmsprop" }

// Validate implements Optimizer.
func (r RMSProp) Validate() error {
	switch {
	case !(r.LearningRate > 0 && finite(r.LearningRate)):
		return &RangeError{"lr", r.LearningRate, "more than 0"}
	case !(r.Decay >= 0 && r.Decay <= 1):
		return &RangeError{"decay", r.Decay, "0 to 1"}
	case !(r.Momentum >= 0 && r.Momentum <= 1):
		return &RangeError{"momentum", r.Momentum, "0 to 1"}
	case !(r.Epsilon >= 0 && finite(r.Epsilon)):
		return &RangeError{"epsilon", r.Epsilon, "at least 0"}
	}
	return nil
}

// Apply implements Optimizer with ResourceApplyRMSProp.
func (r RMSProp) Apply(s *op.Scope, vars []Variable, gradients []tf.Output) (updates []*tf.Operation, slots []Variable) {
	scope := s.SubScope("RMSProp")
	learningRate := op.Const(scope.SubScope("learning_rate"), r.LearningRate)
	decay := op.Const(scope.SubScope("decay"), r.Decay)
	momentum := op.Const(scope.SubScope("momentum"), r.Momentum)
	epsilon := op.Const(scope.SubScope("epsilon"), r.Epsilon)
	for i, v := range vars {
		update := scope.SubScope("update_" + v.Name)
		ms := newSlot(s, v, "RMSProp", 1)
		mom := newSlot(s, v, "RMSProp_1", 0)
		updates = append(updates, op.ResourceApplyRMSProp(update, v.Handle, ms.Handle, mom.Handle,
			learningRate, decay, momentum, epsilon, gradients[i]))
		slots = append(slots, ms, mom)
	}
	return updates, slots
}
