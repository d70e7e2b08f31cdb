package train

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"

	tf "github.com/tensorflow/tensorflow/tensorflow/go"

	"tfrunner/graph"
	"tfrunner/graph/checkpoint"
	"tfrunner/graph/savedmodel/tensors"
)

// A position is how far a run has come.
type position struct {
	Epoch, Step int     // finished ones; an epoch's test belongs to it
	Loss        float64 // the sum of the losses since the last finished epoch
	Tested      bool    // no step came after the last finished epoch
	Validation  float64 // the accuracy then
}

// The tensors in which a checkpoint holds a position, beside the variables. An
// imported graph may have a variable global_step: hence the prefix.
const (
	stepName       = "tfrunner/global_step"         // int64
	epochName      = "tfrunner/epoch"               // int64
	lossName       = "tfrunner/epoch_loss"          // float64
	validationName = "tfrunner/validation_accuracy" // float64, NaN if not tested
)

func (p position) values() ([]checkpoint.Value, error) {
	validation := math.NaN()
	if p.Tested {
		validation = p.Validation
	}
	var values []checkpoint.Value
	for _, v := range []struct {
		name  string
		value any
	}{{stepName, int64(p.Step)}, {epochName, int64(p.Epoch)}, {lossName, p.Loss}, {validationName, validation}} {
		t, err := tf.NewTensor(v.value)
		if err != nil {
			return nil, err
		}
		values = append(values, checkpoint.Value{Name: v.name, Tensor: t})
	}
	return values, nil
}

// save adds a checkpoint of r's position to the run's folder, unless there is
// one or no folder.
func (r *run) save() error {
	if r.folder == nil || r.saved == r.position && r.folder.latest() != "" {
		return nil
	}
	vars := r.Variables()
	tensors, err := r.Values(vars)
	if err != nil {
		return err
	}
	values, err := r.position.values()
	if err != nil {
		return err
	}
	for i, v := range vars {
		values = append(values, checkpoint.Value{Name: v.Name, Tensor: tensors[i]})
	}
	r.saved = r.position
	return r.folder.save(r.position, values)
}

// readPosition returns the position that a checkpoint holds.
func readPosition(prefix string) (p position, err error) {
	t, err := checkpoint.Read(prefix, stepName, epochName, lossName, validationName)
	if err != nil {
		return p, err
	}
	step, ok1 := t[0].Value().(int64)
	epoch, ok2 := t[1].Value().(int64)
	loss, ok3 := t[2].Value().(float64)
	validation, ok4 := t[3].Value().(float64)
	if !ok1 || !ok2 || !ok3 || !ok4 {
		return p, fmt.Errorf("%s holds no position of a run", prefix)
	}
	return position{Epoch: int(epoch), Step: int(step), Loss: loss, Tested: !math.IsNaN(validation), Validation: validation}, nil
}

// openFolder opens the run's folder and, to resume, brings the session to
// where the run in it stopped.
func (r *run) openFolder(ctx context.Context) error {
	settings, err := r.config.settings(r.images)
	if err != nil {
		return err
	}
	before, err := ReadSettings(r.config.Out)
	if err != nil && (r.config.Resume || !errors.Is(err, fs.ErrNotExist)) {
		return err
	}
	f, err := openFolder(r.config.Out, r.config.Keep)
	if err != nil {
		return err
	}
	r.folder = f
	if !r.config.Resume && f.latest() != "" {
		return fmt.Errorf("%s holds a run already: -resume goes on with it, another -out leaves it alone", r.config.Out)
	}
	if r.config.Resume && !r.config.Force {
		differences, err := settings.differences(before)
		if err != nil {
			return err
		}
		if differences != "" {
			return fmt.Errorf("%s was made with other settings: %s; -force goes on with these", r.config.Out, differences)
		}
	}
	if err := f.writeConfig(settings); err != nil || f.latest() == "" {
		return err
	}
	if r.position, err = readPosition(f.latest()); err != nil {
		return err
	}
	r.saved = r.position
	r.done = r.reached()
	if err := r.restore(f.latest(), r.Variables()); err != nil {
		return err
	}
	if err := r.restoreRate(); err != nil {
		return err
	}
	if err := r.recorder.Record(Record{Kind: Resume, Epoch: r.Epoch, Step: r.Step, StepsPerEpoch: len(r.training)}); err != nil {
		return err
	}
	return r.replay(ctx)
}

// restoreRate sets r.rate to what a schedule had it at in the last step.
func (r *run) restoreRate() error {
	if r.config.Schedule == nil || r.Step == 0 {
		return nil
	}
	step, err := tf.NewTensor(int64(r.Step - 1))
	if err != nil {
		return err
	}
	training := r.Trainer.training
	out, err := r.session.Run(feed{training.GlobalStep: step}, []tf.Output{training.LearningRate}, nil)
	if err == nil {
		r.rate = out[0].Value().(float32)
	}
	return err
}

// restore gives variables the values that a checkpoint holds.
func (t *Trainer) restore(prefix string, vars []graph.Variable) error {
	index, err := checkpoint.ReadIndex(prefix)
	if err != nil {
		return err
	}
	var names []string
	for _, v := range vars {
		name := v.Name
		if _, err := index.Find(name + objectSuffix); err == nil {
			name += objectSuffix
		}
		entry, err := index.Find(name)
		if err != nil {
			return err
		}
		if want := v.Value; entry.DataType != want.DataType() || entry.Shape.String() != want.Shape().String() {
			return fmt.Errorf("%s in the checkpoint %s is %s %v, want %s %v",
				name, prefix, tensors.Name(entry.DataType), entry.Shape, tensors.Name(want.DataType()), want.Shape())
		}
		names = append(names, name)
	}
	values, err := checkpoint.Read(prefix, names...)
	if err != nil {
		return err
	}
	initial := feed{}
	var inits []*tf.Operation
	for i, v := range vars {
		initial[v.Initial] = values[i]
		inits = append(inits, v.Init)
	}
	_, err = t.session.Run(initial, nil, inits)
	return err
}

// objectSuffix ends the names of variables in TensorFlow 2's checkpoints of objects.
const objectSuffix = "/.ATTRIBUTES/VARIABLE_VALUE"

// initFrom gives the weights the values that Config.Init names.
func (t *Trainer) initFrom(path string) error {
	prefix, err := checkpointOf(path)
	if err != nil {
		return err
	}
	return t.restore(prefix, t.model.Weights)
}

// checkpointOf returns the prefix of the checkpoint in path: a run's folder,
// whose best counts, a SavedModel, or a prefix already.
func checkpointOf(path string) (string, error) {
	if info, err := os.Stat(path); err != nil || !info.IsDir() {
		return path, nil // there is no file of a prefix's name
	}
	for _, state := range []string{bestState, lastState} {
		name, _, err := readState(filepath.Join(path, state))
		switch {
		case err != nil:
			return "", err
		case filepath.IsAbs(name): // as Python may write it
			return name, nil
		case name != "":
			return filepath.Join(path, name), nil
		}
	}
	if variables := filepath.Join(path, "variables", "variables"); exists(variables + ".index") {
		return variables, nil
	}
	return "", fmt.Errorf("%s is neither a run's folder with a checkpoint nor a SavedModel with variables", path)
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

// replay brings the random ops to where they were at r's position. How far such
// an op is depends only on how many numbers it has given, so that these ops
// alone, given the shapes that they had, are run for as many steps.
func (r *run) replay(ctx context.Context) error {
	for range r.Epoch {
		if _, err := r.draw(r.data.Test); err != nil {
			return err
		}
	}
	ops := randomOps(r.model.Cost)
	if r.Step == 0 || ops == nil {
		return nil
	}
	shapes := make([]tf.Output, len(ops))
	for i, o := range ops {
		shapes[i] = tf.Consumer{Op: o, Index: 0}.Producer()
	}
	// The first step has the shapes worked out.
	values, err := r.session.Run(r.training[0], shapes, ops)
	if err != nil {
		return err
	}
	known := feed{}
	for i, shape := range shapes {
		known[shape] = values[i]
	}
	for range r.Step - 1 {
		if ctx.Err() != nil {
			return fmt.Errorf("%w while drawing the random numbers of %d steps", ErrInterrupted, r.Step)
		}
		if _, err := r.session.Run(known, nil, ops); err != nil {
			return err
		}
	}
	return nil
}

// randomOps returns the ops that draw seeded random numbers for a tensor.
func randomOps(x tf.Output) (ops []*tf.Operation) {
	seen := map[string]bool{}
	var walk func(o *tf.Operation)
	walk = func(o *tf.Operation) {
		if seen[o.Name()] {
			return
		}
		seen[o.Name()] = true
		switch o.Type() {
		case "RandomUniform", "RandomStandardNormal", "TruncatedNormal", "RandomUniformInt":
			if seeded(o) {
				ops = append(ops, o)
			}
		}
		for i := range o.NumInputs() {
			walk(tf.Consumer{Op: o, Index: i}.Producer().Op)
		}
	}
	walk(x.Op)
	return ops
}

// seeded tells whether a random op's numbers repeat themselves in another session.
func seeded(o *tf.Operation) bool {
	for _, name := range []string{"seed", "seed2"} {
		if seed, err := o.Attr(name); err == nil && seed != int64(0) {
			return true
		}
	}
	return false
}
