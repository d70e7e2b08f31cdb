package graph

import (
	"fmt"
	"math"

	tf "github.com/tensorflow/tensorflow/tensorflow/go"
	"github.com/tensorflow/tensorflow/tensorflow/go/op"
)

// fastModel is model with each Relu after its MaxPool, where a quarter of the
// elements is left. The larger of two numbers stays the larger one, so this
// gives the same bits.
func fastModel(s *op.Scope, X tf.Output, weights weights, dropConv, dropHidden dropout) (tf.Output, []layer) {
	w, w2, w3, w4, wO := weights[0], weights[1], weights[2], weights[3], weights[4]

	conv1 := s.SubScope("conv1")
	c1 := op.Conv2D(conv1, X, w.Read(conv1), strides, "SAME") // (?, 28, 28, 32)
	p1 := op.MaxPool(conv1, c1, pool, pool, "SAME")           // (?, 14, 14, 32)
	l1 := dropConv.apply(conv1, op.Relu(conv1, p1), 6)

	conv2 := s.SubScope("conv2")
	c2 := op.Conv2D(conv2, l1, w2.Read(conv2), strides, "SAME") // (?, 14, 14, 64)
	p2 := op.MaxPool(conv2, c2, pool, pool, "SAME")             // (?, 7, 7, 64)
	l2 := dropConv.apply(conv2, op.Relu(conv2, p2), 7)

	conv3 := s.SubScope("conv3")
	c3 := op.Conv2D(conv3, l2, w3.Read(conv3), strides, "SAME") // (?, 7, 7, 128)
	p3 := op.MaxPool(conv3, c3, pool, pool, "SAME")             // (?, 4, 4, 128)
	l3 := op.Reshape(conv3, op.Relu(conv3, p3), op.Const(conv3, []int32{-1, int32(dim(w4, 0))}))
	l3 = dropConv.apply(conv3, l3, 8) // (?, 2048)

	hidden := s.SubScope("hidden")
	c4 := op.MatMul(hidden, l3, w4.Read(hidden))
	l4 := dropHidden.apply(hidden, op.Relu(hidden, c4), 9) // (?, 625)

	output := s.SubScope("output")
	pyX := op.MatMul(output, l4, wO.Read(output)) // (?, 10)
	return pyX, []layer{{c1, c1, p1, l1, dropConv}, {c2, c2, p2, l2, dropConv}, {c3, c3, p3, l3, dropConv}, {sum: c4, out: l4, dropout: dropHidden}}
}

// Towers is the number of parts of a batch that a fast model works on side by
// side. An op that has one core to itself never waits for another core to end
// its share. A batch must have as many images.
const Towers = 2

// buildTowers adds a fastModel with byteDropouts for each part of the batch.
// What the dropouts keep is not scaled up, layer by layer: a factor passes
// through convolution, MaxPool, Relu and matrix product, so the logits take it
// all.
func (c ConvNet) buildTowers(s *op.Scope, X tf.Output, w weights, keepConv, keepHidden tf.Output) (all []tower) {
	conv, hidden := newByteDropout(s.SubScope("keep_conv"), keepConv, c.Seed), newByteDropout(s.SubScope("keep_hidden"), keepHidden, c.Seed)
	scope := s.SubScope("kept")
	kept := hidden.kept
	for range len(weights{}) - 2 {
		kept = op.Mul(scope.SubScope("product"), kept, conv.kept)
	}
	size := op.Slice(scope, op.Shape(scope, X), constShape(scope.SubScope("begin"), []int64{0}), constShape(scope.SubScope("size"), []int64{1}))
	at := func(s *op.Scope, i int) tf.Output { // where the part i begins
		n := op.Mul(s, size, op.Const(s.SubScope("part"), int32(i)))
		return op.FloorDiv(s, n, op.Const(s.SubScope("parts"), int32(Towers)))
	}
	for i := range Towers {
		s := s.SubScope(fmt.Sprintf("tower%d", i+1))
		part := op.StridedSlice(s, X, at(s.SubScope("begin"), i), at(s.SubScope("end"), i+1), constShape(s.SubScope("stride"), []int64{1}))
		conv.tower, hidden.tower = int64(i), int64(i)
		logits, layers := fastModel(s, part, w, conv, hidden)
		all = append(all, tower{op.RealDiv(s.SubScope("scale"), logits, kept), layers})
	}
	return all
}

// join adds the logits of all towers, in one.
func join(s *op.Scope, towers []tower) tf.Output {
	all := make([]tf.Output, len(towers))
	for i, t := range towers {
		all[i] = t.logits
	}
	return op.ConcatV2(s, all, op.Const(s.SubScope("axis"), int32(0)))
}

// A byteDropout keeps an element if a random byte is at least rate: four
// elements to a random uint32, of a keep probability that is a multiple of 1/256.
// It does not scale what it keeps.
type byteDropout struct {
	rate  tf.Output // uint8 scalar
	kept  tf.Output // float32 scalar: the part that this keeps
	seed  int64     // of the graph
	tower int64     // from 0 on, each of which draws other numbers
}

// newByteDropout rounds keep, a float32 scalar, to a keep probability of at
// least 1/256.
func newByteDropout(s *op.Scope, keep tf.Output, seed int64) byteDropout {
	bytes := op.Const(s.SubScope("bytes"), float32(256))
	dropped := op.Minimum(s, op.Round(s, op.Mul(s, oneMinus(s, keep), bytes)), op.Const(s.SubScope("most"), float32(255)))
	return byteDropout{
		rate: op.Cast(s, dropped, tf.Uint8),
		kept: oneMinus(s.SubScope("kept"), op.RealDiv(s, dropped, bytes)),
		seed: seed,
	}
}

// apply draws a key for each step, by an op that repeats itself like the
// tutorial's, and from the key the bytes.
func (d byteDropout) apply(s *op.Scope, x tf.Output, opSeed int64) tf.Output {
	s = s.SubScope("dropout")
	seed, seed2 := seeds(d.seed, opSeed+100*d.tower)
	drawn := op.RandomUniformInt(s, constShape(s.SubScope("seed"), []int64{2}), op.Const(s.SubScope("min"), int64(math.MinInt64)),
		op.Const(s.SubScope("max"), int64(math.MaxInt64)), op.RandomUniformIntSeed(seed), op.RandomUniformIntSeed2(seed2))
	key, counter := op.StatelessRandomGetKeyCounter(s, drawn)

	scalar, flat, start := constShape(s.SubScope("scalar"), []int64{1}), constShape(s.SubScope("flat"), []int64{-1}), constShape(s.SubScope("start"), []int64{0})
	size := op.Reshape(s.SubScope("size"), op.Size(s, x), scalar)
	four := op.Const(s.SubScope("four"), int32(4))
	words := op.FloorDiv(s, op.AddV2(s, size, op.Const(s.SubScope("three"), int32(3))), four)
	drawnWords := op.StatelessRandomUniformFullIntV2(s, words, key, counter, op.Const(s.SubScope("philox"), int32(1)),
		op.StatelessRandomUniformFullIntV2Dtype(tf.Uint32))
	bytes := op.Slice(s, op.Reshape(s.SubScope("bytes"), op.Bitcast(s, drawnWords, tf.Uint8), flat), start, size)
	kept := op.GreaterEqual(s, op.Reshape(s, bytes, op.Shape(s, x)), d.rate)
	return op.Mul(s, x, op.Cast(s, kept, tf.Float))
}

func (byteDropout) gradient(_ *op.Scope, g tf.Output) tf.Output { return g }
