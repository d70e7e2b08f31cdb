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
	// the same index, at a learning rate that is the optimizer's own at first,
	// and returns these ops and the variables (the slots) in which the optimizer
	// keeps its state.
	Apply(s *op.Scope, rate Rate, vars []Variable, gradients []tf.Output) (updates []*tf.Operation, slots []Variable)
}

// A Rate adds the learning rate, a float32 scalar that is initial at first.
type Rate func(s *op.Scope, initial float32) tf.Output

// A Training is what Minimize adds to a graph.
type Training struct {
	Gradients []tf.Output   // of the cost, by each variable, of its shape
	Slots     []Variable    // the optimizer's state
	Op        *tf.Operation // one step: runs all updates

	// With a Schedule, one step is fed with GlobalStep; else the two have no Op.
	GlobalStep   tf.Output // placeholder, int64 scalar: the steps before this one
	LearningRate tf.Output // float32 scalar: that of the step
}

// Minimize adds one training step: the gradients of cost, a float32 scalar, by
// vars, and o's updates by them, at o's learning rate, which follows schedule;
// nil: it stays. s must carry no device and no control dependencies:
// op.Gradients refuses them.
func Minimize(s *op.Scope, cost tf.Output, vars []Variable, o Optimizer, schedule Schedule) Training {
	return minimize(s, vars, o, schedule, func(s *op.Scope) []tf.Output {
		handles := make([]tf.Output, len(vars))
		for i, v := range vars {
			handles[i] = v.Handle
		}
		return op.Gradients(s, []tf.Output{cost}, handles)
	})
}

// minimize is Minimize for the gradients that a function adds, by vars.
func minimize(s *op.Scope, vars []Variable, o Optimizer, schedule Schedule, gradients func(*op.Scope) []tf.Output) Training {
	var t Training
	if err := validate(o, schedule); err != nil {
		s.UpdateErr("Minimize", err)
	}
	if s.Err() != nil {
		return t
	}
	t.Gradients = gradients(s.SubScope("gradients"))
	if s.Err() != nil {
		return t
	}
	for i, g := range t.Gradients {
		if g.Op == nil {
			s.UpdateErr("Gradients", fmt.Errorf("the cost does not depend on %s", vars[i].Name))
			return t
		}
	}
	rate := func(s *op.Scope, initial float32) tf.Output { return op.Const(s, initial) }
	if schedule != nil {
		t.GlobalStep = placeholder(s, "global_step", tf.Int64, tf.ScalarShape())
		rate = func(s *op.Scope, initial float32) tf.Output {
			t.LearningRate = schedule.Rate(s, initial, t.GlobalStep)
			return t.LearningRate
		}
	}
	updates, slots := o.Apply(s, rate, vars, t.Gradients)
	t.Slots = slots
	t.Op = op.NoOp(s.SubScope("train_op").WithControlDependencies(updates...))
	return t
}

// validate returns a RangeError if a setting of the two is out of its range.
func validate(o Optimizer, schedule Schedule) error {
	err := o.Validate()
	if err == nil && schedule != nil {
		err = schedule.Validate()
	}
	return err
}

// Optimizers returns all optimizers, with Python's defaults. Where Python has
// none for the learning rate, it is one that trains the tutorial's model;
// RMSProp's are the tutorial's.
func Optimizers() []Optimizer {
	return []Optimizer{
		SGD{LearningRate: 0.1},
		Momentum{LearningRate: 0.01, Momentum: 0.9},
		Nesterov{LearningRate: 0.01, Momentum: 0.9},
		Adagrad{LearningRate: 0.01, InitialAccumulator: 0.1},
		AdagradDA{LearningRate: 0.01, InitialAccumulator: 0.1},
		Adadelta{LearningRate: 0.001, Rho: 0.95, Epsilon: 1e-8},
		Adam{LearningRate: 0.001, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8},
		AMSGrad{LearningRate: 0.001, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8},
		AdaMax{LearningRate: 0.001, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8},
		Ftrl{LearningRate: 0.01, LearningRatePower: -0.5, InitialAccumulator: 0.1},
		RMSProp{LearningRate: 0.001, Decay: 0.9, Epsilon: 1e-10},
		CenteredRMSProp{LearningRate: 0.001, Decay: 0.9, Epsilon: 1e-10},
		ProximalSGD{LearningRate: 0.1},
		ProximalAdagrad{LearningRate: 0.01, InitialAccumulator: 0.1},
	}
}

// scalar adds a float32 constant of a name.
func scalar(s *op.Scope, name string, x float32) tf.Output { return op.Const(s.SubScope(name), x) }

// updateScope is that of a variable's update.
func updateScope(s *op.Scope, v Variable) *op.Scope { return s.SubScope("update_" + v.Name) }
