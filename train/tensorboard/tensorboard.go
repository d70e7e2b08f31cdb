// Package tensorboard writes the records of a training run for TensorBoard,
// with TensorFlow's own summary ops.
//
// The scalars of each step are train/loss and train/learning_rate; of each
// epoch train/epoch_loss, train/images_per_second, validation/accuracy and
// test/sample_accuracy; of the run's end test/accuracy. An epoch with
// train.Details adds the histograms weights/NAME and gradients/NAME, and the
// images filters/NAME, of a first layer that sees gray images, and
// validation/misclassified.
package tensorboard

import (
	"bytes"
	"fmt"
	"image"
	"strings"
	"time"

	tf "github.com/tensorflow/tensorflow/tensorflow/go"
	eventpb "github.com/tensorflow/tensorflow/tensorflow/go/core/util/event_go_proto"
	"google.golang.org/protobuf/proto"

	"tfrunner/graph/checkpoint"
	"tfrunner/train"
)

// A Writer is a train.Recorder that writes an event file.
type Writer struct {
	graph   *tf.Graph // to show; nil: none
	ops     *ops
	session *tf.Session
	opened  bool
}

// New returns a Writer of a new event file in a folder, which the first record
// makes if it is not there. The file shows a graph too, unless that is nil.
// Records are on the disk within five seconds, as long as others come, and at
// each epoch's end.
func New(dir string, graph *tf.Graph) (*Writer, error) {
	g, o, err := newOps(dir)
	if err != nil {
		return nil, err
	}
	options, err := train.Compute{Device: "cpu"}.Options()
	if err != nil {
		return nil, err
	}
	session, err := tf.NewSession(g, options)
	if err != nil {
		return nil, fmt.Errorf("opening a session: %w", err)
	}
	return &Writer{graph: graph, ops: o, session: session}, nil
}

// Record implements train.Recorder.
func (w *Writer) Record(r train.Record) error {
	if !w.opened {
		if err := w.open(r); err != nil {
			return err
		}
	}
	step := int64(r.Step)
	if all, ok := scalars[r.Kind]; ok {
		values := make([]float32, len(all))
		for i, s := range all {
			values[i] = s.value(r)
		}
		if err := w.run(w.ops.scalars[r.Kind], step, values); err != nil {
			return err
		}
	}
	if d := r.Details; d != nil {
		if err := w.details(step, d); err != nil {
			return err
		}
	}
	if r.Kind == train.Step {
		return nil
	}
	return w.flush()
}

// Close writes what is not yet on the disk and closes the file.
func (w *Writer) Close() error {
	defer w.session.Close()
	if !w.opened {
		return nil
	}
	return w.flush()
}

// open begins the event file. Where the folder has others, TensorBoard then
// drops the steps in them that are trained anew.
func (w *Writer) open(first train.Record) error {
	if err := w.run(w.ops.create, 0); err != nil {
		return err
	}
	w.opened = true
	step := int64(first.Step)
	if first.Kind == train.Resume {
		step++ // the next one
	}
	start, err := proto.Marshal(&eventpb.Event{
		WallTime: float64(time.Now().UnixMicro()) / 1e6,
		Step:     step,
		What:     &eventpb.Event_SessionLog{SessionLog: &eventpb.SessionLog{Status: eventpb.SessionLog_START}},
	})
	if err != nil {
		return err
	}
	if err := w.run(w.ops.event, step, string(start)); err != nil || w.graph == nil {
		return err
	}
	var def bytes.Buffer
	if _, err := w.graph.WriteTo(&def); err != nil {
		return err
	}
	return w.run(w.ops.graph, step, def.String())
}

func (w *Writer) details(step int64, d *train.Details) error {
	for _, group := range []struct {
		name   string
		values []checkpoint.Value
	}{{"weights", d.Weights}, {"gradients", d.Gradients}} {
		for _, v := range group.values {
			if err := w.run(w.ops.histogram, step, v.Tensor, group.name+"/"+v.Name); err != nil {
				return err
			}
		}
	}
	if len(d.Weights) > 0 {
		if first := d.Weights[0]; isFilters(first.Tensor) {
			if err := w.image(step, filters(first.Tensor), "filters/"+first.Name); err != nil {
				return err
			}
		}
	}
	if d.Missed.Len() == 0 {
		return nil
	}
	return w.image(step, digits(d), "validation/misclassified")
}

func (w *Writer) image(step int64, g *image.Gray, tag string) error {
	pixels, err := tf.ReadTensor(tf.Uint8, []int64{1, int64(g.Rect.Dy()), int64(g.Rect.Dx()), 1}, bytes.NewReader(g.Pix))
	if err != nil {
		return err
	}
	return w.run(w.ops.image, step, pixels, tag)
}

func (w *Writer) flush() error { return w.run(w.ops.flush, 0) }

// run runs an op that takes a step and inputs, as far as it takes them.
func (w *Writer) run(o operation, step int64, inputs ...any) error {
	feeds := map[tf.Output]*tf.Tensor{}
	for i, value := range append([]any{step}, inputs...) {
		t, ok := value.(*tf.Tensor)
		if !ok {
			var err error
			if t, err = tf.NewTensor(value); err != nil {
				return err
			}
		}
		feeds[o.inputs[i]] = t
	}
	if _, err := w.session.Run(feeds, nil, o.targets); err != nil {
		line, _, _ := strings.Cut(err.Error(), "\n") // TensorFlow says where in the graph
		return fmt.Errorf("writing events: %s", line)
	}
	return nil
}
