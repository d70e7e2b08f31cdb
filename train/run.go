package train

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"runtime/debug"
	"slices"
	"time"

	tf "github.com/tensorflow/tensorflow/tensorflow/go"

	"tfrunner/graph"
	"tfrunner/mnist"
)

// ErrInterrupted is the error of a run whose context ended.
var ErrInterrupted = errors.New("interrupted")

// Run trains on d.Train, in its order, testing on d.Validation and on a sample
// of d.Test after each epoch and on all of d.Test at the end, and hands what it
// finds to r. It opens the session if Open did not. It holds on to a copy of the
// training images, not to d.Train.
//
// When ctx ends, it returns after the current step, with an error that is
// ErrInterrupted. A loss that is not a finite number is an error too.
func (t *Trainer) Run(ctx context.Context, d mnist.Data, r Recorder) error {
	if n := d.Train.Len(); t.config.Batch > n {
		return &graph.RangeError{Setting: "batch", Value: t.config.Batch, Want: fmt.Sprintf("at most %d, the number of training images", n)}
	}
	if d.Validation.Len() == 0 || d.Test.Len() == 0 {
		return errors.New("no images to validate or to test on")
	}
	if t.session == nil {
		if err := t.Open(); err != nil {
			return err
		}
	}
	run, err := t.newRun(d, r)
	if err != nil {
		return err
	}
	d = run.data
	debug.FreeOSMemory() // of reading the images, and of these if the caller needs them no more
	if t.config.Out != "" {
		err = run.openFolder(ctx)
		if run.folder != nil {
			defer run.folder.close()
		}
		if err != nil {
			return err
		}
	}
	for run.Epoch < t.config.Epochs && !run.done {
		if err := run.trainEpoch(ctx); err != nil {
			if errors.Is(err, ErrInterrupted) {
				switch saveErr := run.save(); {
				case saveErr != nil:
					err = fmt.Errorf("%w; not saved: %w", err, saveErr)
				case run.folder != nil:
					err = fmt.Errorf("%w; -resume goes on from there", err)
				}
			}
			return err
		}
		if err := run.save(); err != nil {
			return err
		}
	}
	correct, err := t.Evaluate(ctx, d.Test)
	if err != nil {
		return err
	}
	return r.Record(Record{
		Kind: Final, Epoch: run.Epoch, Step: run.Step, StepsPerEpoch: len(run.training),
		TestAccuracy: accuracy(correct, d.Test.Len()), Correct: correct, Total: d.Test.Len(),
		Elapsed: time.Since(run.start),
	})
}

// A run is the state of Trainer.Run. The batches are the same in each epoch, so
// that their tensors are made once.
type run struct {
	*Trainer
	images               int        // in the training set
	data                 mnist.Data // without it
	training, validation []feed
	recorder             Recorder
	start                time.Time
	rate                 float32 // the learning rate of the last step
	position
	done bool

	folder *folder // nil: none
	saved  position
}

func (t *Trainer) newRun(d mnist.Data, r Recorder) (*run, error) {
	whole := d.Train.Len() / t.config.Batch * t.config.Batch
	training, err := feeds(t.model, d.Train.Slice(0, whole), t.config.Batch)
	if err != nil {
		return nil, err
	}
	for keep, value := range (feed{t.model.KeepConv: t.keepConv, t.model.KeepHidden: t.keepHidden}) {
		for _, f := range training {
			if keep.Op != nil { // an imported graph may have none
				f[keep] = value
			}
		}
	}
	validation, err := feeds(t.model, d.Validation, testBatch)
	if err != nil {
		return nil, err
	}
	settings, err := t.config.settings(d.Train.Len())
	if err != nil {
		return nil, err
	}
	var rate float32
	if lr := settings["lr"]; lr != nil { // an imported graph may train itself
		if err := json.Unmarshal(lr, &rate); err != nil {
			return nil, err
		}
	}
	images := d.Train.Len()
	d.Train = mnist.Set{}
	d.Validation.Pixels = slices.Clone(d.Validation.Pixels) // which may be in one array with the training images
	return &run{Trainer: t, rate: rate, images: images, data: d, training: training, validation: validation, recorder: r, start: time.Now()}, nil
}

// trainEpoch trains for the rest of an epoch, or for what Steps leaves of it: an
// epoch that is cut short is not counted and not tested.
func (r *run) trainEpoch(ctx context.Context) error {
	start, first := time.Now(), r.Step
	var session, recording time.Duration
	var gradients []*tf.Tensor
	for _, f := range r.training[r.Step-r.Epoch*len(r.training):] {
		if ctx.Err() != nil {
			return fmt.Errorf("%w in epoch %d after %d steps, %.1f s", ErrInterrupted, r.Epoch, r.Step, time.Since(r.start).Seconds())
		}
		before := time.Now()
		var fetches []tf.Output
		if r.config.Details && (r.Step+1)%len(r.training) == 0 {
			fetches = r.Trainer.training.Gradients
		}
		loss, fetched, err := r.trainStep(f, fetches)
		stepped := time.Now()
		session += stepped.Sub(before)
		if err != nil {
			return fmt.Errorf("step %d: %w", r.Step+1, err)
		}
		gradients = fetched
		r.Step++
		r.Loss += float64(loss)
		r.Tested = false
		r.done = r.Step == r.config.Steps
		if err := r.recorder.Record(Record{
			Kind: Step, Epoch: r.Epoch, Step: r.Step, StepsPerEpoch: len(r.training),
			Loss: loss, LearningRate: r.rate, Images: r.config.Batch, Scheduled: r.config.Schedule != nil,
		}); err != nil {
			return err
		}
		recording += time.Since(stepped)
		if r.done && r.Step%len(r.training) != 0 {
			return nil
		}
	}
	trained := time.Since(start)

	classes, err := r.classes(ctx, r.validation)
	if err != nil {
		return err
	}
	sample, err := r.sample(ctx, r.data.Test)
	if err != nil {
		return err
	}
	var details *Details
	if r.config.Details {
		if details, err = r.details(gradients, classes, r.data.Validation); err != nil {
			return err
		}
	}
	epoch, loss := r.Epoch, r.Loss/float64(len(r.training))
	r.Epoch, r.Loss = r.Epoch+1, 0
	r.Tested, r.Validation = true, accuracy(right(classes, r.data.Validation), r.data.Validation.Len())
	r.done = r.done || r.reached()
	return r.recorder.Record(Record{
		Kind: Epoch, Epoch: epoch, Step: r.Step, StepsPerEpoch: len(r.training),
		Loss: float32(loss), LearningRate: r.rate,
		ImagesPerSecond:    float64((r.Step-first)*r.config.Batch) / trained.Seconds(),
		ValidationAccuracy: r.Validation, SampleAccuracy: sample,
		Details: details,
		Elapsed: time.Since(start),
		Session: session, Feeding: trained - session - recording,
		Evaluating: time.Since(start) - trained, Recording: recording,
	})
}

// reached tells whether the run has reached an end that its settings name.
func (r *run) reached() bool {
	return r.config.Steps > 0 && r.Step >= r.config.Steps ||
		r.config.Target > 0 && r.Tested && r.Validation >= r.config.Target
}

// trainStep trains on one batch, sets r.rate, and returns the loss before the
// update and the values of other tensors in the same step.
func (r *run) trainStep(f feed, others []tf.Output) (loss float32, values []*tf.Tensor, err error) {
	training := r.Trainer.training
	fetches := append([]tf.Output{r.model.Cost}, others...)
	if r.config.Schedule != nil {
		if f[training.GlobalStep], err = tf.NewTensor(int64(r.Step)); err != nil {
			return 0, nil, err
		}
		fetches = append(fetches, training.LearningRate)
	}
	out, err := r.session.Run(f, fetches, []*tf.Operation{training.Op})
	if err != nil {
		return 0, nil, err
	}
	loss = out[0].Value().(float32)
	if math.IsNaN(float64(loss)) || math.IsInf(float64(loss), 0) {
		return 0, nil, fmt.Errorf("the loss is %v: the training diverged; a smaller learning rate may help", loss)
	}
	if r.config.Schedule != nil {
		if r.rate = out[len(out)-1].Value().(float32); math.IsInf(float64(r.rate), 0) {
			return 0, nil, fmt.Errorf("the schedule has the learning rate at %v", r.rate)
		}
	}
	return loss, out[1 : 1+len(others)], nil
}

func accuracy(correct, total int) float64 { return float64(correct) / float64(total) }
