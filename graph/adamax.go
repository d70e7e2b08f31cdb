package graph

import (
	tf "github.com/tensorflow/tensorflow/tensorflow/go"
	"github.com/tensorflow/tensorflow/tensorflow/go/op"
)

// AdaMax is Adam with the infinity norm for the second moment. Kingma and Ba,
// 2014, section 7.1. tf.compat.v1.train has none.
//
// Its slots are NAME/AdaMax and NAME/AdaMax_1, zeros at first, and beta1_power.
type AdaMax Adam

// Name implements Optimizer.
func (o AdaMax) Name() string { return "adamax" }

// Validate implements Optimizer.
func (o AdaMax) Validate() error { return Adam(o).Validate() }

// Apply implements Optimizer with ResourceApplyAdaMax.
func (o AdaMax) Apply(s *op.Scope, rate Rate, vars []Variable, gradients []tf.Output) (updates []*tf.Operation, slots []Variable) {
	scope := s.SubScope(o.Name())
	c := Adam(o).constants(scope, rate)
	power := newPower(s, "beta1_power", o.Beta1)
	for i, v := range vars {
		m, norm := newSlot(s, v, "AdaMax", 0), newSlot(s, v, "AdaMax_1", 0)
		slots = append(slots, m, norm)
		update := updateScope(scope, v)
		updates = append(updates, op.ResourceApplyAdaMax(update, v.Handle, m.Handle, norm.Handle,
			power.Read(update.SubScope("beta1_power")), c.lr, c.beta1, c.beta2, c.epsilon, gradients[i]))
	}
	return append(updates, raise(scope, power, c.beta1, updates)), append(slots, power)
}
