package graph

import (
	tf "github.com/tensorflow/tensorflow/tensorflow/go"
	"github.com/tensorflow/tensorflow/tensorflow/go/op"
)

// placeholder adds a placeholder whose name is just name, as users feed it.
func placeholder(s *op.Scope, name string, dtype tf.DataType, shape tf.Shape) tf.Output {
	return s.AddOperation(tf.OpSpec{
		Type:  "Placeholder",
		Name:  name,
		Attrs: map[string]any{"dtype": dtype, "shape": shape},
	}).Output(0)
}

// placeholderWithDefault adds a placeholder that has the value of input if it
// is not fed.
func placeholderWithDefault(s *op.Scope, name string, input tf.Output, shape tf.Shape) tf.Output {
	if s.Err() != nil {
		return tf.Output{}
	}
	return s.AddOperation(tf.OpSpec{
		Type:  "PlaceholderWithDefault",
		Name:  name,
		Input: []tf.Input{input},
		Attrs: map[string]any{"shape": shape},
	}).Output(0)
}

// imagesShape is that of a batch of images.
var imagesShape = tf.MakeShape(-1, 28, 28, 1)

// decodeImage turns the bytes of an image file into pixels, uint8
// [1, 28, 28, 1]. An image of another size is resized by averaging areas, which
// leaves one of this size as it is.
func decodeImage(s *op.Scope, encoded tf.Output) tf.Output {
	s = s.SubScope("decode_image")
	image := op.DecodeImage(s, encoded, op.DecodeImageChannels(1), op.DecodeImageExpandAnimations(false))
	batch := op.ExpandDims(s, image, op.Const(s.SubScope("axis"), int32(0)))
	resized := op.ResizeArea(s, batch, op.Const(s.SubScope("size"), []int32{28, 28}))
	return op.Cast(s, op.Round(s, resized), tf.Uint8)
}

// decodePixels scales bytes to float32 between 0 and 1, by a multiplication:
// the tutorial's loader does so, and a division rounds differently.
func decodePixels(s *op.Scope, pixels tf.Output) tf.Output {
	s = s.SubScope("decode")
	return op.Mul(s, op.Cast(s, pixels, tf.Float), op.Const(s, float32(1)/255))
}

// oneHot turns labels into float32 rows of zeros with a one at the label.
func oneHot(s *op.Scope, labels tf.Output, classes int64) tf.Output {
	s = s.SubScope("one_hot")
	return op.OneHot(s, labels, op.Const(s.SubScope("depth"), int32(classes)),
		op.Const(s.SubScope("on"), float32(1)), op.Const(s.SubScope("off"), float32(0)))
}

// Shuffled returns the numbers from 0 to n-1, n an int32 scalar, in a random
// order that a seed, as ConvNet's, makes repeat itself.
func Shuffled(s *op.Scope, n tf.Output, seed int64) tf.Output {
	s = s.SubScope("shuffled")
	seed, seed2 := seeds(seed, 10)
	numbers := op.Range(s, op.Const(s.SubScope("start"), int32(0)), n, op.Const(s.SubScope("delta"), int32(1)))
	return op.RandomShuffle(s, numbers, op.RandomShuffleSeed(seed), op.RandomShuffleSeed2(seed2))
}

// constShape adds a shape as an int32 constant.
func constShape(s *op.Scope, shape []int64) tf.Output {
	dims := make([]int32, len(shape))
	for i, d := range shape {
		dims[i] = int32(d)
	}
	return op.Const(s, dims)
}

// constTensor adds a float32 constant of a shape.
func constTensor(s *op.Scope, values []float32, shape []int64) tf.Output {
	t, err := tf.NewTensor(values)
	if err == nil {
		err = t.Reshape(shape)
	}
	if err != nil {
		s.UpdateErr("Const", err)
		return tf.Output{}
	}
	return op.Const(s, t)
}
