package train

import (
	"bytes"
	"errors"

	tf "github.com/tensorflow/tensorflow/tensorflow/go"
	"github.com/tensorflow/tensorflow/tensorflow/go/op"

	"tfrunner/graph"
	"tfrunner/graph/checkpoint"
	"tfrunner/graph/savedmodel"
)

// Export writes the model, as it is trained now, to a new folder as a
// SavedModel without dropout. Its signatures give classes, int64 [B], and
// probabilities, float32 [B, Classes], of
//
//	serving_default: images, float32 [B, 28, 28, 1], ink is 1
//	pixels:          pixels, uint8 [B, 28, 28, 1], ink is 255
//	encoded:         image, string scalar: a PNG, JPEG or BMP file, white ink on black; B is 1
//
// The session must be open.
func (t *Trainer) Export(dir string) error {
	values, err := t.trained()
	if err != nil {
		return err
	}
	s := op.NewScope()
	m := t.config.Model.BuildInference(s, nil)
	e := savedmodel.Export{Variables: m.Weights, Signatures: map[string]savedmodel.Tensors{}}
	for _, in := range []struct {
		signature, name string
		tensor          tf.Output
	}{{"serving_default", "images", m.Images}, {"pixels", "pixels", m.Pixels}, {"encoded", "image", m.Encoded}} {
		e.Signatures[in.signature] = savedmodel.Tensors{
			Inputs:  map[string]tf.Output{in.name: in.tensor},
			Outputs: map[string]tf.Output{"classes": m.Classes, "probabilities": m.Probabilities},
		}
	}
	for i, v := range m.Weights {
		e.Values = append(e.Values, checkpoint.Value{Name: v.Name, Tensor: values[i]})
	}
	return savedmodel.Write(dir, s, e)
}

// Freeze writes the graph of the model, as it is trained now, to a file: the
// one of Export, with constants in the place of variables. Its inputs are
// images, pixels and encoded, its outputs classes/ArgMax and
// probabilities/Softmax. The session must be open.
func (t *Trainer) Freeze(file string) error {
	values, err := t.trained()
	if err != nil {
		return err
	}
	g, _, err := frozen(t.config.Model, values)
	if err != nil {
		return err
	}
	var def bytes.Buffer
	if _, err := g.WriteTo(&def); err != nil {
		return err
	}
	return WriteFile(file, def.Bytes())
}

// trained returns the values of the ConvNet's weights.
func (t *Trainer) trained() ([]*tf.Tensor, error) {
	if t.config.Graph != nil {
		return nil, errors.New("an imported graph cannot be exported: want the ConvNet")
	}
	return t.Values(t.model.Weights)
}

// frozen returns a graph of the model with constant weights.
func frozen(c graph.ConvNet, values []*tf.Tensor) (*tf.Graph, graph.Inference, error) {
	s := op.NewScope()
	m := c.BuildInference(s, values)
	g, err := finalize(s)
	return g, m, err
}
