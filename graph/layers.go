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

	// Of one image, if only the number of images is not known; else 0.
	Bytes int64 // of its first output
	FLOPs int64 // floating-point operations, a multiplication and an addition counting as two
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
	layer.measure(to.Op)
	return append(way, layer), true
}

// measure sets the layer's Bytes and FLOPs.
func (l *Layer) measure(o *tf.Operation) {
	n := perImage(l.Shape)
	if o.Output(0).DataType() == tf.Float {
		l.Bytes = 4 * n
	}
	switch l.Op {
	case "Conv2D": // each filter is as large as all filters over the output's channels
		filter := tf.Consumer{Op: o, Index: 1}.Producer().Shape()
		l.FLOPs = 2 * n * elements(filter) / max(1, last(filter))
	case "MatMul":
		l.FLOPs = 2 * n * max(0, last(tf.Consumer{Op: o, Index: 0}.Producer().Shape()))
	case "MaxPool":
		l.FLOPs = n
		if size, err := o.Attr("ksize"); err == nil {
			for _, k := range size.([]int64) {
				l.FLOPs *= k
			}
		}
	case "Reshape", "Identity":
	default:
		l.FLOPs = n
	}
}

// perImage returns the number of elements of a batch's shape for one image.
func perImage(shape tf.Shape) int64 {
	dims, err := shape.ToSlice()
	if err != nil || len(dims) == 0 {
		return 0
	}
	return elements(tf.MakeShape(dims[1:]...))
}

// last returns the size of a shape's last dimension.
func last(shape tf.Shape) int64 { return shape.Size(shape.NumDimensions() - 1) }

// elements returns the number of elements of a fully known shape, else 0.
func elements(shape tf.Shape) int64 {
	dims, err := shape.ToSlice()
	if err != nil {
		return 0
	}
	n := int64(1)
	for _, d := range dims {
		n *= max(0, d)
	}
	return n
}
