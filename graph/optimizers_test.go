package graph

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	tf "github.com/tensorflow/tensorflow/tensorflow/go"
	"github.com/tensorflow/tensorflow/tensorflow/go/op"

	"tfrunner/graph/checkpoint"
	"tfrunner/scripts/python"
)

// optimizer returns the optimizer of a name with its defaults.
func optimizer(t *testing.T, name string) Optimizer {
	t.Helper()
	all := Optimizers()
	i := slices.IndexFunc(all, func(o Optimizer) bool { return o.Name() == name })
	if i < 0 {
		t.Fatalf("no optimizer %s", name)
	}
	return all[i]
}

// write writes the bytes of float32s to a file and returns their tensor.
func write(t *testing.T, file string, values []float32, shape ...int64) *tf.Tensor {
	t.Helper()
	x := tensor(t, values)
	if err := os.WriteFile(file, bits(t, x), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := x.Reshape(shape); err != nil {
		t.Fatal(err)
	}
	return x
}

// float32s returns those whose bytes a file holds.
func float32s(t *testing.T, file string) []float32 {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	values := make([]float32, len(data)/4)
	for i := range values {
		values[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
	}
	return values
}

// TestOptimizers trains a small network on real digits by each optimizer for 30
// steps, and wants the bits of Python's losses, variables and slots, under
// Python's names; by two of them also with each schedule, and its learning
// rates.
func TestOptimizers(t *testing.T) {
	const n = 64
	pixels, labels := digits(t, n)
	in, out := t.TempDir(), t.TempDir()
	x, y := make([]float32, n*784), make([]float32, n*10)
	for i, b := range bits(t, pixels) {
		x[i] = float32(b) / 255
	}
	for i, b := range bits(t, labels) {
		y[10*i+int(b)] = 1
	}
	w1, w2 := make([]float32, 784*20), make([]float32, 20*10)
	for i := range w1 {
		w1[i] = float32(i*37%101-50) / 700
	}
	for i := range w2 {
		w2[i] = float32(i*31%103-51) / 300
	}
	feedX, feedY := write(t, filepath.Join(in, "x"), x, n, 784), write(t, filepath.Join(in, "y"), y, n, 10)
	initial1, initial2 := write(t, filepath.Join(in, "w1"), w1, 784, 20), write(t, filepath.Join(in, "w2"), w2, 20, 10)
	cmd, err := python.Command(context.Background(), os.Stderr, "testdata/optimizers.py", in, out)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := python.Output(cmd); err != nil {
		t.Fatal(err)
	}

	type updates struct {
		Optimizer
		Schedule
	}
	cases := map[string]updates{
		"adagrad-da with l1 and l2":       {AdagradDA{LearningRate: 0.01, InitialAccumulator: 0.1, L1: 0.001, L2: 0.01}, nil},
		"ftrl with l1 and l2":             {Ftrl{LearningRate: 0.01, LearningRatePower: -0.5, InitialAccumulator: 0.1, L1: 0.001, L2: 0.01}, nil},
		"rmsprop with momentum":           {RMSProp{LearningRate: 0.001, Decay: 0.9, Momentum: 0.5, Epsilon: 1e-10}, nil},
		"proximal-sgd with l1 and l2":     {ProximalSGD{LearningRate: 0.1, L1: 0.001, L2: 0.01}, nil},
		"proximal-adagrad with l1 and l2": {ProximalAdagrad{LearningRate: 0.01, InitialAccumulator: 0.1, L1: 0.001, L2: 0.01}, nil},
	}
	for _, o := range Optimizers() {
		if name := o.Name(); name != "amsgrad" && name != "adamax" { // which Python does not have
			cases[name] = updates{o, nil}
		}
	}
	for _, name := range []string{"sgd", "rmsprop"} {
		for _, schedule := range []Schedule{ExponentialDecay{Steps: 7, DecayRate: 0.9}, StepDecay{Steps: 7, DecayRate: 0.9}, CosineDecay{Steps: 20, Alpha: 0.3}} {
			cases[name+" "+schedule.Name()] = updates{optimizer(t, name), schedule}
		}
	}
	for name, u := range cases {
		s := op.NewScope()
		X, Y := placeholder(s, "X", tf.Float, tf.MakeShape(-1, 784)), placeholder(s, "Y", tf.Float, tf.MakeShape(-1, 10))
		vars := []Variable{
			NewVariable(s.SubScope("w1"), "w1", op.Const(s.SubScope("initial1"), initial1)),
			NewVariable(s.SubScope("w2"), "w2", op.Const(s.SubScope("initial2"), initial2)),
		}
		logits := op.MatMul(s.SubScope("output"), op.Relu(s, op.MatMul(s, X, vars[0].Read(s.SubScope("read1")))), vars[1].Read(s.SubScope("read2")))
		loss, _ := op.SoftmaxCrossEntropyWithLogits(s, logits, Y)
		cost := op.Mean(s, loss, op.Const(s.SubScope("axis"), []int32{0}))
		training := Minimize(s, cost, vars, u.Optimizer, u.Schedule)
		all := append(vars, training.Slots...)
		session := open(t, s, inits(all))

		want := [][]float32{float32s(t, filepath.Join(out, name+".losses"))}
		feeds, fetches := map[tf.Output]*tf.Tensor{X: feedX, Y: feedY}, []tf.Output{cost}
		if u.Schedule != nil {
			want = append(want, float32s(t, filepath.Join(out, name+".rates")))
			fetches = append(fetches, training.LearningRate)
		}
		for step := range 30 {
			if u.Schedule != nil {
				feeds[training.GlobalStep] = tensor(t, int64(step))
			}
			got, err := session.Run(feeds, fetches, []*tf.Operation{training.Op})
			if err != nil {
				t.Fatal(err)
			}
			for i, what := range []string{"loss", "learning rate"}[:len(got)] {
				if got := got[i].Value().(float32); got != want[i][step] {
					t.Fatalf("%s: the %s of step %d is %v, want %v", name, what, step, got, want[i][step])
				}
			}
		}
		for _, v := range all {
			pythonName := v.Name
			if pythonName == "AdagradDA/global_step" {
				pythonName = "global_step"
			}
			want, err := checkpoint.Read(filepath.Join(out, name+".ckpt"), pythonName)
			if err != nil {
				t.Fatal(err)
			}
			got, err := session.Run(nil, []tf.Output{v.Value}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(bits(t, got[0]), bits(t, want[0])) {
				t.Errorf("%s: %s has other bytes than in Python", name, v.Name)
			}
		}
	}
}

// TestAdamKin holds the optimizers that Python lacks against their formulas, in
// float64, over 5 steps of minimizing sum(v*v)/2, whose gradient is v.
func TestAdamKin(t *testing.T) {
	const lr, b1, b2, epsilon = 0.1, 0.9, 0.999, 1e-8
	formulas := map[string]func(step int, m, second, largest, g float64) (change float64, secondNow, largestNow float64){
		"amsgrad": func(step int, m, second, largest, g float64) (float64, float64, float64) {
			second = b2*second + (1-b2)*g*g
			largest = max(largest, second)
			rate := lr * math.Sqrt(1-math.Pow(b2, float64(step))) / (1 - math.Pow(b1, float64(step)))
			return rate * m / (math.Sqrt(largest) + epsilon), second, largest
		},
		"adamax": func(step int, m, second, largest, g float64) (float64, float64, float64) {
			second = max(b2*second, math.Abs(g))
			return lr / (1 - math.Pow(b1, float64(step))) * m / (second + epsilon), second, 0
		},
	}
	for name, o := range map[string]Optimizer{
		"amsgrad": AMSGrad{LearningRate: lr, Beta1: b1, Beta2: b2, Epsilon: epsilon},
		"adamax":  AdaMax{LearningRate: lr, Beta1: b1, Beta2: b2, Epsilon: epsilon},
	} {
		s := op.NewScope()
		v := NewVariable(s.SubScope("v"), "v", op.Const(s, []float32{1, -2}))
		half := s.SubScope("half")
		cost := op.Sum(half, op.Mul(half, op.Square(half, v.Value), op.Const(half, float32(0.5))), op.Const(half.SubScope("axis"), []int32{0}))
		training := Minimize(s, cost, []Variable{v}, o, nil)
		session := open(t, s, inits(append(training.Slots, v)))
		want := []float64{1, -2}
		var m, second, largest [2]float64
		for step := 1; step <= 5; step++ {
			if _, err := session.Run(nil, nil, []*tf.Operation{training.Op}); err != nil {
				t.Fatal(err)
			}
			out, err := session.Run(nil, []tf.Output{v.Value}, nil)
			if err != nil {
				t.Fatal(err)
			}
			for i := range want {
				g := want[i]
				m[i] = b1*m[i] + (1-b1)*g
				var change float64
				change, second[i], largest[i] = formulas[name](step, m[i], second[i], largest[i], g)
				want[i] -= change
				if got := float64(out[0].Value().([]float32)[i]); math.Abs(got-want[i]) > 1e-5 {
					t.Errorf("%s: after step %d element %d is %v, want %v", name, step, i, got, want[i])
				}
			}
		}
	}
}

func TestOptimizerSettings(t *testing.T) {
	for _, o := range Optimizers() {
		if err := o.Validate(); err != nil {
			t.Errorf("%s: the defaults: %v", o.Name(), err)
		}
	}
	nan := float32(math.NaN())
	for _, test := range []struct {
		o       Optimizer
		setting string
	}{
		{SGD{}, "lr"},
		{Momentum{LearningRate: 1, Momentum: 2}, "momentum"},
		{Nesterov{LearningRate: 1, Momentum: -1}, "momentum"},
		{Adagrad{LearningRate: 1}, "initial-accumulator"},
		{AdagradDA{LearningRate: 1, InitialAccumulator: 1, L1: -1}, "l1"},
		{Adadelta{LearningRate: 1, Rho: nan}, "rho"},
		{Adam{LearningRate: 1, Beta1: 1.5}, "beta1"},
		{AMSGrad{LearningRate: 1, Beta2: -1}, "beta2"},
		{AdaMax{LearningRate: 1, Epsilon: -1}, "epsilon"},
		{Ftrl{LearningRate: 1, InitialAccumulator: 1, LearningRatePower: 1}, "lr-power"},
		{CenteredRMSProp{LearningRate: 1, Decay: 2}, "decay"},
		{ProximalSGD{LearningRate: 1, L2: nan}, "l2"},
		{ProximalAdagrad{LearningRate: -1}, "lr"},
	} {
		wrong := new(RangeError)
		if err := test.o.Validate(); !errors.As(err, &wrong) || wrong.Setting != test.setting {
			t.Errorf("%+v: %v, want a RangeError of %s", test.o, err, test.setting)
		}
	}
	for _, d := range Schedules() {
		if err := d.Validate(); err != nil {
			t.Errorf("%s: the defaults: %v", d.Name(), err)
		}
	}
	for _, test := range []struct {
		d       Schedule
		setting string
	}{
		{ExponentialDecay{DecayRate: 1}, "lr-decay-steps"},
		{ExponentialDecay{Steps: 1, DecayRate: nan}, "lr-decay-rate"},
		{StepDecay{Steps: 1}, "lr-decay-rate"},
		{CosineDecay{Steps: -1}, "lr-decay-steps"},
		{CosineDecay{Steps: 1, Alpha: 1.1}, "lr-alpha"},
	} {
		wrong := new(RangeError)
		if err := validate(SGD{LearningRate: 1}, test.d); !errors.As(err, &wrong) || wrong.Setting != test.setting {
			t.Errorf("%+v: %v, want a RangeError of %s", test.d, err, test.setting)
		}
	}
	if got := optimizer(t, "adam").(Adam).Beta2; got != 0.999 {
		t.Errorf("adam's beta2 is %v", got)
	}
}
