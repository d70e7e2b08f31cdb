package train

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	tf "github.com/tensorflow/tensorflow/tensorflow/go"
	"golang.org/x/sync/errgroup"

	"tfrunner/graph"
	"tfrunner/mnist"
)

// sampleSize is how many random test images the tutorial tests on after an epoch.
const sampleSize = 256

// testBatch is the number of images that a test runs at once.
const testBatch = 250

// A feed is what a Run of the session is fed with.
type feed = map[tf.Output]*tf.Tensor

// feeds returns one feed for each batch of n images of a set, the last one
// perhaps smaller. They hold bytes, which the graph decodes: a quarter of the
// floats' memory, and copied as they are.
func feeds(m graph.Model, set mnist.Set, n int) ([]feed, error) {
	var all []feed
	for batch := range set.Batches(n) {
		size := int64(batch.Len())
		pixels, err := tf.ReadTensor(tf.Uint8, []int64{size, mnist.Rows, mnist.Cols, 1}, bytes.NewReader(batch.Pixels))
		if err != nil {
			return nil, err
		}
		labels, err := tf.ReadTensor(tf.Uint8, []int64{size}, bytes.NewReader(batch.Labels))
		if err != nil {
			return nil, err
		}
		all = append(all, feed{m.Pixels: pixels, m.Labels: labels})
	}
	return all, nil
}

// Evaluate returns how many images of a set, of all its images, the model
// classifies correctly. The session must be open.
func (t *Trainer) Evaluate(ctx context.Context, set mnist.Set) (correct int, err error) {
	batches, err := feeds(t.model, set, testBatch)
	if err != nil {
		return 0, err
	}
	return t.count(ctx, batches, set)
}

// Classes returns the class that the model finds likeliest for each image of a
// set. The session must be open.
func (t *Trainer) Classes(ctx context.Context, set mnist.Set) ([]int64, error) {
	batches, err := feeds(t.model, set, testBatch)
	if err != nil {
		return nil, err
	}
	return t.classes(ctx, batches)
}

// Probabilities returns how likely the model finds each class, float32
// [n, Classes], for each of the images of a set. The session must be open.
func (t *Trainer) Probabilities(set mnist.Set) (*tf.Tensor, error) {
	if t.model.TestProbabilities.Op == nil {
		return nil, errors.New("the imported graph has no probabilities")
	}
	out, err := t.Fetch(set, t.model.TestProbabilities)
	if err != nil {
		return nil, fmt.Errorf("testing: %w", err)
	}
	return out[0], nil
}

// count is Evaluate for a set whose feeds are made.
func (t *Trainer) count(ctx context.Context, batches []feed, set mnist.Set) (correct int, err error) {
	classes, err := t.classes(ctx, batches)
	return right(classes, set), err
}

// right returns how many of a set's images have the class that was found.
func right(classes []int64, set mnist.Set) (n int) {
	for i, class := range classes {
		if class == int64(set.Labels[i]) {
			n++
		}
	}
	return n
}

// classes runs as many batches at a time as ops.
func (t *Trainer) classes(ctx context.Context, batches []feed) ([]int64, error) {
	found := make([][]int64, len(batches))
	err := concurrently(max(1, t.config.compute().InterOp), len(batches), func(i int) error {
		if ctx.Err() != nil {
			return fmt.Errorf("%w while testing", ErrInterrupted)
		}
		out, err := t.session.Run(batches[i], []tf.Output{t.model.TestPredict}, nil)
		if err != nil {
			return fmt.Errorf("testing: %w", err)
		}
		found[i] = out[0].Value().([]int64)
		return nil
	})
	return slices.Concat(found...), err
}

// concurrently calls f with the numbers below n, limit of them at a time, and
// returns the first error.
func concurrently(limit, n int, f func(i int) error) error {
	var group errgroup.Group
	group.SetLimit(limit)
	for i := range n {
		group.Go(func() error { return f(i) })
	}
	return group.Wait()
}

// sample returns the accuracy on random images of the test set, the figure
// that the tutorial prints after each epoch.
func (t *Trainer) sample(ctx context.Context, test mnist.Set) (float64, error) {
	drawn, err := t.draw(test)
	if err != nil {
		return 0, err
	}
	correct, err := t.Evaluate(ctx, drawn)
	return accuracy(correct, drawn.Len()), err
}

// draw returns random images of the test set.
func (t *Trainer) draw(test mnist.Set) (drawn mnist.Set, err error) {
	size, err := tf.NewTensor(int32(test.Len()))
	if err != nil {
		return drawn, err
	}
	out, err := t.session.Run(feed{t.testSize: size}, []tf.Output{t.shuffled}, nil)
	if err != nil {
		return drawn, fmt.Errorf("drawing test images: %w", err)
	}
	order := out[0].Value().([]int32)
	for _, i := range order[:min(sampleSize, len(order))] {
		image := test.Slice(int(i), int(i)+1)
		drawn.Pixels = append(drawn.Pixels, image.Pixels...)
		drawn.Labels = append(drawn.Labels, image.Labels...)
	}
	return drawn, nil
}
