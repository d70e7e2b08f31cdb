package graph

import (
	"cmp"
	"math"

	tf "github.com/tensorflow/tensorflow/tensorflow/go"
	"github.com/tensorflow/tensorflow/tensorflow/go/op"
)

// A Schedule changes the learning rate from step to step.
type Schedule interface {
	// Name is the name on the command line.
	Name() string

	// Validate returns a RangeError if a setting is out of its range.
	Validate() error

	// Rate adds the learning rate, a float32 scalar, of a step, an int64 scalar
	// that is 0 for the first one. The rate is initial at first.
	Rate(s *op.Scope, initial float32, step tf.Output) tf.Output
}

// Schedules returns all schedules. Where Python has no default, it is for
// batches of 128: ExponentialDecay's and StepDecay's are an epoch at a time, as
// in TensorFlow's own MNIST example, CosineDecay's ten epochs in all.
func Schedules() []Schedule {
	return []Schedule{
		ExponentialDecay{Steps: 429, DecayRate: 0.95},
		StepDecay{Steps: 429, DecayRate: 0.95},
		CosineDecay{Steps: 4290},
	}
}

// ExponentialDecay is tf.compat.v1.train.exponential_decay: at the step n the
// rate is initial * DecayRate^(n/Steps).
type ExponentialDecay struct {
	Steps     int32   `json:"lr-decay-steps"` // at least 1
	DecayRate float32 `json:"lr-decay-rate"`  // more than 0
}

// StepDecay is ExponentialDecay with staircase: n/Steps is rounded down.
type StepDecay ExponentialDecay

// CosineDecay is tf.compat.v1.train.cosine_decay: the rate goes down half a
// cosine from initial to Alpha * initial, where it stays. Loshchilov and Hutter,
// SGDR: Stochastic Gradient Descent with Warm Restarts, 2016.
type CosineDecay struct {
	Steps int32   `json:"lr-decay-steps"` // how many the way down is, at least 1
	Alpha float64 `json:"lr-alpha"`       // from 0 to 1; Python's is 0
}

// Name implements Schedule.
func (d ExponentialDecay) Name() string { return "exponential" }

// Name implements Schedule.
func (d StepDecay) Name() string { return "step" }

// Name implements Schedule.
func (d CosineDecay) Name() string { return "cosine" }

// Validate implements Schedule.
func (d ExponentialDecay) Validate() error {
	return cmp.Or(decaySteps(d.Steps), positive("lr-decay-rate", d.DecayRate))
}

// Validate implements Schedule.
func (d StepDecay) Validate() error { return ExponentialDecay(d).Validate() }

// Validate implements Schedule.
func (d CosineDecay) Validate() error {
	return cmp.Or(decaySteps(d.Steps), within("lr-alpha", d.Alpha, d.Alpha >= 0 && d.Alpha <= 1, "0 to 1"))
}

func decaySteps(n int32) error { return within("lr-decay-steps", n, n >= 1, "at least 1") }

// Rate implements Schedule.
func (d ExponentialDecay) Rate(s *op.Scope, initial float32, step tf.Output) tf.Output {
	now, steps := decayInputs(s, step, d.Steps)
	return d.rate(s, initial, op.RealDiv(s, now, steps))
}

// Rate implements Schedule.
func (d StepDecay) Rate(s *op.Scope, initial float32, step tf.Output) tf.Output {
	now, steps := decayInputs(s, step, d.Steps)
	return ExponentialDecay(d).rate(s, initial, op.Floor(s, op.RealDiv(s, now, steps)))
}

func (d ExponentialDecay) rate(s *op.Scope, initial float32, power tf.Output) tf.Output {
	return op.Mul(s, scalar(s, "initial", initial), op.Pow(s, scalar(s, "decay_rate", d.DecayRate), power))
}

// Rate implements Schedule.
func (d CosineDecay) Rate(s *op.Scope, initial float32, step tf.Output) tf.Output {
	now, steps := decayInputs(s, step, d.Steps)
	completed := op.RealDiv(s, op.Minimum(s, now, steps), steps)
	angle := op.Mul(s.SubScope("angle"), scalar(s, "pi", math.Pi), completed)
	decayed := op.Mul(s.SubScope("half"), scalar(s, "half", 0.5), op.AddV2(s.SubScope("plus"), scalar(s, "one", 1), op.Cos(s, angle)))
	// Python computes 1-alpha in float64.
	decayed = op.AddV2(s, op.Mul(s.SubScope("scaled"), scalar(s, "rest", float32(1-d.Alpha)), decayed), scalar(s, "alpha", float32(d.Alpha)))
	return op.Mul(s, scalar(s, "initial", initial), decayed)
}

// decayInputs adds the step and the number of steps of a decay as float32, as
// Python casts them.
func decayInputs(s *op.Scope, step tf.Output, n int32) (now, steps tf.Output) {
	decay := s.SubScope("decay_steps")
	return op.Cast(s, step, tf.Float), op.Cast(decay, op.Const(decay, n), tf.Float)
}
