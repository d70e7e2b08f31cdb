package main

import (
	"context"
	_ "embed"
	"os"
	"os/exec"
	"slices"

	"tfrunner/scripts/python"
)

// A row is a program that is measured, once a round.
type row struct {
	name      string // for -only
	title     string
	precision string // of the products of matrices
	start     starter
	args      []string
	short     bool // with -short too
	pytorch   bool // with -pytorch only
}

const (
	float32s  = "float32"
	bfloat16s = "bfloat16"
)

// reference is the name of the row that the others are held against.
const reference = "python"

// trainingRows print a line of JSON for each training step.
var trainingRows = []row{
	{name: "go", title: "Go", precision: float32s, start: goTrain, args: []string{"-json"}, short: true},
	{name: "go-fast", title: "Go, -fast", precision: float32s, start: goTrain, args: []string{"-json", "-fast"}},
	{name: "go-bf16", title: "Go, bfloat16", precision: bfloat16s, start: goTrain, args: []string{"-json", "-precision", "bfloat16"}},
	{name: "go-bf16-fast", title: "Go, bfloat16, -fast", precision: bfloat16s, start: goTrain, args: []string{"-json", "-precision", "bfloat16", "-fast"}, short: true},
	{name: reference, title: "Python", precision: float32s, start: withTensorFlow("tutorial.py"), args: []string{"-json"}, short: true},
	{name: "python-bf16", title: "Python, bfloat16", precision: bfloat16s, start: withTensorFlow("tutorial.py"), args: []string{"-json", "-precision", "bfloat16"}},
	{name: "keras", title: "Keras", precision: float32s, start: withTensorFlow("bench/keras_fit.py"), short: true},
	{name: "keras-bf16", title: "Keras, bfloat16", precision: bfloat16s, start: withTensorFlow("bench/keras_fit.py"), args: []string{"-precision", "bfloat16"}},
	{name: "pytorch", title: "PyTorch", precision: float32s, start: withPyTorch("pytorch_train.py"), pytorch: true},
	{name: "pytorch-last", title: "PyTorch, channels last", precision: float32s, start: withPyTorch("pytorch_train.py"), args: []string{"-channels-last"}, pytorch: true},
	{name: "pytorch-bf16", title: "PyTorch, bfloat16", precision: bfloat16s, start: withPyTorch("pytorch_train.py"), args: []string{"-precision", "bfloat16"}, pytorch: true},
	{name: "pytorch-bf16-last", title: "PyTorch, bfloat16, channels last", precision: bfloat16s, start: withPyTorch("pytorch_train.py"), args: []string{"-precision", "bfloat16", "-channels-last"}, pytorch: true},
}

// testingRows test one model.
var testingRows = []row{
	{name: "go", title: "Go, frozen", precision: float32s, start: worker("test"), short: true},
	{name: "go-bf16", title: "Go, frozen, bfloat16", precision: bfloat16s, start: worker("test"), args: []string{"-precision", bfloat16s}},
	{name: reference, title: "Python", precision: float32s, start: withTensorFlow("bench/tutorial_test.py"), short: true},
	{name: "python-bf16", title: "Python, bfloat16", precision: bfloat16s, start: withTensorFlow("bench/tutorial_test.py"), args: []string{"-precision", "bfloat16"}},
	{name: "keras", title: "Keras", precision: float32s, start: withTensorFlow("bench/keras_test.py")},
	{name: "keras-bf16", title: "Keras, bfloat16", precision: bfloat16s, start: withTensorFlow("bench/keras_test.py"), args: []string{"-precision", "bfloat16"}},
	{name: "pytorch", title: "PyTorch", precision: float32s, start: withPyTorch("pytorch_test.py"), pytorch: true},
	{name: "pytorch-last", title: "PyTorch, channels last", precision: float32s, start: withPyTorch("pytorch_test.py"), args: []string{"-channels-last"}, pytorch: true},
	{name: "pytorch-bf16", title: "PyTorch, bfloat16", precision: bfloat16s, start: withPyTorch("pytorch_test.py"), args: []string{"-precision", "bfloat16"}, pytorch: true},
	{name: "pytorch-bf16-last", title: "PyTorch, bfloat16, channels last", precision: bfloat16s, start: withPyTorch("pytorch_test.py"), args: []string{"-precision", "bfloat16", "-channels-last"}, pytorch: true},
}

// peakRows multiply large matrices.
var peakRows = []row{
	{name: "peak", title: "Go, MatMul", precision: float32s, start: worker("peak"), args: []string{"-precision", float32s}, short: true},
	{name: "peak-bf16", title: "Go, MatMul, bfloat16", precision: bfloat16s, start: worker("peak"), args: []string{"-precision", bfloat16s}, short: true},
}

// chosen returns the rows that the settings ask for.
func (s settings) chosen(rows []row) (chosen []row) {
	for _, r := range rows {
		named := slices.Contains(s.only, r.name)
		if named || s.only == nil && (r.short || !s.short) && (s.pytorch || !r.pytorch) {
			chosen = append(chosen, r)
		}
	}
	return chosen
}

// A starter returns a program, not started yet.
type starter func(ctx context.Context, b *bench, args ...string) (*exec.Cmd, error)

// goTrain is cmd/train.
func goTrain(ctx context.Context, b *bench, args ...string) (*exec.Cmd, error) {
	return exec.CommandContext(ctx, b.train, args...), nil
}

// worker is this program again, as a worker.
func worker(kind string) starter {
	return func(ctx context.Context, _ *bench, args ...string) (*exec.Cmd, error) {
		self, err := os.Executable()
		return exec.CommandContext(ctx, self, append([]string{"-worker", kind}, args...)...), err
	}
}

func withTensorFlow(script string) starter {
	return func(ctx context.Context, b *bench, args ...string) (*exec.Cmd, error) {
		return python.Command(ctx, b.stderr, "scripts/"+script, args...)
	}
}

//go:embed pytorch.txt
var pytorch []byte

func withPyTorch(script string) starter {
	return func(ctx context.Context, b *bench, args ...string) (*exec.Cmd, error) {
		return python.Environment{Name: "PyTorch", Requirements: pytorch}.Command(ctx, b.stderr, "scripts/bench/"+script, args...)
	}
}
