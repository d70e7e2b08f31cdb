package train_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"tfrunner/graph"
	"tfrunner/mnist"
	"tfrunner/train"
)

// tutorial returns the tutorial's settings.
func tutorial(seed int64) train.Config {
	return train.Config{
		Model:     graph.ConvNet{Seed: seed},
		Optimizer: graph.RMSProp{LearningRate: 0.001, Decay: 0.9, Epsilon: 1e-10},
		Epochs:    100, Batch: 128, KeepConv: 0.8, KeepHidden: 0.5,
	}
}

func load(t testing.TB) mnist.Data {
	t.Helper()
	dir, err := mnist.Dir()
	if err != nil {
		t.Fatal(err)
	}
	data, err := mnist.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// small returns n training, 300 validation and 200 test images.
func small(t testing.TB, n int) mnist.Data {
	d := load(t)
	return mnist.Data{Train: d.Train.Slice(0, n), Validation: d.Validation.Slice(0, 300), Test: d.Test.Slice(0, 200)}
}

func newTrainer(t testing.TB, c train.Config) *train.Trainer {
	t.Helper()
	trainer, err := train.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { trainer.Close() })
	return trainer
}

// records collects a run's records; after may end the run.
type records struct {
	all   []train.Record
	after func(train.Record) error
}

func (r *records) Record(rec train.Record) error {
	r.all = append(r.all, rec)
	if r.after != nil {
		return r.after(rec)
	}
	return nil
}

func (r *records) of(kind train.Kind) (some []train.Record) {
	for _, rec := range r.all {
		if rec.Kind == kind {
			some = append(some, rec)
		}
	}
	return some
}

// losses returns the bits of each step's loss.
func (r *records) losses() (bits []uint32) {
	for _, rec := range r.of(train.Step) {
		bits = append(bits, math.Float32bits(rec.Loss))
	}
	return bits
}

func run(t testing.TB, c train.Config, d mnist.Data) *records {
	t.Helper()
	r := new(records)
	if err := newTrainer(t, c).Run(context.Background(), d, r); err != nil {
		t.Fatal(err)
	}
	return r
}

// TestLearns trains on real digits for less than an epoch.
func TestLearns(t *testing.T) {
	c := tutorial(7)
	c.Steps = 300
	r := run(t, c, load(t))
	steps, final := r.of(train.Step), r.all[len(r.all)-1]
	if len(steps) != 300 || len(r.all) != 301 {
		t.Errorf("%d records, %d of steps; want 301, 300", len(r.all), len(steps))
	}
	if first, last := steps[0].Loss, steps[299].Loss; first < 2.29 || first > 2.31 || last > 0.6 {
		t.Errorf("the loss went from %v to %v, want from ln 10 to less than 0.6", first, last)
	}
	if final.Kind != train.Final || final.Total != 10000 || final.TestAccuracy < 0.88 {
		t.Errorf("%+v; want at least 0.88 of 10000 right", final)
	}
	if got := float64(final.Correct) / 10000; got != final.TestAccuracy {
		t.Errorf("accuracy %v, but %d right", final.TestAccuracy, final.Correct)
	}
}

func TestSeeds(t *testing.T) {
	d := small(t, 640)
	losses := func(seed int64) []uint32 {
		c := tutorial(seed)
		c.Steps = 5
		return run(t, c, d).losses()
	}
	if !slices.Equal(losses(7), losses(7)) {
		t.Error("one seed gives two runs")
	}
	if slices.Equal(losses(7), losses(8)) || slices.Equal(losses(0), losses(0)) {
		t.Error("two seeds give one run")
	}
}

// TestTestingLeavesTrainingAlone compares a run that is tested after every
// second step with one that is not.
func TestTestingLeavesTrainingAlone(t *testing.T) {
	often := small(t, 2*128)
	c := tutorial(7)
	c.Steps = 6
	seldom := often
	for range 2 {
		seldom.Train.Pixels = append(seldom.Train.Pixels, often.Train.Pixels...)
		seldom.Train.Labels = append(seldom.Train.Labels, often.Train.Labels...)
	}
	a, b := run(t, c, often), run(t, c, seldom)
	if !slices.Equal(a.losses(), b.losses()) {
		t.Errorf("losses %v and %v", a.losses(), b.losses())
	}
	if len(a.of(train.Epoch)) != 3 || len(b.of(train.Epoch)) != 1 {
		t.Errorf("%d and %d epochs, want 3 and 1", len(a.of(train.Epoch)), len(b.of(train.Epoch)))
	}
}

func TestRecords(t *testing.T) {
	c := tutorial(7)
	c.Epochs, c.Batch = 2, 100
	r := run(t, c, small(t, 250)) // 2 batches and a half
	var kinds []train.Kind
	for _, rec := range r.all {
		kinds = append(kinds, rec.Kind)
		if rec.StepsPerEpoch != 2 {
			t.Errorf("%d steps an epoch, want 2", rec.StepsPerEpoch)
		}
	}
	want := []train.Kind{train.Step, train.Step, train.Epoch, train.Step, train.Step, train.Epoch, train.Final}
	if !slices.Equal(kinds, want) {
		t.Errorf("records %v, want %v", kinds, want)
	}
	steps, epoch := r.of(train.Step), r.of(train.Epoch)[1]
	if mean := (steps[2].Loss + steps[3].Loss) / 2; math.Abs(float64(epoch.Loss-mean)) > 1e-6 || epoch.Epoch != 1 || epoch.Step != 4 || epoch.LearningRate != 0.001 || steps[3].LearningRate != 0.001 {
		t.Errorf("%+v, want epoch 1, step 4, loss %v", epoch, mean)
	}
	if epoch.ValidationAccuracy*300 != math.Round(epoch.ValidationAccuracy*300) || epoch.ImagesPerSecond <= 0 || epoch.Elapsed <= 0 {
		t.Errorf("%+v", epoch)
	}
	if final := r.all[6]; final.Epoch != 2 || final.Step != 4 || final.Total != 200 {
		t.Errorf("%+v, want 2 epochs, 4 steps, 200 images", final)
	}
}

// TestSchedule wants the rates of a StepDecay in the records.
func TestSchedule(t *testing.T) {
	c := tutorial(7)
	c.Epochs, c.Batch, c.Schedule = 2, 100, graph.StepDecay{Steps: 2, DecayRate: 0.5}
	var got []float32
	for _, rec := range run(t, c, small(t, 300)).all[:8] {
		got = append(got, rec.LearningRate)
		if rec.Scheduled != (rec.Kind == train.Step) {
			t.Errorf("%+v", rec)
		}
	}
	const lr = 0.001
	if want := []float32{lr, lr, lr / 2, lr / 2, lr / 2, lr / 4, lr / 4, lr / 4}; !slices.Equal(got, want) {
		t.Errorf("rates of 3 steps, an epoch, 3 steps and an epoch %v, want %v", got, want)
	}
}

func TestTarget(t *testing.T) {
	c := tutorial(7)
	c.Target = 0.01 // any guessing reaches it
	r := run(t, c, small(t, 128))
	if n := len(r.of(train.Epoch)); n != 1 {
		t.Errorf("%d epochs, want 1", n)
	}
	c.Target, c.Epochs = 1, 3
	if n := len(run(t, c, small(t, 128)).of(train.Epoch)); n != 3 {
		t.Errorf("%d epochs, want 3", n)
	}
}

// TestEvaluate counts in parts of odd sizes and in one.
func TestEvaluate(t *testing.T) {
	trainer := newTrainer(t, tutorial(7))
	if err := trainer.Open(); err != nil {
		t.Fatal(err)
	}
	d := load(t)
	count := func(i, j int) int {
		n, err := trainer.Evaluate(context.Background(), d.Test.Slice(i, j))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	whole := count(0, 1301)
	if parts := count(0, 1) + count(1, 500) + count(500, 1100) + count(1100, 1301); parts != whole || whole == 0 {
		t.Errorf("%d right in parts, %d in one", parts, whole)
	}
	each := 0
	for i := range 40 {
		each += count(i, i+1)
	}
	if all := count(0, 40); all != each {
		t.Errorf("%d right of 40 one by one, %d at once", each, all)
	}
}

func TestInterrupt(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	r := &records{after: func(rec train.Record) error {
		if rec.Step == 3 {
			cancel()
		}
		return nil
	}}
	err := newTrainer(t, tutorial(7)).Run(ctx, small(t, 1280), r)
	if !errors.Is(err, train.ErrInterrupted) || !strings.Contains(err.Error(), "epoch 0 after 3 steps") {
		t.Errorf("error %v", err)
	}
	if len(r.all) != 3 {
		t.Errorf("%d records, want 3", len(r.all))
	}
}

func TestRecorderError(t *testing.T) {
	full := errors.New("disk full")
	r := &records{after: func(train.Record) error { return full }}
	if err := newTrainer(t, tutorial(7)).Run(context.Background(), small(t, 256), r); !errors.Is(err, full) || len(r.all) != 1 {
		t.Errorf("error %v after %d records", err, len(r.all))
	}
}

func TestDivergence(t *testing.T) {
	c := tutorial(7)
	c.Optimizer = graph.RMSProp{LearningRate: 1e30, Decay: 0.9, Epsilon: 1e-10}
	r := new(records)
	err := newTrainer(t, c).Run(context.Background(), small(t, 1280), r)
	if err == nil || !strings.Contains(err.Error(), "diverged") || strings.Contains(err.Error(), "\n") {
		t.Errorf("error %v", err)
	}
	c.Optimizer, c.Schedule = graph.SGD{LearningRate: 4}, graph.StepDecay{Steps: 1, DecayRate: 1e38}
	if err := newTrainer(t, c).Run(context.Background(), small(t, 1280), new(records)); err == nil || err.Error() != "step 2: the schedule has the learning rate at +Inf" {
		t.Errorf("error %v", err)
	}
	for _, rec := range r.all {
		if loss := float64(rec.Loss); math.IsNaN(loss) || math.IsInf(loss, 0) {
			t.Errorf("a record of the loss %v", loss)
		}
	}
}

func TestSettings(t *testing.T) {
	for _, test := range []struct {
		setting string
		change  func(*train.Config)
	}{
		{"epochs", func(c *train.Config) { c.Epochs = 0 }},
		{"steps", func(c *train.Config) { c.Steps = -1 }},
		{"batch", func(c *train.Config) { c.Batch = 0 }},
		{"batch", func(c *train.Config) { c.Batch = 129 }}, // there are 128 images
		{"keep-conv", func(c *train.Config) { c.KeepConv = 0 }},
		{"keep-conv", func(c *train.Config) { c.KeepConv = 1.5 }},
		{"keep-hidden", func(c *train.Config) { c.KeepHidden = float32(math.NaN()) }},
		{"target", func(c *train.Config) { c.Target = 2 }},
		{"lr", func(c *train.Config) { c.Optimizer = graph.RMSProp{LearningRate: -1} }},
		{"lr-decay-steps", func(c *train.Config) { c.Schedule = graph.CosineDecay{} }},
		{"device", func(c *train.Config) { c.Device = "gpu:7" }},
		{"device", func(c *train.Config) { c.Device = "tpu" }},
		{"device", func(c *train.Config) { c.Device = "cpu:1" }},
	} {
		c := tutorial(7)
		test.change(&c)
		trainer, err := train.New(c)
		if err == nil {
			err = trainer.Run(context.Background(), small(t, 128), new(records))
		}
		wrong := new(graph.RangeError)
		if !errors.As(err, &wrong) || wrong.Setting != test.setting {
			t.Errorf("%+v: %v, want a RangeError of %s", c, err, test.setting)
		}
	}
	c := tutorial(7)
	c.Optimizer = nil
	if _, err := train.New(c); err == nil {
		t.Error("no optimizer, no error")
	}
	c.Graph, c.Names.Train, c.Schedule = []byte("graph"), "train", graph.CosineDecay{Steps: 1}
	if _, err := train.New(c); err == nil || err.Error() != "a schedule, but no optimizer" {
		t.Errorf("error %v", err)
	}
	if err := newTrainer(t, tutorial(7)).Run(context.Background(), mnist.Data{Train: small(t, 128).Train}, new(records)); err == nil {
		t.Error("no test images, no error")
	}
}

func TestDevices(t *testing.T) {
	devices, err := train.Devices()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(devices, "cpu:0") {
		t.Errorf("devices %v", devices)
	}
	for _, device := range []string{"cpu", "cpu:0", "auto", ""} {
		c := tutorial(7)
		c.Device, c.Steps = device, 1
		run(t, c, small(t, 256))
	}
}

func TestJSON(t *testing.T) {
	var b strings.Builder
	r := train.JSONLines(&b)
	for _, rec := range []train.Record{
		{Kind: train.Step, Step: 1, StepsPerEpoch: 429, Loss: 2.302584},
		{Kind: train.Step, Step: 2, StepsPerEpoch: 429, Loss: 0.1, LearningRate: 0.001},
		{Kind: train.Step, Step: 3, StepsPerEpoch: 429, Loss: 0.1, LearningRate: 0, Scheduled: true},
		{Kind: train.Epoch, Epoch: 3, Step: 1716, Loss: 0.25, LearningRate: 0.001, ValidationAccuracy: 0.9912, SampleAccuracy: 1, ImagesPerSecond: 2345.5, Elapsed: 23400 * time.Millisecond},
		{Kind: train.Final, Epoch: 4, Step: 1716, TestAccuracy: 0.9921, Correct: 9921, Total: 10000, Elapsed: 2 * time.Minute},
	} {
		if err := r.Record(rec); err != nil {
			t.Fatal(err)
		}
	}
	want := `{"kind":"step","epoch":0,"step":1,"loss":2.302584}
{"kind":"step","epoch":0,"step":2,"loss":0.1}
{"kind":"step","epoch":0,"step":3,"loss":0.1,"learning_rate":0}
{"kind":"epoch","epoch":3,"step":1716,"loss":0.25,"learning_rate":0.001,"validation_accuracy":0.9912,"sample_accuracy":1,"images_per_second":2345.5,"seconds":23.4}
{"kind":"final","epochs":4,"step":1716,"test_accuracy":0.9921,"correct":9921,"total":10000,"seconds":120}
`
	if b.String() != want {
		t.Errorf("got:\n%s\nwant:\n%s", &b, want)
	}
	if _, err := json.Marshal(train.Record{Kind: "other"}); err == nil {
		t.Error("an unknown kind, no error")
	}
}

func TestMulti(t *testing.T) {
	first, second := new(records), &records{after: func(train.Record) error { return errors.New("no") }}
	third := new(records)
	if err := train.Multi(first, second, third).Record(train.Record{}); err == nil || len(first.all) != 1 || len(third.all) != 0 {
		t.Errorf("error %v, records %d and %d", err, len(first.all), len(third.all))
	}
}

// TestMemory wants no growth from the second epoch to the tenth: the garbage
// collector does not see the memory behind tensors.
func TestMemory(t *testing.T) {
	c := tutorial(7)
	c.Epochs = 10
	var resident []int
	r := &records{after: func(rec train.Record) error {
		if rec.Kind == train.Epoch {
			resident = append(resident, residentMiB(t))
		}
		return nil
	}}
	if err := newTrainer(t, c).Run(context.Background(), small(t, 5*128), r); err != nil {
		t.Fatal(err)
	}
	if grown := resident[9] - resident[1]; grown > 20 {
		t.Errorf("resident memory after each epoch, in MiB: %v", resident)
	}
	if resident[9] > 1500 {
		t.Errorf("%d MiB", resident[9])
	}
}

// residentMiB returns this process's resident memory.
func residentMiB(t *testing.T) int {
	data, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	var size, resident int
	if _, err := fmt.Sscan(string(data), &size, &resident); err != nil {
		t.Fatal(err)
	}
	return resident * os.Getpagesize() >> 20
}
