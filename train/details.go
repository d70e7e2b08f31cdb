package train

import (
	tf "github.com/tensorflow/tensorflow/tensorflow/go"

	"tfrunner/graph/checkpoint"
	"tfrunner/mnist"
)

// Details are what an epoch left behind, to look into.
type Details struct {
	Weights []checkpoint.Value // after the epoch

	// Gradients are those of the epoch's last step, of the cost by the weight of
	// the same name. None: an imported graph trains itself, or the run was
	// resumed after that step.
	Gradients []checkpoint.Value

	Missed  mnist.Set // the first of the validation images that are classified wrongly, at most MaxMissed
	Classes []int64   // what they are classified as
}

// MaxMissed is how many images a Details holds at most.
const MaxMissed = 25

// details returns those of now. classes are what was found for a set.
func (t *Trainer) details(gradients []*tf.Tensor, classes []int64, set mnist.Set) (*Details, error) {
	d := new(Details)
	weights, err := t.Values(t.model.Weights)
	if err != nil {
		return nil, err
	}
	for i, v := range t.model.Weights {
		d.Weights = append(d.Weights, checkpoint.Value{Name: v.Name, Tensor: weights[i]})
		if len(gradients) > 0 {
			d.Gradients = append(d.Gradients, checkpoint.Value{Name: v.Name, Tensor: gradients[i]})
		}
	}
	for i, class := range classes {
		if class != int64(set.Labels[i]) && d.Missed.Len() < MaxMissed {
			image := set.Slice(i, i+1)
			d.Missed.Pixels = append(d.Missed.Pixels, image.Pixels...)
			d.Missed.Labels = append(d.Missed.Labels, image.Labels...)
			d.Classes = append(d.Classes, class)
		}
	}
	return d, nil
}
