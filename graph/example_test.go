package graph_test

import (
	"bytes"
	"fmt"

	tf "github.com/tensorflow/tensorflow/tensorflow/go"
	"github.com/tensorflow/tensorflow/tensorflow/go/op"

	"tfrunner/graph"
)

func ExampleConvNet() {
	s := op.NewScope()
	m := graph.ConvNet{Hidden: 100}.Build(s)
	training := m.Minimize(s, graph.RMSProp{LearningRate: 0.001, Decay: 0.9, Epsilon: 1e-10}, nil)
	if _, err := s.Finalize(); err != nil {
		fmt.Println(err)
	}
	for i, w := range m.Weights {
		fmt.Println(w.Name, w.Value.Shape(), training.Slots[2*i].Name)
	}
	// Output:
	// w [3, 3, 1, 32] w/RMSProp
	// w2 [3, 3, 32, 64] w2/RMSProp
	// w3 [3, 3, 64, 128] w3/RMSProp
	// w4 [2048, 100] w4/RMSProp
	// w_o [100, 10] w_o/RMSProp
}

func ExampleCosineDecay() {
	s := op.NewScope()
	step := op.Placeholder(s, tf.Int64)
	rate := graph.CosineDecay{Steps: 1000, Alpha: 0.1}.Rate(s, 0.01, step)
	g, err := s.Finalize()
	if err != nil {
		fmt.Println(err)
		return
	}
	session, err := tf.NewSession(g, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer session.Close()
	for _, n := range []int64{0, 500, 1000, 2000} {
		number, err := tf.NewTensor(n)
		if err != nil {
			fmt.Println(err)
			return
		}
		rates, err := session.Run(map[tf.Output]*tf.Tensor{step: number}, []tf.Output{rate}, nil)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%d %.4f\n", n, rates[0].Value())
	}
	// Output:
	// 0 0.0100
	// 500 0.0055
	// 1000 0.0010
	// 2000 0.0010
}

func ExampleLayers() {
	m := graph.ConvNet{}.Build(op.NewScope())
	for _, l := range graph.Layers(m.X, m.TestPyX) {
		if l.Parameters > 0 {
			fmt.Println(l.Op, l.Shape, l.Parameters)
		}
	}
	// Output:
	// Conv2D [?, 28, 28, 32] 288
	// Conv2D [?, 14, 14, 64] 18432
	// Conv2D [?, 7, 7, 128] 73728
	// MatMul [?, 625] 1280000
	// MatMul [?, 10] 6250
}

func ExampleImport() {
	// A graph without a training step, as Python could have written it.
	s := op.NewScope()
	graph.ConvNet{Hidden: 100}.Build(s)
	g, err := s.Finalize()
	if err != nil {
		fmt.Println(err)
		return
	}
	var def bytes.Buffer
	if _, err := g.WriteTo(&def); err != nil {
		fmt.Println(err)
		return
	}
	names, err := graph.ParseNames("images=X:0,labels=Y:0,loss=loss/Mean:0,predictions=predict_op/ArgMax:0,keep_conv=p_keep_conv:0,keep_hidden=p_keep_hidden:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	i, err := graph.Import(def.Bytes(), names, graph.RMSProp{LearningRate: 0.001, Decay: 0.9, Epsilon: 1e-10}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for n, w := range i.Model.Weights {
		fmt.Println(w.Name, w.Value.Shape(), i.Training.Slots[2*n].Name)
	}
	// Output:
	// w [3, 3, 1, 32] w/RMSProp
	// w2 [3, 3, 32, 64] w2/RMSProp
	// w3 [3, 3, 64, 128] w3/RMSProp
	// w4 [2048, 100] w4/RMSProp
	// w_o [100, 10] w_o/RMSProp
}
