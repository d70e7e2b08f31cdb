package main

import (
	"encoding/json"
	"time"

	tf "github.com/tensorflow/tensorflow/tensorflow/go"
	"github.com/tensorflow/tensorflow/tensorflow/go/op"

	"tfrunner/graph"
)

// printPeak prints how fast libtensorflow multiplies square matrices of several
// sizes. They are variables, so that no product is computed beforehand.
func printPeak(lines *json.Encoder, precision string) error {
	dtype := tf.Float
	if precision == bfloat16s {
		dtype = tf.Bfloat16
	}
	for _, n := range []int32{512, 1024, 1536, 2048, 3072} {
		s := op.NewScope()
		shape := op.Const(s.SubScope("shape"), []int32{n, n})
		var inits []*tf.Operation
		var values []tf.Output
		for _, name := range []string{"a", "b"} {
			scope := s.SubScope(name)
			v := graph.NewVariable(scope, name, op.Cast(scope, op.RandomStandardNormal(scope, shape, tf.Float), dtype))
			inits, values = append(inits, v.Init), append(values, v.Value)
		}
		product := op.MatMul(s, values[0], values[1])
		g, err := s.Finalize()
		if err != nil {
			return err
		}
		seconds, err := fastest(g, inits, product.Op)
		if err != nil {
			return err
		}
		gflops := 2 * float64(n) * float64(n) * float64(n) / seconds / 1e9
		if err := lines.Encode(map[string]any{"kind": "peak", "size": n, "gflops": gflops}); err != nil {
			return err
		}
	}
	return nil
}

// fastest returns the seconds of an op's fastest run in half a second.
func fastest(g *tf.Graph, inits []*tf.Operation, op *tf.Operation) (seconds float64, err error) {
	session, err := tf.NewSession(g, nil)
	if err != nil {
		return 0, err
	}
	defer session.Close()
	if _, err := session.Run(nil, nil, inits); err != nil {
		return 0, err
	}
	for start, n := time.Now(), 0; n < 3 || time.Since(start) < time.Second/2; n++ {
		before := time.Now()
		if _, err := session.Run(nil, nil, []*tf.Operation{op}); err != nil {
			return 0, err
		}
		if took := time.Since(before).Seconds(); n == 0 || took < seconds {
			seconds = took
		}
	}
	return seconds, nil
}

// stepFLOPs returns the floating-point operations of a training step's products
// of matrices, convolutions among them, of which nearly all its time is. Each
// layer has one forward, one for the gradient of its weights and one for that of
// its input, equally large; the first layer's input needs no gradient. A
// multiplication and an addition count as two. Pooling, dropout, ReLU and the
// optimizer are not counted.
func stepFLOPs(batch int64) (int64, error) {
	s := op.NewScope()
	m := graph.ConvNet{}.Build(s)
	if _, err := s.Finalize(); err != nil {
		return 0, err
	}
	var all, first int64
	for _, l := range graph.Layers(m.X, m.PyX) {
		if l.Op != "Conv2D" && l.Op != "MatMul" {
			continue
		}
		if first == 0 {
			first = l.FLOPs
		}
		all += l.FLOPs
	}
	return batch * (3*all - first), nil
}
