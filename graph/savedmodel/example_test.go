package savedmodel_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	tf "github.com/tensorflow/tensorflow/tensorflow/go"

	"tfrunner/graph/savedmodel"
	"tfrunner/scripts/python"
)

func Example() {
	dir, err := python.Files(context.Background(), os.Stderr, "../../scripts/fixtures.py")
	if err != nil {
		fmt.Println(err)
		return
	}
	m, err := savedmodel.Load(filepath.Join(dir, "table", "model"), []string{"serve"}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer m.Close()
	words, err := tf.NewTensor([]string{"two", "twelve"})
	if err != nil {
		fmt.Println(err)
		return
	}
	outputs, err := m.Run("serving_default", map[string]*tf.Tensor{"word": words})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(outputs["line"].Value())
	_, err = m.Run("serving_default", map[string]*tf.Tensor{"words": words})
	fmt.Println(err)
	// Output:
	// [2 -1]
	// signature serving_default: no input "words"; there are: "word", string (-1)
}

func ExampleLoadGraph() {
	dir, err := python.Files(context.Background(), os.Stderr, "../../scripts/fixtures.py")
	if err != nil {
		fmt.Println(err)
		return
	}
	g, err := savedmodel.LoadGraph(filepath.Join(dir, "graph", "graph.pb"), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer g.Close()
	x, err := tf.NewTensor([][]float32{{0, 0, 0}})
	if err != nil {
		fmt.Println(err)
		return
	}
	outputs, err := g.Run(map[string]*tf.Tensor{"X:0": x}, []string{"y:0"}, []string{"init"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(outputs["y:0"].Value())
	// Output: [[0 0]]
}
