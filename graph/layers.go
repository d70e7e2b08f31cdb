package graph

import (
	tf "github.com/tensorflow/tensorflow/tensorflow/go"
)

// A Layer is an op on the way through a model.
type Layer struct {
	Op         string   // its type
	Name       string   // its name
	Shape      tf.Shape // of its first output; -1 is any size
	Parameters int64    // elements of the variables that it reads
}

// Layers reads from the graph the ops on the way from one tensor to another,
// in order. Where several ways lead back, it is the one through the first
// input of floats; where none does, there are no layers.
func Layers(from, to tf.Output) []Layer {
	if from.Op == nil || to.Op == nil {
		return nil
	}
	way, _ := wayBack(from, to, map[string]bool{})
	return way
}

// wayBack returns the layers after from, up to and with to, and whether to
// depends on from at all. dead are the ops known not to.
func wayBack(from, to tf.Output, dead map[string]bool) (way []Layer, ok bool) {
	if to == from || to.Op.Name() == from.Op.Name() && to.Index == from.Index {
		return nil, true
	}
	name := to.Op.Name()
	if dead[name] {
		return nil, false
	}
	layer := Layer{Op: to.Op.Type(), Name: name, Shape: to.Op.Output(0).Shape()}
	found := false
	for i := range to.Op.NumInputs() {
		in := tf.Consumer{Op: to.Op, Index: i}.Producer()
		if in.Op.Type() == "ReadVariableOp" {
			layer.Parameters += elements(in.Shape())
		} else if !found && in.DataType() == tf.Float {
			way, found = wayBack(from, in, dead)
		}
	}
	if !found {
		dead[name] = true
		return nil, false
	}
	return append(way, layer), true
}

// elements returns the number of elements of a fully known shape, else 0.
func elements(shape tf.Shape) int64 {
	dims, err := shape.ToSlice()
	if err != nil {
		return 0
	}
	n := int64(1)
	for _, d := range dims {
		n *= d
	}
	return n
}
