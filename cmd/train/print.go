package main

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"path"
	"reflect"
	"strconv"
	"strings"

	tf "github.com/tensorflow/tensorflow/tensorflow/go"
	typespb "github.com/tensorflow/tensorflow/tensorflow/go/core/framework/types_go_proto"

	"tfrunner/graph/savedmodel/tensors"
	"tfrunner/mnist"
	"tfrunner/train"
)

// printTensor prints the value that a tensor, named as op or op:output, has for
// an image.
func printTensor(w io.Writer, t *train.Trainer, name string, image mnist.Set) error {
	op, output, _ := strings.Cut(name, ":")
	o := t.Graph().Operation(op)
	if o == nil {
		var there []string
		for _, o := range t.Graph().Operations() {
			if strings.Contains(o.Name(), path.Base(op)) && o.NumOutputs() > 0 {
				there = append(there, o.Name())
			}
		}
		return fmt.Errorf("-print %s: no such op in the graph; those of a like name: %s; -shapes lists the layers", name, strings.Join(there, ", "))
	}
	n, err := strconv.Atoi(cmp.Or(output, "0"))
	if err != nil || n < 0 || n >= o.NumOutputs() {
		return fmt.Errorf("-print %s: %s has %d outputs, from 0 on", name, op, o.NumOutputs())
	}
	if o.Output(n).DataType() == tf.DataType(typespb.DataType_DT_RESOURCE) {
		return fmt.Errorf("-print %s: a variable's handle has no value to print; its ReadVariableOp has", name)
	}
	values, err := t.Fetch(image, o.Output(n))
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "%s: %s\n", name, tensors.Describe(values[0]))
	if s, ok := summarize(values[0]); ok {
		fmt.Fprintf(w, "min %g, mean %g, max %g\n", s.min, s.sum/float64(s.n), s.max)
	}
	return tensors.Print(w, values[0])
}

// A summary is of a tensor's elements.
type summary struct {
	n             int
	min, max, sum float64
}

// summarize returns the summary of a tensor that has elements, and of numbers.
func summarize(t *tf.Tensor) (summary, bool) {
	s := summary{min: math.Inf(1), max: math.Inf(-1)}
	var add func(v reflect.Value)
	add = func(v reflect.Value) {
		var x float64
		switch {
		case v.Kind() == reflect.Slice:
			for i := range v.Len() {
				add(v.Index(i))
			}
			return
		case v.CanFloat():
			x = v.Float()
		case v.CanInt():
			x = float64(v.Int())
		case v.CanUint():
			x = float64(v.Uint())
		default:
			return
		}
		s.n++
		s.sum += x
		s.min, s.max = min(s.min, x), max(s.max, x)
	}
	add(reflect.ValueOf(t.Value()))
	return s, s.n > 0
}
