// Package graph builds the ConvNet of the MNIST tutorial of
// nlintz/TensorFlow-Tutorials, 05_convolutional_net.py, with the op builder of
// TensorFlow's Go bindings: the model, its cost, and the optimizers' updates.
//
// Its functions take an op.Scope and return tf.Outputs. An error stays in the
// scope, whose Err is to be checked once, when the graph is complete.
package graph

import (
	tf "github.com/tensorflow/tensorflow/tensorflow/go"
	"github.com/tensorflow/tensorflow/tensorflow/go/op"
)

// A ConvNet is the configuration of the tutorial's model. Fields that are zero
// take the tutorial's values.
type ConvNet struct {
	Filters [3]int64 `json:"filters"` // of the three convolutions; 32, 64, 128
	Hidden  int64    `json:"hidden"`  // units of the fully connected layer; 625
	Classes int64    `json:"classes"` // 10
	Stddev  float32  `json:"stddev"`  // of the weights' initial values; 0.01

	// Seed makes the weights and the dropouts repeat themselves. It is the
	// seed of tf.compat.v1.set_random_seed; each random op has its own second
	// seed. 0: random.
	Seed int64 `json:"seed"`

	// Fast is for a faster model of the same function, which rounds otherwise
	// and has other dropouts: buildTowers, fastModel and byteDropout say what it
	// does.
	Fast bool `json:"fast,omitempty"`
}

// WithDefaults returns c with the tutorial's values where c has none.
func (c ConvNet) WithDefaults() ConvNet {
	if c.Filters == [3]int64{} {
		c.Filters = [3]int64{32, 64, 128}
	}
	if c.Hidden == 0 {
		c.Hidden = 625
	}
	if c.Classes == 0 {
		c.Classes = 10
	}
	if c.Stddev == 0 {
		c.Stddev = 0.01
	}
	return c
}

// A Model is a ConvNet in a graph; B is the number of images in a batch.
type Model struct {
	X          tf.Output // placeholder, float32 [B, 28, 28, 1], ink is 1; by default the decoded Pixels
	Y          tf.Output // placeholder, float32 [B, Classes], one-hot; by default the decoded Labels
	Pixels     tf.Output // placeholder, uint8 [B, 28, 28, 1], ink is 255
	Labels     tf.Output // placeholder, uint8 [B]
	KeepConv   tf.Output // placeholder, float32 scalar: dropout keeps so much after a convolution
	KeepHidden tf.Output // placeholder, float32 scalar: likewise after the hidden layer

	Weights []Variable // of the WeightNames
	PyX     tf.Output  // logits, float32 [B, Classes]
	Cost    tf.Output  // float32 scalar: the mean cross-entropy
	Predict tf.Output  // int64 [B]: the likeliest class

	// TestPyX and TestPredict are PyX and Predict without dropout: the same
	// numbers as with both keeps at 1, but they draw no random numbers, so that
	// testing does not change the training that goes on after it.
	TestPyX           tf.Output
	TestPredict       tf.Output
	TestProbabilities tf.Output // float32 [B, Classes]: softmax of TestPyX

	towers []tower // one, unless the model is fast; none in an imported graph
}

// Build adds the model to the graph.
func (c ConvNet) Build(s *op.Scope) Model {
	c = c.WithDefaults()
	var m Model

	m.Pixels = placeholder(s, "pixels", tf.Uint8, imagesShape)
	m.Labels = placeholder(s, "labels", tf.Uint8, tf.MakeShape(-1))
	m.X = placeholderWithDefault(s, "X", decodePixels(s, m.Pixels), imagesShape)
	m.Y = placeholderWithDefault(s, "Y", oneHot(s, m.Labels, c.Classes), tf.MakeShape(-1, c.Classes))

	w := c.weights(s)
	m.Weights = w[:]

	m.KeepConv = placeholder(s, "p_keep_conv", tf.Float, tf.ScalarShape())
	m.KeepHidden = placeholder(s, "p_keep_hidden", tf.Float, tf.ScalarShape())
	test := s.SubScope("test")
	if c.Fast {
		m.towers = c.buildTowers(s, m.X, w, m.KeepConv, m.KeepHidden)
		m.PyX = join(s.SubScope("towers"), m.towers)
		m.TestPyX, _ = fastModel(test, m.X, w, noDropout{}, noDropout{})
	} else {
		conv, hidden := tutorialDropout{m.KeepConv, c.Seed}, tutorialDropout{m.KeepHidden, c.Seed}
		pyX, layers := model(s, m.X, w, conv, hidden)
		m.PyX, m.towers = pyX, []tower{{pyX, layers}}
		m.TestPyX, _ = model(test, m.X, w, noDropout{}, noDropout{})
	}

	loss := s.SubScope("loss")
	each, _ := op.SoftmaxCrossEntropyWithLogits(loss, m.PyX, m.Y)
	m.Cost = op.Mean(loss, each, op.Const(loss, []int32{0}))
	m.Predict = argMax(s.SubScope("predict_op"), m.PyX)

	m.TestPredict = argMax(test.SubScope("predict_op"), m.TestPyX)
	m.TestProbabilities = op.Softmax(test, m.TestPyX)
	return m
}

// weights are those of the WeightNames.
type weights [5]Variable

// weights adds the weights to the graph. c has its defaults.
func (c ConvNet) weights(s *op.Scope) weights {
	f1, f2, f3 := c.Filters[0], c.Filters[1], c.Filters[2]
	return weights{
		c.initWeights(s, "w", 1, 3, 3, 1, f1),           // 3x3x1 conv, 32 outputs
		c.initWeights(s, "w2", 2, 3, 3, f1, f2),         // 3x3x32 conv, 64 outputs
		c.initWeights(s, "w3", 3, 3, 3, f2, f3),         // 3x3x64 conv, 128 outputs
		c.initWeights(s, "w4", 4, f3*4*4, c.Hidden),     // FC 128x4x4 inputs, 625 outputs
		c.initWeights(s, "w_o", 5, c.Hidden, c.Classes), // FC 625 inputs, 10 outputs (labels)
	}
}

// A tower is the model on a part of the batch.
type tower struct {
	logits tf.Output // float32 [images, Classes]
	layers []layer   // before the last
}

// A layer is what the gradients need of one.
type layer struct {
	sum     tf.Output // the convolution or the matrix product
	toPool  tf.Output // the input of MaxPool; without an Op, the layer has none
	pooled  tf.Output // its output
	out     tf.Output // of the whole layer, after the dropout
	dropout dropout
}

// model is the tutorial's function of that name.
func model(s *op.Scope, X tf.Output, weights weights, dropConv, dropHidden dropout) (tf.Output, []layer) {
	w, w2, w3, w4, wO := weights[0], weights[1], weights[2], weights[3], weights[4]

	conv1 := s.SubScope("conv1")
	c1 := op.Conv2D(conv1, X, w.Read(conv1), strides, "SAME")
	r1 := op.Relu(conv1, c1)                        // (?, 28, 28, 32)
	p1 := op.MaxPool(conv1, r1, pool, pool, "SAME") // (?, 14, 14, 32)
	l1 := dropConv.apply(conv1, p1, 6)

	conv2 := s.SubScope("conv2")
	c2 := op.Conv2D(conv2, l1, w2.Read(conv2), strides, "SAME")
	r2 := op.Relu(conv2, c2)                        // (?, 14, 14, 64)
	p2 := op.MaxPool(conv2, r2, pool, pool, "SAME") // (?, 7, 7, 64)
	l2 := dropConv.apply(conv2, p2, 7)

	conv3 := s.SubScope("conv3")
	c3 := op.Conv2D(conv3, l2, w3.Read(conv3), strides, "SAME")
	r3 := op.Relu(conv3, c3)                                                     // (?, 7, 7, 128)
	p3 := op.MaxPool(conv3, r3, pool, pool, "SAME")                              // (?, 4, 4, 128)
	l3 := op.Reshape(conv3, p3, op.Const(conv3, []int32{-1, int32(dim(w4, 0))})) // (?, 2048)
	l3 = dropConv.apply(conv3, l3, 8)

	hidden := s.SubScope("hidden")
	c4 := op.MatMul(hidden, l3, w4.Read(hidden))
	l4 := op.Relu(hidden, c4) // (?, 625)
	l4 = dropHidden.apply(hidden, l4, 9)

	output := s.SubScope("output")
	pyX := op.MatMul(output, l4, wO.Read(output)) // (?, 10)
	return pyX, []layer{{c1, r1, p1, l1, dropConv}, {c2, r2, p2, l2, dropConv}, {c3, r3, p3, l3, dropConv}, {sum: c4, out: l4, dropout: dropHidden}}
}

// strides are those of the convolutions, pool the window of a pooling and its strides.
var strides, pool = []int64{1, 1, 1, 1}, []int64{1, 2, 2, 1}

// initWeights adds a variable of normally distributed values, built as Python's
// tf.random_normal(shape, stddev=0.01) builds them.
func (c ConvNet) initWeights(s *op.Scope, name string, opSeed int64, shape ...int64) Variable {
	s = s.SubScope(name)
	init := s.SubScope("random_normal")
	mean, stddev := op.Const(init.SubScope("mean"), float32(0)), op.Const(init.SubScope("stddev"), c.Stddev)
	seed, seed2 := seeds(c.Seed, opSeed)
	normal := op.RandomStandardNormal(init, constShape(init.SubScope("shape"), shape), tf.Float,
		op.RandomStandardNormalSeed(seed), op.RandomStandardNormalSeed2(seed2))
	return NewVariable(s, name, op.AddV2(init, op.Mul(init, normal, stddev), mean))
}

// seeds returns a random op's attributes seed and seed2, as Python sets them:
// the graph's seed and the op's own. Both are 0 for random numbers that do not
// repeat themselves.
func seeds(graphSeed, opSeed int64) (seed, seed2 int64) {
	if graphSeed == 0 {
		return 0, 0
	}
	return graphSeed, opSeed
}

// argMax returns the index of each row's largest value.
func argMax(s *op.Scope, x tf.Output) tf.Output {
	return op.ArgMax(s, x, op.Const(s.SubScope("dimension"), int32(1)))
}
