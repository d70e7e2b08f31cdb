package graph

import (
	tf "github.com/tensorflow/tensorflow/tensorflow/go"
	"github.com/tensorflow/tensorflow/tensorflow/go/op"
)

// AMSGrad is Adam with the largest second moment so far. Reddi et al., On the
// Convergence of Adam and Beyond, 2018. tf.compat.v1.train has none.
//
// Its slots are NAME/AMSGrad, NAME/AMSGrad_1 and NAME/AMSGrad_2, zeros at
// first, and Adam's powers.
type AMSGrad Adam

// Name implements Optimizer.
func (o AMSGrad) Name() string { return "amsgrad" }

// Validate implements Optimizer.
func (o AMSGrad) Validate() error { return Adam(o).Validate() }

// Apply implements Optimizer with ResourceApplyAdamWithAmsgrad.
func (o AMSGrad) Apply(s *op.Scope, rate Rate, vars []Variable, gradients []tf.Output) (updates []*tf.Operation, slots []Variable) {
	scope := s.SubScope(o.Name())
	c := Adam(o).constants(scope, rate)
	power1, power2 := newPower(s, "beta1_power", o.Beta1), newPower(s, "beta2_power", o.Beta2)
	for i, v := range vars {
		m1, m2, largest := newSlot(s, v, "AMSGrad", 0), newSlot(s, v, "AMSGrad_1", 0), newSlot(s, v, "AMSGrad_2", 0)
		slots = append(slots, m1, m2, largest)
		update := updateScope(scope, v)
		updates = append(updates, op.ResourceApplyAdamWithAmsgrad(update, v.Handle, m1.Handle, m2.Handle, largest.Handle,
			power1.Read(update.SubScope("beta1_power")), power2.Read(update.SubScope("beta2_power")), c.lr, c.beta1, c.beta2, c.epsilon, gradients[i]))
	}
	updates = append(updates, raise(scope, power1, c.beta1, updates), raise(scope, power2, c.beta2, updates))
	return updates, append(slots, power1, power2)
}
