package plots

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"tfrunner/mnist"
	"tfrunner/train"
)

// A confusion counts images by the digit that they show and the one that the
// model predicts.
type confusion [mnist.Classes][mnist.Classes]int

// A score is what the model makes of one digit; NaN where it has no image of
// it, or predicts it for none.
type score struct {
	Digit     int
	Images    int     // that show it
	Precision float64 // how many of those predicted to be it are
	Recall    float64 // how many of those that are it were predicted to be
}

// scores returns those of each digit.
func (m confusion) scores() (all [mnist.Classes]score) {
	for d := range all {
		var shown, predicted int
		for i := range m {
			shown += m[d][i]
			predicted += m[i][d]
		}
		right := float64(m[d][d])
		all[d] = score{d, shown, right / float64(predicted), right / float64(shown)}
	}
	return all
}

// correct returns how many images are classified correctly, and of how many.
func (m confusion) correct() (right, total int) {
	for d, row := range m {
		right += row[d]
		for _, n := range row {
			total += n
		}
	}
	return right, total
}

// A mistake is an image whose digit the model does not see.
type mistake struct {
	image, label, predicted int
	confidence              float32 // the prediction's probability
}

// results are what a model made of images.
type results struct {
	matrix   confusion
	mistakes []mistake // the most confident first
}

// predict classifies the images of a set.
func predict(ctx context.Context, t *train.Trainer, set mnist.Set) (r results, err error) {
	image := 0
	for batch := range set.Batches(500) {
		if ctx.Err() != nil {
			return r, fmt.Errorf("%w while testing", train.ErrInterrupted)
		}
		out, err := t.Probabilities(batch)
		if err != nil {
			return r, err
		}
		if n := out.Shape()[1]; n != mnist.Classes {
			return r, fmt.Errorf("the model has %d classes: want %d", n, mnist.Classes)
		}
		for i, row := range out.Value().([][]float32) {
			r.add(image, int(batch.Labels[i]), row)
			image++
		}
	}
	slices.SortStableFunc(r.mistakes, func(a, b mistake) int {
		return cmp.Compare(b.confidence, a.confidence)
	})
	return r, nil
}

// add counts an image. Of equally likely classes the first is the prediction.
func (r *results) add(image, label int, probabilities []float32) {
	predicted := slices.Index(probabilities, slices.Max(probabilities))
	r.matrix[label][predicted]++
	if predicted != label {
		r.mistakes = append(r.mistakes, mistake{image, label, predicted, probabilities[predicted]})
	}
}
