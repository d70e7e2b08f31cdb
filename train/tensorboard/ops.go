package tensorboard

import (
	tf "github.com/tensorflow/tensorflow/tensorflow/go"
	"github.com/tensorflow/tensorflow/tensorflow/go/op"

	"tfrunner/train"
)

// A scalar is a curve in TensorBoard.
type scalar struct {
	tag   string
	value func(train.Record) float32
}

// scalars are those of each kind of record.
var scalars = map[train.Kind][]scalar{
	train.Step: {
		{"train/loss", func(r train.Record) float32 { return r.Loss }},
		{"train/learning_rate", func(r train.Record) float32 { return r.LearningRate }},
	},
	train.Epoch: {
		{"train/epoch_loss", func(r train.Record) float32 { return r.Loss }},
		{"train/images_per_second", func(r train.Record) float32 { return float32(r.ImagesPerSecond) }},
		{"validation/accuracy", func(r train.Record) float32 { return float32(r.ValidationAccuracy) }},
		{"test/sample_accuracy", func(r train.Record) float32 { return float32(r.SampleAccuracy) }},
	},
	train.Final: {
		{"test/accuracy", func(r train.Record) float32 { return float32(r.TestAccuracy) }},
	},
}

// An operation is what one Run runs.
type operation struct {
	inputs  []tf.Output // placeholders: the step, int64, first
	targets []*tf.Operation
}

// ops are the operations on an event file. Beside the step they take:
type ops struct {
	create, flush operation                // nothing
	event         operation                // a serialized Event, with a step of its own
	graph         operation                // a serialized GraphDef
	scalars       map[train.Kind]operation // float32 [n]: the values of the kind's scalars
	histogram     operation                // float32 of any shape, and the tag
	image         operation                // uint8 [1, H, W, 1], and the tag
}

// How many events wait at most, and how long, before they are on the disk.
const (
	maxQueue    = 10000
	flushMillis = 5000
)

// newOps returns the graph of the ops that write an event file in dir. Four
// ops have no wrapper in package op.
func newOps(dir string) (*tf.Graph, *ops, error) {
	s := op.NewScope()
	writer := s.AddOperation(tf.OpSpec{Type: "SummaryWriter"}).Output(0)
	input := func(s *op.Scope, dtype tf.DataType, shape tf.Shape) tf.Output {
		return op.Placeholder(s, dtype, op.PlaceholderShape(shape))
	}
	text := func(name string) tf.Output { return input(s.SubScope(name), tf.String, tf.ScalarShape()) }
	step := input(s.SubScope("step"), tf.Int64, tf.ScalarShape())
	one := func(target *tf.Operation, inputs ...tf.Output) operation {
		return operation{append([]tf.Output{step}, inputs...), []*tf.Operation{target}}
	}

	o := ops{scalars: map[train.Kind]operation{}}
	settings := s.SubScope("settings")
	o.create = one(s.AddOperation(tf.OpSpec{Type: "CreateSummaryFileWriter", Input: []tf.Input{
		writer,
		op.Const(settings.SubScope("dir"), dir),
		op.Const(settings.SubScope("max_queue"), int32(maxQueue)),
		op.Const(settings.SubScope("flush_millis"), int32(flushMillis)),
		op.Const(settings.SubScope("suffix"), ""),
	}}))
	o.flush = one(s.AddOperation(tf.OpSpec{Type: "FlushSummaryWriter", Input: []tf.Input{writer}}))

	event, graph, tag := text("event"), text("graph"), text("tag")
	o.event = one(s.AddOperation(tf.OpSpec{Type: "ImportEvent", Input: []tf.Input{writer, event}}), event)
	o.graph = one(op.WriteGraphSummary(s, writer, step, graph), graph)

	for kind, all := range scalars {
		s := s.SubScope(string(kind))
		values := input(s, tf.Float, tf.MakeShape(int64(len(all))))
		each := op.Unpack(s, values, int64(len(all)))
		write := operation{inputs: []tf.Output{step, values}}
		for i, scalar := range all {
			s := s.SubScope(scalar.tag)
			write.targets = append(write.targets, op.WriteScalarSummary(s, writer, step, op.Const(s, scalar.tag), each[i]))
		}
		o.scalars[kind] = write
	}

	numbers := input(s.SubScope("numbers"), tf.Float, tf.Shape{})
	o.histogram = one(op.WriteHistogramSummary(s, writer, step, tag, numbers), numbers, tag)
	pixels := input(s.SubScope("pixels"), tf.Uint8, tf.MakeShape(1, -1, -1, 1))
	bad := op.Const(s.SubScope("bad_color"), []uint8{0})
	o.image = one(op.WriteImageSummary(s, writer, step, tag, pixels, bad, op.WriteImageSummaryMaxImages(1)), pixels, tag)

	g, err := s.Finalize()
	return g, &o, err
}
