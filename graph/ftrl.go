package graph

import (
	"cmp"

	tf "github.com/tensorflow/tensorflow/tensorflow/go"
	"github.com/tensorflow/tensorflow/tensorflow/go/op"
)

// Ftrl is tf.compat.v1.train.FtrlOptimizer. McMahan et al., Ad Click Prediction: a
// View from the Trenches, 2013.
//
// Its slots are NAME/Ftrl, InitialAccumulator at first, and NAME/Ftrl_1, zeros at
// first.
type Ftrl struct {
	LearningRate       float32 `json:"lr"`                  // more than 0
	LearningRatePower  float32 `json:"lr-power"`            // at most 0; Python's is -0.5
	InitialAccumulator float32 `json:"initial-accumulator"` // more than 0; 0.1
	L1                 float32 `json:"l1"`                  // regularization, at least 0; 0
	L2                 float32 `json:"l2"`                  // likewise
}

// Name implements Optimizer.
func (o Ftrl) Name() string { return "ftrl" }

// Validate implements Optimizer.
func (o Ftrl) Validate() error {
	if !(o.LearningRatePower <= 0 && finite(o.LearningRatePower)) {
		return &RangeError{"lr-power", o.LearningRatePower, "at most 0"}
	}
	return cmp.Or(positive("lr", o.LearningRate), positive("initial-accumulator", o.InitialAccumulator), notNegative("l1", o.L1), notNegative("l2", o.L2))
}

// Apply implements Optimizer with ResourceApplyFtrl.
func (o Ftrl) Apply(s *op.Scope, rate Rate, vars []Variable, gradients []tf.Output) (updates []*tf.Operation, slots []Variable) {
	scope := s.SubScope(o.Name())
	lr, power := rate(scope.SubScope("learning_rate"), o.LearningRate), scalar(scope, "learning_rate_power", o.LearningRatePower)
	l1, l2 := scalar(scope, "l1", o.L1), scalar(scope, "l2", o.L2)
	for i, v := range vars {
		squares, linear := newSlot(s, v, "Ftrl", o.InitialAccumulator), newSlot(s, v, "Ftrl_1", 0)
		slots = append(slots, squares, linear)
		updates = append(updates, op.ResourceApplyFtrl(updateScope(scope, v), v.Handle, squares.Handle, linear.Handle, gradients[i], lr, l1, l2, power))
	}
	return updates, slots
}
