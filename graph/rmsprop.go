package graph

import (
	"cmp"

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
	return cmp.Or(positive("lr", r.LearningRate), fraction("decay", r.Decay), fraction("momentum", r.Momentum), notNegative("epsilon", r.Epsilon))
}

// Apply implements Optimizer with ResourceApplyRMSProp.
func (r RMSProp) Apply(s *op.Scope, rate Rate, vars []Variable, gradients []tf.Output) (updates []*tf.Operation, slots []Variable) {
	scope := s.SubScope(r.Name())
	learningRate, decay := rate(scope.SubScope("learning_rate"), r.LearningRate), scalar(scope, "decay", r.Decay)
	momentum, epsilon := scalar(scope, "momentum", r.Momentum), scalar(scope, "epsilon", r.Epsilon)
	for i, v := range vars {
		ms := newSlot(s, v, "RMSProp", 1)
		mom := newSlot(s, v, "RMSProp_1", 0)
		updates = append(updates, op.ResourceApplyRMSProp(updateScope(scope, v), v.Handle, ms.Handle, mom.Handle,
			learningRate, decay, momentum, epsilon, gradients[i]))
		slots = append(slots, ms, mom)
	}
	return updates, slots
}
