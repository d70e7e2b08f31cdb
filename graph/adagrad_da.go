package graph

import (
	"cmp"

	tf "github.com/tensorflow/tensorflow/tensorflow/go"
	"github.com/tensorflow/tensorflow/tensorflow/go/op"
)

// AdagradDA is tf.compat.v1.train.AdagradDAOptimizer: Adagrad by dual
// averaging, with regularization. Duchi et al., 2011.
//
// Its slots are NAME/AdagradDA, zeros at first, and NAME/AdagradDA_1,
// InitialAccumulator at first, and for all variables AdagradDA/global_step,
// int64, the steps so far, which Python has the caller count.
type AdagradDA struct {
	LearningRate       float32 `json:"lr"`                  // more than 0
	InitialAccumulator float32 `json:"initial-accumulator"` // of squared gradients, more than 0; Python's is 0.1
	L1                 float32 `json:"l1"`                  // regularization, at least 0; Python's is 0
	L2                 float32 `json:"l2"`                  // likewise
}

// Name implements Optimizer.
func (o AdagradDA) Name() string { return "adagrad-da" }

// Validate implements Optimizer.
func (o AdagradDA) Validate() error {
	return cmp.Or(positive("lr", o.LearningRate), positive("initial-accumulator", o.InitialAccumulator), notNegative("l1", o.L1), notNegative("l2", o.L2))
}

// Apply implements Optimizer with ResourceApplyAdagradDA.
func (o AdagradDA) Apply(s *op.Scope, rate Rate, vars []Variable, gradients []tf.Output) (updates []*tf.Operation, slots []Variable) {
	scope := s.SubScope(o.Name())
	lr, l1, l2 := rate(scope.SubScope("learning_rate"), o.LearningRate), scalar(scope, "l1", o.L1), scalar(scope, "l2", o.L2)
	counter := s.SubScope("AdagradDA")
	step := NewVariable(counter, "AdagradDA/global_step", op.Const(counter, int64(0)))
	counting := scope.SubScope("step")
	number := op.AddV2(counting, step.Read(counting), op.Const(counting, int64(1)))
	for i, v := range vars {
		sum, squares := newSlot(s, v, "AdagradDA", 0), newSlot(s, v, "AdagradDA_1", o.InitialAccumulator)
		slots = append(slots, sum, squares)
		updates = append(updates, op.ResourceApplyAdagradDA(updateScope(scope, v), v.Handle, sum.Handle, squares.Handle, gradients[i], lr, l1, l2, number))
	}
	count := scope.SubScope("count").WithControlDependencies(updates...)
	counted := op.AssignAddVariableOp(count, step.Handle, op.Const(count, int64(1)))
	return append(updates, counted), append(slots, step)
}
