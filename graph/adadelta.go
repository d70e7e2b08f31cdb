package graph

import (
	"cmp"

	tf "github.com/tensorflow/tensorflow/tensorflow/go"
	"github.com/tensorflow/tensorflow/tensorflow/go/op"
)

// Adadelta is tf.compat.v1.train.AdadeltaOptimizer. Zeiler, ADADELTA: An Adaptive
// Learning Rate Method, 2012.
//
// Its slots are NAME/Adadelta and NAME/Adadelta_1, zeros at first.
type Adadelta struct {
	LearningRate float32 `json:"lr"`      // more than 0; Python's is 0.001
	Rho          float32 `json:"rho"`     // decay, from 0 to 1; 0.95
	Epsilon      float32 `json:"epsilon"` // at least 0; 1e-8
}

// Name implements Optimizer.
func (o Adadelta) Name() string { return "adadelta" }

// Validate implements Optimizer.
func (o Adadelta) Validate() error {
	return cmp.Or(positive("lr", o.LearningRate), fraction("rho", o.Rho), notNegative("epsilon", o.Epsilon))
}

// Apply implements Optimizer with ResourceApplyAdadelta.
func (o Adadelta) Apply(s *op.Scope, rate Rate, vars []Variable, gradients []tf.Output) (updates []*tf.Operation, slots []Variable) {
	scope := s.SubScope(o.Name())
	lr, rho, epsilon := rate(scope.SubScope("lr"), o.LearningRate), scalar(scope, "rho", o.Rho), scalar(scope, "epsilon", o.Epsilon)
	for i, v := range vars {
		gradient, update := newSlot(s, v, "Adadelta", 0), newSlot(s, v, "Adadelta_1", 0)
		slots = append(slots, gradient, update)
		updates = append(updates, op.ResourceApplyAdadelta(updateScope(scope, v), v.Handle, gradient.Handle, update.Handle, lr, rho, epsilon, gradients[i]))
	}
	return updates, slots
}
