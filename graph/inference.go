package graph

import (
	"fmt"

	tf "github.com/tensorflow/tensorflow/tensorflow/go"
	"github.com/tensorflow/tensorflow/tensorflow/go/op"
)

// An Inference is a model without what only training needs. Its three inputs
// are one chain: whichever is fed, the images come from it.
type Inference struct {
	Encoded tf.Output // placeholder, string scalar: a PNG, JPEG or BMP file, white ink on black, of any size
	Pixels  tf.Output // placeholder, uint8 [B, 28, 28, 1], ink is 255; by default the decoded Encoded
	Images  tf.Output // placeholder, float32 [B, 28, 28, 1], ink is 1; by default the decoded Pixels

	Weights       []Variable // of the WeightNames
	Classes       tf.Output  // int64 [B]: the likeliest class
	Probabilities tf.Output  // float32 [B, Classes]
}

// WeightNames are the names of a ConvNet's weights.
var WeightNames = [len(weights{})]string{"w", "w2", "w3", "w4", "w_o"}

// BuildInference adds the model for inference to the graph. values are those
// of the weights, which are constants then; without any, they are variables.
func (c ConvNet) BuildInference(s *op.Scope, values []*tf.Tensor) Inference {
	c = c.WithDefaults()
	var m Inference
	m.Encoded = placeholder(s, "encoded", tf.String, tf.ScalarShape())
	m.Pixels = placeholderWithDefault(s, "pixels", decodeImage(s, m.Encoded), imagesShape)
	m.Images = placeholderWithDefault(s, "images", decodePixels(s, m.Pixels), imagesShape)

	var w weights
	switch len(values) {
	case 0:
		w = c.weights(s)
	case len(w):
		for i, name := range WeightNames {
			w[i] = NewConstant(s.SubScope(name), name, values[i])
		}
	default:
		s.UpdateErr("BuildInference", fmt.Errorf("%d weights, want %d", len(values), len(w)))
		return m
	}
	m.Weights = w[:]
	logits, _ := fastModel(s, m.Images, w, noDropout{}, noDropout{})
	m.Classes = argMax(s.SubScope("classes"), logits)
	m.Probabilities = op.Softmax(s.SubScope("probabilities"), logits)
	return m
}
