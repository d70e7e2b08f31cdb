package graph

import (
	"bytes"
	"math"
	"slices"
	"testing"

	tf "github.com/tensorflow/tensorflow/tensorflow/go"
	"github.com/tensorflow/tensorflow/tensorflow/go/op"
)

// losses trains a ConvNet for some steps on real digits.
func losses(t *testing.T, c ConvNet, keepConv, keepHidden float32, minimize func(*op.Scope, Model) Training) (all []float32) {
	t.Helper()
	pixels, labels := digits(t, 64)
	s := op.NewScope()
	m := c.Build(s)
	training := minimize(s, m)
	session := open(t, s, inits(append(training.Slots, m.Weights...)))
	feeds := map[tf.Output]*tf.Tensor{m.Pixels: pixels, m.Labels: labels, m.KeepConv: tensor(t, keepConv), m.KeepHidden: tensor(t, keepHidden)}
	for range 10 {
		out, err := session.Run(feeds, []tf.Output{m.Cost}, []*tf.Operation{training.Op})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, out[0].Value().(float32))
	}
	return all
}

// TestBackprop wants the bits of op.Gradients.
func TestBackprop(t *testing.T) {
	for _, fast := range []bool{false, true} {
		c := ConvNet{Seed: 7, Stddev: 0.1, Fast: fast}
		got := losses(t, c, 0.8, 0.5, func(s *op.Scope, m Model) Training { return m.Minimize(s, tutorial, nil) })
		want := losses(t, c, 0.8, 0.5, func(s *op.Scope, m Model) Training { return Minimize(s, m.Cost, m.Weights, tutorial, nil) })
		if !slices.Equal(got, want) || got[9] == got[0] {
			t.Errorf("fast %v: losses %v, want %v", fast, got, want)
		}
	}
}

// TestFast wants the tutorial's losses of the fast model without dropout, but
// for how the towers' gradients round, and others with it.
func TestFast(t *testing.T) {
	minimize := func(s *op.Scope, m Model) Training { return m.Minimize(s, tutorial, nil) }
	slow, fast := ConvNet{Seed: 7, Stddev: 0.1}, ConvNet{Seed: 7, Stddev: 0.1, Fast: true}
	got, want := losses(t, fast, 1, 1, minimize), losses(t, slow, 1, 1, minimize)
	for i := range want {
		if off := math.Abs(float64(got[i]/want[i] - 1)); off > 1e-6 || i == 0 && off != 0 {
			t.Errorf("losses %v, want %v", got, want)
		}
	}
	first, second := losses(t, fast, 0.8, 0.5, minimize), losses(t, fast, 0.8, 0.5, minimize)
	if !slices.Equal(first, second) {
		t.Errorf("of one seed the losses %v, then %v", first, second)
	}
	if other := losses(t, slow, 0.8, 0.5, minimize); slices.Equal(first, other) {
		t.Error("the dropouts are the tutorial's")
	}
}

// TestTowers gives both towers the same images, an odd number of them in all,
// and wants the same logits of them only without dropout.
func TestTowers(t *testing.T) {
	pixels, _ := digits(t, 5)
	twice := append(bits(t, pixels), bits(t, pixels)...)
	images, err := tf.ReadTensor(tf.Uint8, []int64{9, 28, 28, 1}, bytes.NewReader(twice[784:]))
	if err != nil {
		t.Fatal(err)
	}
	for _, keep := range []float32{1, 0.5} {
		s := op.NewScope()
		m := ConvNet{Seed: 7, Stddev: 0.1, Fast: true}.Build(s)
		session := open(t, s, inits(m.Weights))
		out, err := session.Run(map[tf.Output]*tf.Tensor{m.Pixels: images, m.KeepConv: tensor(t, keep), m.KeepHidden: tensor(t, keep)}, []tf.Output{m.PyX, m.TestPyX}, nil)
		if err != nil {
			t.Fatal(err)
		}
		logits, want := out[0].Value().([][]float32), out[1].Value().([][]float32)
		if len(logits) != 9 || slices.Equal(logits[0], logits[5]) != (keep == 1) || slices.Equal(logits[8], want[8]) != (keep == 1) {
			t.Errorf("keep %v: logits %v, without dropout %v", keep, logits, want)
		}
	}
}

func TestByteDropout(t *testing.T) {
	for _, test := range []struct{ keep, want float64 }{{1, 1}, {0.8, 205. / 256}, {0.5, 0.5}, {0.001, 1. / 256}} {
		s := op.NewScope()
		const n = 100001
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(i + 1)
		}
		in := op.Placeholder(s, tf.Float)
		d := newByteDropout(s.SubScope("bytes"), op.Const(s, float32(test.keep)), 1)
		y := d.apply(s, in, 6)
		session := open(t, s, nil)
		var before []float32
		for range 2 {
			out, err := session.Run(map[tf.Output]*tf.Tensor{in: tensor(t, x)}, []tf.Output{y, d.kept}, nil)
			if err != nil {
				t.Fatal(err)
			}
			y, kept := out[0].Value().([]float32), 0
			for i := range y {
				if y[i] == x[i] {
					kept++
				} else if y[i] != 0 {
					t.Fatalf("%v became %v", x[i], y[i])
				}
			}
			if got := float64(kept) / n; math.Abs(got-test.want) > 0.006 {
				t.Errorf("keep %v keeps %v, want %v", test.keep, got, test.want)
			}
			if got := out[1].Value().(float32); got != float32(test.want) {
				t.Errorf("keep %v: says that it keeps %v, want %v", test.keep, got, test.want)
			}
			if test.keep != 1 && slices.Equal(y, before) {
				t.Errorf("keep %v: two steps keep the same", test.keep)
			}
			before = y
		}
	}
}
