package train_test

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"tfrunner/graph"
	"tfrunner/train"
)

// TestThreads wants the same bits of ops that run one at a time, and together.
func TestThreads(t *testing.T) {
	d := small(t, 3*128)
	var want []uint32 // bits
	for _, inter := range []int{0, 1, -1} {
		c := tutorial(7)
		c.Compute, c.Epochs = train.Compute{IntraOp: 2, InterOp: inter}, 1
		got := run(t, c, d).losses()
		if want == nil {
			want = got
		}
		if !slices.Equal(got, want) {
			t.Errorf("InterOp %d: losses %v, want %v", inter, got, want)
		}
	}
}

// TestBFloat16 wants losses that are near those of float32, and not them.
func TestBFloat16(t *testing.T) {
	d := small(t, 3*128)
	c := inFolder(t.TempDir())
	c.Model.Stddev, c.Epochs = 0.1, 1
	want := run(t, c, d).losses()
	c.Precision = "bfloat16"
	c.Resume = true
	if _, err := train.New(c); err != nil {
		t.Fatal(err)
	}
	if err := newTrainer(t, c).Run(t.Context(), d, new(records)); err == nil || !strings.Contains(err.Error(), `precision "bfloat16" (there none)`) {
		t.Errorf("resumed in another precision: error %v", err)
	}
	c.Out, c.Resume = t.TempDir(), false
	got := run(t, c, d).losses()
	if len(got) != 3 || slices.Equal(got, want) {
		t.Errorf("losses %v, of float32 %v", got, want)
	}
	for i := range got {
		if math.Abs(float64(math.Float32frombits(got[i])/math.Float32frombits(want[i])-1)) > 0.05 {
			t.Errorf("losses %v, of float32 %v", got, want)
		}
	}
	p, err := train.OpenPredictor(c.Out, train.Compute{Precision: "bfloat16"})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if _, err := p.Probabilities(d.Test.Pixels); err != nil {
		t.Error(err)
	}
}

func TestComputeErrors(t *testing.T) {
	for _, test := range []struct {
		setting string
		compute train.Compute
	}{
		{"precision", train.Compute{Precision: "float16"}},
		{"precision", train.Compute{Precision: "bfloat16", Device: "gpu:0"}},
		{"intra-op", train.Compute{IntraOp: -1}},
		{"inter-op", train.Compute{InterOp: -2}},
		{"device", train.Compute{Device: "gpu:9"}},
		{"device", train.Compute{Device: "tpu"}},
	} {
		wrong := new(graph.RangeError)
		if _, err := test.compute.Options(); !errors.As(err, &wrong) || wrong.Setting != test.setting {
			t.Errorf("%+v: error %v, want a RangeError of %s", test.compute, err, test.setting)
		}
	}
}
