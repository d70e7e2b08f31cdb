package graph

import (
	"cmp"

	tf "github.com/tensorflow/tensorflow/tensorflow/go"
	"github.com/tensorflow/tensorflow/tensorflow/go/op"
)

// Adam is tf.compat.v1.train.AdamOptimizer. Kingma and Ba, Adam: A Method for
// Stochastic Optimization, 2014.
//
// Its slots are NAME/Adam and NAME/Adam_1, zeros at first, and for all variables
// beta1_power and beta2_power, Beta1 and Beta2 at first.
type Adam struct {
	LearningRate float32 `json:"lr"`      // more than 0; Python's is 0.001
	Beta1        float32 `json:"beta1"`   // decay of the first moment, from 0 to 1; 0.9
	Beta2        float32 `json:"beta2"`   // decay of the second moment, from 0 to 1; 0.999
	Epsilon      float32 `json:"epsilon"` // at least 0; 1e-8
}

// Name implements Optimizer.
func (o Adam) Name() string { return "adam" }

// Validate implements Optimizer.
func (o Adam) Validate() error {
	return cmp.Or(positive("lr", o.LearningRate), fraction("beta1", o.Beta1), fraction("beta2", o.Beta2), notNegative("epsilon", o.Epsilon))
}

// Apply implements Optimizer with ResourceApplyAdam.
func (o Adam) Apply(s *op.Scope, rate Rate, vars []Variable, gradients []tf.Output) (updates []*tf.Operation, slots []Variable) {
	scope := s.SubScope(o.Name())
	c := o.constants(scope, rate)
	power1, power2 := newPower(s, "beta1_power", o.Beta1), newPower(s, "beta2_power", o.Beta2)
	for i, v := range vars {
		m1, m2 := newSlot(s, v, "Adam", 0), newSlot(s, v, "Adam_1", 0)
		slots = append(slots, m1, m2)
		update := updateScope(scope, v)
		updates = append(updates, op.ResourceApplyAdam(update, v.Handle, m1.Handle, m2.Handle,
			power1.Read(update.SubScope("beta1_power")), power2.Read(update.SubScope("beta2_power")), c.lr, c.beta1, c.beta2, c.epsilon, gradients[i]))
	}
	updates = append(updates, raise(scope, power1, c.beta1, updates), raise(scope, power2, c.beta2, updates))
	return updates, append(slots, power1, power2)
}

// adamConstants are the settings of Adam and its kin, in the graph.
type adamConstants struct{ lr, beta1, beta2, epsilon tf.Output }

func (o Adam) constants(s *op.Scope, rate Rate) adamConstants {
	return adamConstants{rate(s.SubScope("learning_rate"), o.LearningRate), scalar(s, "beta1", o.Beta1), scalar(s, "beta2", o.Beta2), scalar(s, "epsilon", o.Epsilon)}
}

// newPower adds a variable for the powers of beta.
func newPower(s *op.Scope, name string, beta float32) Variable {
	s = s.SubScope(name)
	return NewVariable(s, name, op.Const(s, beta))
}

// raise multiplies a power of beta by beta, after all updates that read it.
func raise(s *op.Scope, power Variable, beta tf.Output, updates []*tf.Operation) *tf.Operation {
	s = s.SubScope("raise_" + power.Name).WithControlDependencies(updates...)
	return op.AssignVariableOp(s, power.Handle, op.Mul(s, power.Read(s), beta))
}
