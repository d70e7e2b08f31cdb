package graph

import (
	tf "github.com/tensorflow/tensorflow/tensorflow/go"
	"github.com/tensorflow/tensorflow/tensorflow/go/op"
)

// CenteredRMSProp is RMSProp with the estimated variance of the gradients in the
// place of their mean square: tf.compat.v1.train.RMSPropOptimizer with centered.
//
// Its slots are NAME/RMSProp, the mean square, ones at first, NAME/RMSProp_1, the
// mean, and NAME/RMSProp_2, the momentum, zeros at first.
type CenteredRMSProp RMSProp

// Name implements Optimizer.
func (o CenteredRMSProp) Name() string { return "centered-rmsprop" }

// Validate implements Optimizer.
func (o CenteredRMSProp) Validate() error { return RMSProp(o).Validate() }

// Apply implements Optimizer with ResourceApplyCenteredRMSProp.
func (o CenteredRMSProp) Apply(s *op.Scope, rate Rate, vars []Variable, gradients []tf.Output) (updates []*tf.Operation, slots []Variable) {
	scope := s.SubScope(o.Name())
	lr, decay := rate(scope.SubScope("learning_rate"), o.LearningRate), scalar(scope, "decay", o.Decay)
	momentum, epsilon := scalar(scope, "momentum", o.Momentum), scalar(scope, "epsilon", o.Epsilon)
	for i, v := range vars {
		square, mean, mom := newSlot(s, v, "RMSProp", 1), newSlot(s, v, "RMSProp_1", 0), newSlot(s, v, "RMSProp_2", 0)
		slots = append(slots, square, mean, mom)
		updates = append(updates, op.ResourceApplyCenteredRMSProp(updateScope(scope, v), v.Handle, mean.Handle, square.Handle, mom.Handle,
			lr, decay, momentum, epsilon, gradients[i]))
	}
	return updates, slots
}
