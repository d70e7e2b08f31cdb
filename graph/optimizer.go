package graph

import (
	"fmt"

	tf "github.com/tensorflow/tensorflow/tensorflow/go"
	"github.com/tensorflow/tensorflow/tensorflow/go/op"
)

// An Optimizer updates variables by gradients.
type Optimizer interface {
	// Name is the name on the command line.
	Name() string

	// Validate returns a RangeError if a setting is out of its range.
	Validate() error

	// Apply adds, for each of vars, the op that updates it by the gradient of
	// the same index, and returns these ops and the variables (the slots) in
	// which the optimizer keeps its state.
	Apply(s *op.Scope, vars []Variable, gradients []tf.Output) (updates []*tf.Operation, slots []Variable)
}

// A Training is what Minimize adds to a graph.
type Training struct {
	Gradients []tf.Output   // of the cost, by each variable, of its shape
	Slots     []Variable    // the optimizer's state
	Op        *tf.Operation // one step: runs all updates
}

// Minimize adds one training step: the gradients of cost, a float32 scalar, by
// vars, and o's updates by them. s must carry no device and no control
// dependencies: op.Gradients refuses them.
func Minimize(s *op.Scope, cost tf.Output, vars []Variable, o Optimizer) Training {
	var t Training
	if err := o.Validate(); err != nil {
		s.UpdateErr("Minimize", err)
	}
	if s.Err() != nil {
		return t
	}
	handles := make([]tf.Output, len(vars))
	for i, v := range vars {
		handles[i] = v.Handle
	}
	t.Gradients = op.Gradients(s.SubScope("gradients"), []tf.Output{cost}, handles)
	if s.Err() != nil {
		return t
	}
	for i, g := range t.Gradients {
		if g.Op == nil {
			s.UpdateErr("Gradients", fmt.Errorf("the cost does not depend on %s", vars[i].Name))
			return t
		}
	}
	updates, slots := o.Apply(s, vars, t.Gradients)
	t.Slots = slots
	t.Op = op.NoOp(s.SubScope("train_op").WithControlDependencies(updates...))
	return t
}
