package train

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	tf "github.com/tensorflow/tensorflow/tensorflow/go"

	"tfrunner/graph"
	"tfrunner/graph/checkpoint"
	"tfrunner/graph/savedmodel"
	"tfrunner/graph/savedmodel/tensors"
	"tfrunner/mnist"
)

// imageSize is the number of an image's bytes.
const imageSize = mnist.Rows * mnist.Cols

// A Predictor finds which digits images show. It serves one goroutine at a time.
type Predictor struct {
	run   func(images *tf.Tensor) (*tf.Tensor, error)
	close func() error
	dtype tf.DataType // of the images: uint8, or float32, which are the uint8 times 1/255
	shape []int64     // of an image
}

// OpenPredictor opens a model: the best checkpoint in a run's folder, or a
// SavedModel. Of a SavedModel it runs the first of these signatures that it has:
//
//	pixels           of uint8, as images have them
//	serving_default  of float32, which are the uint8 times 1/255
//
// The signature has one input, of shape [?,28,28,1], [?,28,28] or [?,784], and
// gives probabilities or logits in the output that is called probabilities, or
// else in its only output of float32, of shape [?,10].
func OpenPredictor(dir string, c Compute) (*Predictor, error) {
	if err := checkVersion(tf.Version()); err != nil {
		return nil, err
	}
	run := exists(filepath.Join(dir, configFile))
	if !run && !exists(filepath.Join(dir, "saved_model.pb")) {
		return nil, fmt.Errorf("no model in %s: want a run's folder, with its config.json, or a SavedModel, with its saved_model.pb", dir)
	}
	// A core has whole images to itself, so that it never waits for another one.
	options, err := c.or(Compute{IntraOp: 1, InterOp: -1}).Options()
	if err != nil {
		return nil, err
	}
	if run {
		return openRun(dir, options)
	}
	model, err := savedmodel.Load(dir, []string{"serve"}, options)
	if err != nil {
		return nil, err
	}
	p, err := ofSignature(model)
	if err != nil {
		model.Close()
		return nil, fmt.Errorf("the SavedModel %s: %w", dir, err)
	}
	return p, nil
}

// openRun opens the best checkpoint in a run's folder.
func openRun(dir string, options *tf.SessionOptions) (*Predictor, error) {
	c, err := readModel(dir)
	if err != nil {
		return nil, err
	}
	prefix, err := checkpointOf(dir)
	if err != nil {
		return nil, err
	}
	values, err := checkpoint.Read(prefix, graph.WeightNames[:]...)
	if err != nil {
		return nil, err
	}
	g, m, err := frozen(c, values)
	if err != nil {
		return nil, err
	}
	session, err := tf.NewSession(g, options)
	if err != nil {
		return nil, fmt.Errorf("opening a session: %w", err)
	}
	return &Predictor{
		run: func(images *tf.Tensor) (*tf.Tensor, error) {
			out, err := session.Run(feed{m.Pixels: images}, []tf.Output{m.Probabilities}, nil)
			if err != nil {
				return nil, err
			}
			return out[0], nil
		},
		close: session.Close,
		dtype: tf.Uint8,
		shape: []int64{mnist.Rows, mnist.Cols, 1},
	}, nil
}

// readModel returns the model of the run in a folder.
func readModel(dir string) (c graph.ConvNet, err error) {
	settings, err := ReadSettings(dir)
	if err != nil {
		return c, err
	}
	if settings["graph-sha256"] != nil {
		return c, fmt.Errorf("the run in %s trains an imported graph: want one of the ConvNet", dir)
	}
	data, err := json.Marshal(settings)
	if err != nil {
		return c, err
	}
	if err := json.Unmarshal(data, &c); err != nil {
		return c, fmt.Errorf("%s: %w", filepath.Join(dir, configFile), err)
	}
	return c, nil
}

// A core classifies chunk images at once; one core those that are few.
const (
	chunk = 250
	few   = 8
)

// Probabilities returns one row of the classes' probabilities for each of n
// images, given as n*28*28 bytes. If the model gives logits, which do not add up
// to 1, they are of their softmax. All cores work on
// more than a few images.
func (p *Predictor) Probabilities(pixels []byte) ([][]float32, error) {
	if len(pixels)%imageSize != 0 {
		return nil, fmt.Errorf("%d bytes of pixels: want a multiple of %d", len(pixels), imageSize)
	}
	n, cores := len(pixels)/imageSize, runtime.NumCPU()
	if n == 0 {
		return nil, nil
	}
	if n <= few {
		return p.probabilities(pixels)
	}
	chunks := slices.Collect(slices.Chunk(pixels, imageSize*min(chunk, (n+cores-1)/cores)))
	found := make([][][]float32, len(chunks))
	err := concurrently(cores, len(chunks), func(i int) (err error) {
		found[i], err = p.probabilities(chunks[i])
		return err
	})
	if err != nil {
		return nil, err
	}
	return slices.Concat(found...), nil
}

func (p *Predictor) probabilities(pixels []byte) ([][]float32, error) {
	n := len(pixels) / imageSize
	var encoded any = pixels
	if p.dtype == tf.Float {
		scaled := make([]float32, len(pixels))
		for i, b := range pixels {
			scaled[i] = float32(b) * (float32(1) / 255) // as the graph that trains has it, to the bit
		}
		encoded = scaled
	}
	input, err := tf.NewTensor(encoded)
	if err != nil {
		return nil, err
	}
	if err := input.Reshape(append([]int64{int64(n)}, p.shape...)); err != nil {
		return nil, err
	}
	out, err := p.run(input)
	if err != nil {
		return nil, fmt.Errorf("predicting: %w", err)
	}
	rows := out.Value().([][]float32)
	if len(rows) != n {
		return nil, fmt.Errorf("the model gives %d rows for %d images", len(rows), n)
	}
	for _, row := range rows {
		if err := normalize(row); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// Close closes the session.
func (p *Predictor) Close() error { return p.close() }

// normalize makes logits probabilities.
func normalize(row []float32) error {
	sum := 0.0
	for _, v := range row {
		sum += float64(v)
	}
	if math.IsNaN(sum) || math.IsInf(sum, 0) {
		return fmt.Errorf("the model gives %v", row)
	}
	if math.Abs(sum-1) < 1e-3 && slices.Min(row) >= 0 {
		return nil
	}
	top := slices.Max(row)
	sum = 0
	for _, v := range row {
		sum += math.Exp(float64(v - top))
	}
	for i, v := range row {
		row[i] = float32(math.Exp(float64(v-top)) / sum)
	}
	return nil
}

// ofSignature returns a predictor that runs a signature of a model.
func ofSignature(model *savedmodel.Model) (*Predictor, error) {
	for _, form := range []struct {
		signature string
		dtype     tf.DataType
	}{{"pixels", tf.Uint8}, {"serving_default", tf.Float}} {
		input, output, ok := endpoints(model.Signatures[form.signature], form.dtype)
		if !ok {
			continue
		}
		shape, err := model.Signatures[form.signature].Inputs[input].Shape.ToSlice()
		if err != nil {
			return nil, err
		}
		return &Predictor{
			run: func(images *tf.Tensor) (*tf.Tensor, error) {
				out, err := model.Run(form.signature, map[string]*tf.Tensor{input: images})
				return out[output], err
			},
			close: model.Close,
			dtype: form.dtype,
			shape: shape[1:],
		}, nil
	}
	return nil, fmt.Errorf("want a signature pixels of uint8 or serving_default of float32, of shape [?, 28, 28, 1], [?, 28, 28] or [?, 784], that gives float32 [?, 10]; there is %s",
		describe(model.Signatures))
}

// endpoints returns the names of a signature's input and output, if it is one
// that takes images of a dtype and gives classes.
func endpoints(s tf.Signature, dtype tf.DataType) (input, output string, ok bool) {
	inputs := slices.Collect(maps.Keys(s.Inputs))
	outputs := slices.DeleteFunc(slices.Collect(maps.Keys(s.Outputs)), func(name string) bool { return s.Outputs[name].DType != tf.Float })
	if _, ok := s.Outputs["probabilities"]; ok {
		outputs = []string{"probabilities"}
	}
	if len(inputs) != 1 || len(outputs) != 1 {
		return "", "", false
	}
	in, out := s.Inputs[inputs[0]], s.Outputs[outputs[0]]
	ok = slices.Contains([]string{"[?, 28, 28, 1]", "[?, 28, 28]", "[?, 784]"}, in.Shape.String()) && in.DType == dtype &&
		out.Shape.String() == "[?, 10]" && out.DType == tf.Float
	return inputs[0], outputs[0], ok
}

// describe lists signatures with their inputs and outputs.
func describe(signatures map[string]tf.Signature) string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(signatures)) {
		s := signatures[name]
		if len(s.Inputs) > 0 { // not the op that initializes
			all = append(all, fmt.Sprintf("%s (%s) to (%s)", name, describeTensors(s.Inputs), describeTensors(s.Outputs)))
		}
	}
	if all == nil {
		return "none"
	}
	return strings.Join(all, "; ")
}

func describeTensors(infos map[string]tf.TensorInfo) string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(infos)) {
		all = append(all, fmt.Sprintf("%s %s %s", name, tensors.Name(infos[name].DType), infos[name].Shape))
	}
	return strings.Join(all, ", ")
}
