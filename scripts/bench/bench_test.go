package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestPercentile(t *testing.T) {
	for _, test := range []struct {
		x       []float64
		p, want float64
	}{
		{[]float64{3, 1, 2}, 50, 2},
		{[]float64{4, 1, 2, 3}, 50, 2.5},
		{[]float64{1, 2, 3, 4, 5}, 99, 4.96},
		{[]float64{7}, 99, 7},
		{[]float64{2, 1}, 100, 2},
	} {
		if got := percentile(test.x, test.p); math.Abs(got-test.want) > 1e-9 {
			t.Errorf("percentile %v of %v is %v, want %v", test.p, test.x, got, test.want)
		}
	}
	if !math.IsNaN(median(nil)) {
		t.Error("the median of nothing is a number")
	}
}

// shell returns a shell's script as a program.
func shell(script string) *exec.Cmd { return exec.Command("sh", "-c", script) }

// TestMeasure times a child that sleeps between its lines.
func TestMeasure(t *testing.T) {
	p, err := measure(shell(`sleep 0.3; echo '{"kind":"step","step":1,"loss":2.3}'; sleep 0.5; echo '{"kind":"final","step":1,"correct":8}'`))
	if err != nil {
		t.Fatal(err)
	}
	if len(p.lines) != 2 || p.of("step")[0].Step != 1 || p.of("final")[0].Correct != 8 || p.memory < 1e6 {
		t.Fatalf("%+v", p)
	}
	first, gap := p.lines[0].at, p.lines[1].at-p.lines[0].at
	if first < 300*time.Millisecond || first > 5*time.Second || gap < 400*time.Millisecond || gap > 5*time.Second {
		t.Errorf("lines after %v and %v", first, first+gap)
	}
}

func TestRead(t *testing.T) {
	p := process{lines: []line{
		{Kind: "step", at: 2 * time.Second}, {Kind: "step", at: 3 * time.Second}, {Kind: "step", at: 3500 * time.Millisecond}, {Kind: "step", at: 4 * time.Second},
		{Kind: "epoch", at: 5 * time.Second, ValidationAccuracy: 0.5},
		{Kind: "final", at: 6 * time.Second},
	}}
	want := map[string]float64{"start": 2, "rate": 2, "evaluation": 2}
	if got, err := readTraining(p, 2, 4); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v, error %v, want %v", got, err, want)
	}
	if _, err := readTraining(p, 1, 5); err == nil || !strings.Contains(err.Error(), "4 steps and 1 final lines, want 5 and 1") {
		t.Errorf("error %v", err)
	}
	want = map[string]float64{"seconds": 5, "training": 3, "epochs": 1}
	if got, err := readAccuracy(p, 0.5); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v, error %v, want %v", got, err, want)
	}
	if _, err := readAccuracy(p, 0.6); err == nil || !strings.Contains(err.Error(), "0.5 after 1 epochs, want 0.6") {
		t.Errorf("error %v", err)
	}
}

func TestMeasureFails(t *testing.T) {
	for script, want := range map[string]string{
		"echo first >&2; echo why >&2; exit 3": "exit status 3: why",
		"echo no JSON; sleep 60":               `printed "no JSON"`,
	} {
		start := time.Now()
		if _, err := measure(shell(script)); err == nil || !strings.Contains(err.Error(), want) || time.Since(start) > 20*time.Second {
			t.Errorf("%s: error %v after %v, want %q", script, err, time.Since(start), want)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	start := time.Now()
	if _, err := measure(exec.CommandContext(ctx, "sleep", "60")); err == nil || time.Since(start) > 10*time.Second {
		t.Errorf("error %v after %v", err, time.Since(start))
	}
}

func TestReadTesting(t *testing.T) {
	b := &bench{temp: t.TempDir(), settings: settings{Passes: 3, Calls: 2}}
	p := process{lines: []line{
		{Kind: "evaluation", Seconds: 3, Correct: 1}, {Kind: "evaluation", Seconds: 1, Correct: 1}, {Kind: "evaluation", Seconds: 2, Correct: 1},
		{Kind: "latency", Calls: []float64{0.001, 0.003}},
	}}
	for _, test := range []struct{ name, classes, want string }{
		{"go", "\x01\x02", ""},
		{"keras", "\x01\x01", ""}, // rounds otherwise
		{reference, "\x01\x02", ""},
		{reference, "\x01\x03", "test image 1 is a 3 here, a 2 in the other program"},
		{reference, "\x01", "1 classes, want 2"},
	} {
		r := row{name: test.name}
		if err := os.WriteFile(b.classesFile(r), []byte(test.classes), 0o644); err != nil {
			t.Fatal(err)
		}
		got, err := readTesting(b, r, p)
		if test.want != "" {
			if err == nil || err.Error() != test.want {
				t.Errorf("%s %q: error %v, want %q", test.name, test.classes, err, test.want)
			}
			continue
		}
		want := map[string]float64{"evaluation": 2, "p50": 2, "p99": 2.98, "correct": 1}
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%v, error %v, want %v", got, err, want)
		}
	}
	p.lines = p.lines[1:]
	if _, err := readTesting(b, row{name: "go"}, p); err == nil {
		t.Error("no error of an evaluation that is missing")
	}
}

// TestStepFLOPs adds the layers' up by hand.
func TestStepFLOPs(t *testing.T) {
	conv1, conv2, conv3 := 2*28*28*32*9, 2*14*14*64*9*32, 2*7*7*128*9*64
	hidden, output := 2*2048*625, 2*625*10
	want := int64(128 * (2*conv1 + 3*(conv2+conv3+hidden+output)))
	if got, err := stepFLOPs(128); err != nil || got != want {
		t.Errorf("%d, error %v, want %d", got, err, want)
	}
}

func TestParse(t *testing.T) {
	for args, want := range map[string]string{
		"x":                             `unexpected argument "x"`,
		"-only go,goo":                  `no program "goo": want of go,`,
		"-rounds 0":                     "want at least 1",
		"-steps 429":                    "less than an epoch's 429",
		"-steps 20":                     "-warmup 20, -steps 20",
		"-to-accuracy 1.5":              "-to-accuracy 1.5: want more than 0, at most 1",
		"-to-accuracy 0":                "-to-accuracy 0: want more than 0",
		"-to-accuracy 0.9 -growth":      "-growth has no effect with -to-accuracy",
		"-to-accuracy 0.9 -rounds 2":    "-rounds has no effect",
		"-seeds 2":                      "-seeds has no effect with neither -to-accuracy nor -growth",
		"-growth -only go":              "-only has no effect with -growth",
		"-short -pytorch":               "-pytorch has no effect with -short",
		"-only go -pytorch":             "-pytorch has no effect with -only",
		"-best=-fast":                   "-best has no effect",
		"-wrong":                        "flag provided but not defined",
		"-short -to-accuracy 0.9 -o ''": "",
		"-growth -steps 100 -best -fast -data x -o y": "",
	} {
		_, err := parse(strings.Fields(args), io.Discard)
		if want == "" && err != nil || want != "" && (!errors.As(err, new(usageError)) || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: error %v, want %q", args, err, want)
		}
	}
	if s, err := parse([]string{"-short", "-steps", "30"}, io.Discard); err != nil || s.Steps != 30 || s.Rounds != 1 || s.Warmup != 2 {
		t.Errorf("%+v, error %v", s, err)
	}
}

func TestChosen(t *testing.T) {
	for _, test := range []struct {
		settings
		want string
	}{
		{settings{short: true}, "go go-bf16-fast python keras"},
		{settings{}, "go go-fast go-bf16 go-bf16-fast python python-bf16 keras keras-bf16"},
		{settings{only: []string{"pytorch", "go"}, short: true}, "go pytorch"},
	} {
		var got []string
		for _, r := range test.chosen(trainingRows) {
			got = append(got, r.name)
		}
		if strings.Join(got, " ") != test.want {
			t.Errorf("%v, want %s", got, test.want)
		}
	}
	if n := len(settings{pytorch: true}.chosen(trainingRows)); n != len(trainingRows) {
		t.Errorf("%d rows with -pytorch, want %d", n, len(trainingRows))
	}
}

func TestGrowthSteps(t *testing.T) {
	for _, test := range []struct{ batch, want int }{{32, 880}, {128, 220}, {1024, 27}} {
		if got := (growthRow{batch: test.batch}).steps(220, 3); got != test.want {
			t.Errorf("batch %d: %d steps, want %d", test.batch, got, test.want)
		}
	}
	if got := (growthRow{batch: 1024}).steps(12, 3); got != 3 {
		t.Errorf("%d steps, want at least 3", got)
	}
}

func TestSeeds(t *testing.T) {
	s, err := parse([]string{"-to-accuracy", "0.9", "-seeds", "2", "-best", "-batch 64"}, io.Discard)
	if err != nil || s.Rounds != 2 {
		t.Fatalf("%+v, error %v", s, err)
	}
	p := s.parts()[0]
	got := strings.Join(append(p.args(&bench{settings: s}, p.rows[0], 2), p.rows[0].args...), " ")
	if want := "-data  -target 0.9 -seed 2 -json -batch 64"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// measured is a benchmark of known samples.
func measured(t *testing.T) *bench {
	s := settings{only: []string{"go", reference, "peak"}, out: t.TempDir(), Rounds: 2}
	b := &bench{settings: s, stderr: io.Discard}
	b.parts = b.settings.parts()
	for round, rates := range [][]float64{{20, 10}, {30, 12}} {
		for i, name := range []string{"go", reference} {
			values := map[string]float64{"rate": rates[i], "start": 1, "evaluation": 2, "memory": 600, "p50": 1, "p99": 2, "correct": 9900}
			b.samples = append(b.samples, sample{round + 1, "training", name, values}, sample{round + 1, "testing", name, values})
		}
		b.samples = append(b.samples, sample{round + 1, "peak", "peak", map[string]float64{"gflops": 332.6254848}})
	}
	return b
}

func TestReport(t *testing.T) {
	b := measured(t)
	var out strings.Builder
	if err := b.report(&out); err != nil {
		t.Fatal(err)
	}
	words := strings.Join(strings.Fields(out.String()), " ")
	for _, want := range []string{
		"steps/s median min max / Python of the limit Go 25.00 20.00 30.00 2.27x 50 % Python 11.00 10.00 12.00 1.00x 22 %",
		"GFLOP/s median min max Go, MatMul 333 333 333",
		"6.65 GFLOP", "1/50.0 s in float32.", "TensorFlow 2.21.",
	} {
		if !strings.Contains(words, want) {
			t.Errorf("no %q in:\n%s", want, &out)
		}
	}
	svg, err := os.ReadFile(filepath.Join(b.out, "training.svg"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{">Go<", ">Python<", ">25.00<", ">limit of float32<", ">50.00<", "#0072B2", "#D55E00"} {
		if !bytes.Contains(svg, []byte(want)) {
			t.Errorf("no %q in training.svg", want)
		}
	}
	for _, name := range []string{"start.svg", "memory.svg", "testing.svg", "latency.svg"} {
		if _, err := os.Stat(filepath.Join(b.out, name)); err != nil {
			t.Error(err)
		}
	}
}

func TestWrite(t *testing.T) {
	b := measured(t)
	if err := b.write(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(b.out, "bench.json"))
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Machine  machine
		Settings settings
		Samples  []sample
	}
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	m := got.Machine
	if !reflect.DeepEqual(got.Samples, b.samples) || got.Settings.Rounds != 2 || m.CPU == "" || m.Cores < 1 || m.Memory < 1e8 || !strings.HasPrefix(m.TensorFlow, "2.21.") {
		t.Errorf("%+v", got)
	}
}

func TestGrowthPicture(t *testing.T) {
	b := &bench{settings: settings{growth: true, out: t.TempDir(), Rounds: 1}, stderr: io.Discard}
	b.parts = b.settings.parts()
	for i, g := range growthRows() {
		b.samples = append(b.samples, sample{1, "growth", g.name(), map[string]float64{"images": float64(1000 + 100*i), "rate": 1, "memory": 1}})
	}
	if err := b.report(io.Discard); err != nil {
		t.Fatal(err)
	}
	svg, err := os.ReadFile(filepath.Join(b.out, "growth.svg"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{">32<", ">1024<", ">threads: 1<", ">threads: 2<", ">images of a step<"} {
		if !bytes.Contains(svg, []byte(want)) {
			t.Errorf("no %q in growth.svg", want)
		}
	}
}

func TestTicks(t *testing.T) {
	for high, want := range map[float64]string{71: "0 10 20 30 40 50 60 70", 1.1: "0 0.2 0.4 0.6 0.8 1", 1300: "0 200 400 600 800 1000 1200", 2.4: "0 0.5 1 1.5 2"} {
		var got []string
		for _, tick := range ticks(0, high) {
			got = append(got, tick.Label)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("up to %v: %v, want %s", high, got, want)
		}
	}
}
