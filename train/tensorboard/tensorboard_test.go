package tensorboard

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	tf "github.com/tensorflow/tensorflow/tensorflow/go"

	"tfrunner/graph"
	"tfrunner/mnist"
	"tfrunner/scripts/python"
	"tfrunner/train"
)

// events are what Python's TensorBoard reads from a folder.
type events struct {
	Scalars    map[string][][3]float64 // step, value, time
	Histograms map[string][]struct {
		Step               int
		Min, Max, Num, Sum float64
		Counts, Limits     []float64
	}
	Images map[string][]struct {
		Step, Width, Height int
		PNG                 []byte
	}
	Nodes []string
}

func read(t *testing.T, dir string) (e events) {
	t.Helper()
	cmd, err := python.Command(context.Background(), os.Stderr, "events.py", dir)
	if err != nil {
		t.Fatal(err)
	}
	out, err := python.Output(cmd)
	if err == nil {
		err = json.Unmarshal(out, &e)
	}
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// kept is a Recorder that keeps the records.
type kept []train.Record

func (k *kept) Record(r train.Record) error {
	*k = append(*k, r)
	return nil
}

// TestEvents trains and wants TensorBoard to read what the records hold.
func TestEvents(t *testing.T) {
	data, err := mnist.Dir()
	if err != nil {
		t.Fatal(err)
	}
	d, err := mnist.Load(data)
	if err != nil {
		t.Fatal(err)
	}
	trainer, err := train.New(train.Config{
		Model:     graph.ConvNet{Seed: 7, Filters: [3]int64{12, 4, 8}, Hidden: 16},
		Optimizer: graph.RMSProp{LearningRate: 0.001, Decay: 0.9, Epsilon: 1e-10},
		Schedule:  graph.StepDecay{Steps: 3, DecayRate: 0.5},
		Epochs:    2, Batch: 64, KeepConv: 0.8, KeepHidden: 0.5, Details: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer trainer.Close()
	dir, records := filepath.Join(t.TempDir(), "new", "run"), kept{}
	w := newWriter(t, dir, trainer.Graph())
	small := mnist.Data{Train: d.Train.Slice(0, 5*64), Validation: d.Validation.Slice(0, 100), Test: d.Test.Slice(0, 100)}
	if err := trainer.Run(context.Background(), small, train.Multi(w, &records)); err != nil {
		t.Fatal(err)
	}
	e := read(t, dir) // before Close: the final record is on the disk

	want := map[string][][2]float64{}
	for _, r := range records {
		values := map[train.Kind]map[string]float64{
			train.Step: {"train/loss": float64(r.Loss), "train/learning_rate": float64(r.LearningRate)},
			train.Epoch: {
				"train/epoch_loss": float64(r.Loss), "train/images_per_second": r.ImagesPerSecond,
				"validation/accuracy": r.ValidationAccuracy, "test/sample_accuracy": r.SampleAccuracy,
			},
			train.Final: {"test/accuracy": r.TestAccuracy},
		}
		for tag, x := range values[r.Kind] {
			want[tag] = append(want[tag], [2]float64{float64(r.Step), float64(float32(x))})
		}
	}
	got := map[string][][2]float64{}
	for tag, all := range e.Scalars {
		for _, x := range all {
			got[tag] = append(got[tag], [2]float64{x[0], x[1]})
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("scalars\n%v\nwant\n%v", got, want)
	}

	if len(e.Histograms) != 10 || len(e.Images) != 2 {
		t.Errorf("%d histograms, %d images", len(e.Histograms), len(e.Images))
	}
	var epochs []train.Record
	for _, r := range records {
		if r.Kind == train.Epoch {
			epochs = append(epochs, r)
		}
	}
	for i, r := range epochs {
		for _, v := range r.Details.Weights {
			checkHistogram(t, e, "weights/"+v.Name, i, r.Step, v.Tensor)
		}
		for _, v := range r.Details.Gradients {
			checkHistogram(t, e, "gradients/"+v.Name, i, r.Step, v.Tensor)
		}
		for tag, drawn := range map[string]*image.Gray{
			"filters/w/image":                filters(r.Details.Weights[0].Tensor),
			"validation/misclassified/image": digits(r.Details),
		} {
			if len(e.Images[tag]) != len(epochs) {
				t.Fatalf("%s: %d images", tag, len(e.Images[tag]))
			}
			got := e.Images[tag][i]
			decoded, err := png.Decode(bytes.NewReader(got.PNG))
			if err != nil {
				t.Fatal(err)
			}
			gray, ok := decoded.(*image.Gray)
			if !ok || got.Step != r.Step || image.Pt(got.Width, got.Height) != drawn.Rect.Size() || gray.Rect != drawn.Rect || !bytes.Equal(gray.Pix, drawn.Pix) {
				t.Errorf("%s: step %d, %dx%d, %T; want step %d, %v, equal pixels", tag, got.Step, got.Width, got.Height, decoded, r.Step, drawn.Rect)
			}
		}
	}

	var nodes []string
	scopes := map[string]bool{}
	for _, o := range trainer.Graph().Operations() {
		nodes = append(nodes, o.Name())
		scope, _, _ := strings.Cut(o.Name(), "/")
		scopes[scope] = true
	}
	slices.Sort(nodes)
	slices.Sort(e.Nodes)
	if !slices.Equal(e.Nodes, nodes) {
		t.Errorf("%d nodes, want %d", len(e.Nodes), len(nodes))
	}
	for _, scope := range []string{"conv1", "conv2", "conv3", "hidden", "output", "loss", "gradients", "rmsprop"} {
		if !scopes[scope] {
			t.Errorf("no scope %s", scope)
		}
	}
}

func newWriter(t testing.TB, dir string, g *tf.Graph) *Writer {
	t.Helper()
	w, err := New(dir, g)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	return w
}

func checkHistogram(t *testing.T, e events, tag string, i, step int, tensor *tf.Tensor) {
	t.Helper()
	if len(e.Histograms[tag]) != 2 {
		t.Fatalf("%s: %d histograms", tag, len(e.Histograms[tag]))
	}
	values := flat(t, tensor)
	h, n := e.Histograms[tag][i], float64(len(values))
	low, high := float64(slices.Min(values)), float64(slices.Max(values))
	counts := 0.0
	for _, c := range h.Counts {
		counts += c
	}
	if h.Step != step || h.Num != n || counts != n || h.Min != low || h.Max != high || len(h.Counts) < 10 || low >= high {
		t.Errorf("%s: step %d, %v values from %v to %v in %d buckets of %v; want step %d, %v values from %v to %v",
			tag, h.Step, h.Num, h.Min, h.Max, len(h.Counts), counts, step, n, low, high)
	}
}

// flat returns a tensor's values.
func flat(t *testing.T, tensor *tf.Tensor) []float32 {
	t.Helper()
	var b bytes.Buffer
	if _, err := tensor.WriteContentsTo(&b); err != nil {
		t.Fatal(err)
	}
	flat, err := tf.ReadTensor(tf.Float, []int64{int64(b.Len() / 4)}, &b)
	if err != nil {
		t.Fatal(err)
	}
	return flat.Value().([]float32)
}

// TestImages looks into the pictures.
func TestImages(t *testing.T) {
	weights, err := tf.NewTensor([][][][]float32{{{{0, 1}}, {{-2, 2}}}}) // 1x2, 2 filters
	if err != nil {
		t.Fatal(err)
	}
	f := filters(weights)
	if want := image.Rect(0, 0, 2*2*filterScale+gap, filterScale); f.Rect != want {
		t.Errorf("filters %v, want %v", f.Rect, want)
	}
	for x, want := range map[int]uint8{0: 128, filterScale - 1: 128, filterScale: 1, 2 * filterScale: 64, 2*filterScale + gap: 192, 3*filterScale + gap: 255} {
		if got := f.GrayAt(x, 0).Y; got != want {
			t.Errorf("filters: pixel %d is %d, want %d", x, got, want)
		}
	}

	d := &train.Details{Missed: mnist.Set{Labels: make([]byte, 6)}, Classes: make([]int64, 6)}
	for i := range 6 * mnist.Rows * mnist.Cols {
		d.Missed.Pixels = append(d.Missed.Pixels, byte(i))
	}
	g := digits(d)
	width, height := mnist.Cols*digitScale, mnist.Rows*digitScale+caption
	if want := image.Rect(0, 0, 5*(width+gap)-gap, 2*(height+gap)-gap); g.Rect != want {
		t.Errorf("digits %v, want %v", g.Rect, want)
	}
	for i := range 6 {
		left, top := i%5*(width+gap), i/5*(height+gap)
		for y := range mnist.Rows {
			for x := range mnist.Cols {
				want := d.Missed.Pixels[(i*mnist.Rows+y)*mnist.Cols+x]
				if got := g.GrayAt(left+x*digitScale+1, top+y*digitScale+1).Y; got != want {
					t.Fatalf("digit %d: pixel %d, %d is %d, want %d", i, x, y, got, want)
				}
			}
		}
		text := g.SubImage(image.Rect(left, top+height-caption, left+width, top+height)).(*image.Gray)
		if !bytes.Contains(text.Pix, []byte{255}) {
			t.Errorf("digit %d has no text", i)
		}
	}
}

// TestResume records steps anew, as after a crash, with another loss, and wants
// no step twice.
func TestResume(t *testing.T) {
	dir := t.TempDir()
	record := func(loss float32, records ...train.Record) {
		t.Helper()
		w := newWriter(t, dir, nil)
		for _, r := range records {
			r.Loss = loss
			if err := w.Record(r); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	step := func(i int) train.Record { return train.Record{Kind: train.Step, Step: i} }
	wantLosses := func(want ...[2]float64) {
		t.Helper()
		var got [][2]float64
		for _, s := range read(t, dir).Scalars["train/loss"] {
			got = append(got, [2]float64{s[0], s[1]})
		}
		if !slices.Equal(got, want) {
			t.Errorf("losses %v, want %v", got, want)
		}
	}
	record(8, step(1), step(2), step(3))
	record(4, step(1), step(2), step(3), step(4)) // the first process left no checkpoint
	record(2, train.Record{Kind: train.Resume, Step: 2}, step(3))
	wantLosses([2]float64{1, 4}, [2]float64{2, 4}, [2]float64{3, 2})
}

// TestErrors wants errors of one line that say what failed.
func TestErrors(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	wantError := func(err error, texts ...string) {
		t.Helper()
		if err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("error %v, want one line", err)
			return
		}
		for _, text := range texts {
			if !strings.Contains(err.Error(), text) {
				t.Errorf("error %v, want %q in it", err, text)
			}
		}
	}
	wantError(newWriter(t, filepath.Join(file, "run"), nil).Record(train.Record{Kind: train.Step}), "writing events", file)

	// Writes fail once the file is larger than the limit of the process, as they
	// do on a full disk.
	w := newWriter(t, t.TempDir(), nil)
	if err := w.Record(train.Record{Kind: train.Step, Step: 1}); err != nil {
		t.Fatal(err)
	}
	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	full := limit
	full.Cur = 100
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &full); err != nil {
		t.Fatal(err)
	}
	defer syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit)
	wantError(w.Record(train.Record{Kind: train.Epoch, Step: 2}), "writing events", "too large")
}

// BenchmarkRecord is what the scalars cost a step.
func BenchmarkRecord(b *testing.B) {
	w := newWriter(b, b.TempDir(), nil)
	for i := range b.N {
		if err := w.Record(train.Record{Kind: train.Step, Step: i + 1, Loss: 1}); err != nil {
			b.Fatal(err)
		}
	}
}
