package plots

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"image/color"
	"image/png"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
	"gonum.org/v1/plot"

	"tfrunner/graph"
	"tfrunner/mnist"
	"tfrunner/scripts/python"
	"tfrunner/train"
)

// small returns few digits.
func small(t *testing.T) mnist.Data {
	t.Helper()
	dir, err := mnist.Dir()
	if err != nil {
		t.Fatal(err)
	}
	d, err := mnist.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	return mnist.Data{Train: d.Train.Slice(0, 640), Validation: d.Validation.Slice(0, 100), Test: d.Test.Slice(0, 700)}
}

// trained returns the folder of a small model's run.
func trained(t *testing.T, d mnist.Data, seed int64) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), fmt.Sprint("run <", seed, ">"))
	trainer, err := train.New(train.Config{
		Model:     graph.ConvNet{Filters: [3]int64{4, 4, 8}, Hidden: 17, Seed: seed, Stddev: 0.1},
		Optimizer: graph.RMSProp{LearningRate: 0.001, Decay: 0.9, Epsilon: 1e-10},
		Epochs:    2, Batch: 64, KeepConv: 0.8, KeepHidden: 0.5, Out: dir, Keep: 2,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer trainer.Close()
	if err := trainer.Run(context.Background(), d, train.History(dir)); err != nil {
		t.Fatal(err)
	}
	return dir
}

var (
	curveNames = []string{"loss", "accuracy"}
	modelNames = []string{
		"confusion", "precision-recall", "misclassified", "filters", "activations-X",
		"activations-conv1-Conv2D", "activations-conv1-Relu", "activations-conv1-MaxPool",
		"activations-conv2-Conv2D", "activations-conv2-Relu", "activations-conv2-MaxPool",
		"activations-conv3-Conv2D", "activations-conv3-Relu", "activations-conv3-MaxPool",
		"activations-hidden-MatMul", "activations-hidden-Relu", "activations-output-MatMul", "activations-probabilities",
	}
)

// checkFolder wants the pictures of these names in a run's folder, in its report
// no others, and the report to need nothing else.
func checkFolder(t *testing.T, dir string, names []string) (text string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(dir, Folder))
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != len(names) {
		t.Errorf("files %v, want those of %v", entries, names)
	}
	var want [][]byte
	for _, name := range names {
		data, err := os.ReadFile(filepath.Join(dir, Folder, name+".png"))
		if err != nil {
			t.Fatal(err)
		}
		size, err := png.DecodeConfig(bytes.NewReader(data))
		if err != nil || size.Width < 480 || size.Width > 1640 || size.Height < 200 || size.Height > 2000 || len(data) > 250e3 {
			t.Errorf("%s: %d bytes, %d by %d, error %v", name, len(data), size.Width, size.Height, err)
		}
		want = append(want, data)
	}
	file, err := os.Open(filepath.Join(dir, "report.html"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	page, err := html.Parse(file)
	if err != nil {
		t.Fatal(err)
	}
	var got [][]byte
	var words []string
	for n := range page.Descendants() {
		if n.Type == html.TextNode && n.Parent.Data != "style" {
			words = append(words, strings.Fields(n.Data)...)
		}
		if slices.Contains([]string{"script", "link", "iframe", "a", "object"}, n.Data) && n.Type == html.ElementNode ||
			n.Data == "style" && n.FirstChild != nil && strings.Contains(n.FirstChild.Data, "url(") {
			t.Errorf("the report has a %s", n.Data)
		}
		attributes := map[string]string{}
		for _, a := range n.Attr {
			attributes[a.Key] = a.Val
		}
		if n.Data == "img" {
			encoded, ok := strings.CutPrefix(attributes["src"], "data:image/png;base64,")
			data, err := base64.StdEncoding.DecodeString(encoded)
			if !ok || err != nil || attributes["alt"] == "" || attributes["width"] == "" {
				t.Errorf("an image of src %.40q, alt %q, width %q", attributes["src"], attributes["alt"], attributes["width"])
			}
			got = append(got, data)
		} else if attributes["src"]+attributes["href"] != "" {
			t.Errorf("the report needs %v", n.Attr)
		}
	}
	if !slices.EqualFunc(got, want, bytes.Equal) {
		t.Errorf("the report has %d pictures, which are not the %d of %v", len(got), len(want), names)
	}
	return strings.Join(words, " ")
}

func TestWrite(t *testing.T) {
	d := small(t)
	dir := trained(t, d, 7)
	missing, err := Write(context.Background(), dir, "cpu", d.Test)
	if err != nil || missing != nil {
		t.Fatalf("missing %q, error %v", missing, err)
	}
	text := checkFolder(t, dir, slices.Concat(curveNames, modelNames))
	model, err := train.OpenRun(dir, "cpu")
	if err != nil {
		t.Fatal(err)
	}
	defer model.Close()
	right, err := model.Evaluate(context.Background(), d.Test)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"run <7>",
		fmt.Sprintf("best checkpoint %.2f %% (%d of 700)", float64(right)/7, right),
		"filters [4, 4, 8]", "optimizer rmsprop", "TensorFlow 2.21.", "devices cpu:0",
		"Conv2D conv3/Conv2D [?, 7, 7, 8] 288", "total 2814",
		fmt.Sprintf("%d of the %d test images", min(100, 700-right), 700-right),
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in the report: %s", want, text)
		}
	}
	if strings.Contains(text, "Missing") {
		t.Error("the report says that something is missing")
	}
}

// TestMissing takes a run's parts away.
func TestMissing(t *testing.T) {
	d := small(t)
	for _, test := range []struct {
		name    string
		removed []string
		left    []string
		want    string
	}{
		{"no checkpoint", []string{"best", "checkpoint"}, curveNames, "filters, activation maps: no checkpoint yet"},
		{"no history", []string{"history.jsonl"}, modelNames, "loss curve: nothing of it in history.jsonl"},
	} {
		dir := trained(t, d, 7)
		for _, name := range test.removed {
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
		missing, err := Write(context.Background(), dir, "cpu", d.Test)
		if err != nil || !strings.Contains(strings.Join(missing, "\n"), test.want) {
			t.Errorf("%s: missing %q, error %v, want %q", test.name, missing, err, test.want)
		}
		if text := checkFolder(t, dir, test.left); !strings.Contains(text, test.want) || !strings.Contains(text, "total 2814") {
			t.Errorf("%s: no %q or no shapes in the report", test.name, test.want)
		}
	}
	if _, err := Write(context.Background(), t.TempDir(), "cpu", d.Test); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no run: error %v", err)
	}
}

func TestInterrupt(t *testing.T) {
	d := small(t)
	dir := trained(t, d, 7)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Write(ctx, dir, "cpu", d.Test); !errors.Is(err, train.ErrInterrupted) {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "report.html")); err == nil {
		t.Error("there is a report")
	}
}

// TestCompare wants a line of its own colour for each run.
func TestCompare(t *testing.T) {
	d := small(t)
	dirs := []string{trained(t, d, 7), trained(t, d, 8)}
	for n := 1; n <= 2; n++ {
		out := filepath.Join(t.TempDir(), "out")
		if err := Compare(dirs[:n], out); err != nil {
			t.Fatal(err)
		}
		found := colours(t, filepath.Join(out, "loss.png"))
		if found[palette[0]] < 300 || (found[palette[1]] >= 300) != (n == 2) {
			t.Errorf("%d runs: %d pixels blue, %d vermilion", n, found[palette[0]], found[palette[1]])
		}
		if found := colours(t, filepath.Join(out, "accuracy.png")); found[palette[0]] < 300 || found[palette[1]] < 100 {
			t.Errorf("%d runs: %d pixels blue, %d vermilion", n, found[palette[0]], found[palette[1]])
		}
	}
	if err := Compare([]string{dirs[0], t.TempDir()}, t.TempDir()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no history: error %v", err)
	}
}

// colours counts a file's pixels by colour.
func colours(t *testing.T, file string) map[color.Color]int {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	found := map[color.Color]int{}
	for y := range img.Bounds().Dy() {
		for x := range img.Bounds().Dx() {
			found[color.RGBAModel.Convert(img.At(x, y))]++
		}
	}
	return found
}

// TestAdd counts images of which the results are known.
func TestAdd(t *testing.T) {
	var r results
	for image, label := range []int{0, 0, 3} {
		row := make([]float32, mnist.Classes)
		row[0], row[9] = 0.5, 0.5-0.25*float32(image) // the first of two equally likely ones
		r.add(image, label, row)
	}
	if r.matrix[0][0] != 2 || r.matrix[3][0] != 1 || !slices.Equal(r.mistakes, []mistake{{2, 3, 0, 0.5}}) {
		t.Errorf("%+v", r)
	}
}

func TestScores(t *testing.T) {
	var m confusion
	m[0][0], m[0][1], m[1][1], m[2][1] = 3, 1, 2, 2
	s := m.scores()
	for _, test := range []struct{ got, want float64 }{
		{s[0].Precision, 1}, {s[0].Recall, 0.75}, {s[1].Precision, 0.4}, {s[1].Recall, 1}, {s[2].Recall, 0},
		{float64(s[0].Images), 4}, {float64(s[2].Images), 2},
	} {
		if test.got != test.want {
			t.Errorf("%+v", s[:3])
		}
	}
	if !math.IsNaN(s[2].Precision) || !math.IsNaN(s[3].Recall) || percent(s[3].Recall) != "–" {
		t.Errorf("%+v: want NaN where there is no image", s[:4])
	}
	if _, err := scores(s); err != nil {
		t.Error(err)
	}
}

// TestNumPy holds the matrix and the scores against NumPy's, of a run's test.
func TestNumPy(t *testing.T) {
	d := small(t)
	model, err := train.OpenRun(trained(t, d, 7), "cpu")
	if err != nil {
		t.Fatal(err)
	}
	defer model.Close()
	r, err := predict(context.Background(), model, d.Test)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.IsSortedFunc(r.mistakes, func(a, b mistake) int { return int(1e6 * (b.confidence - a.confidence)) }) {
		t.Errorf("mistakes out of order: %v", r.mistakes)
	}
	classes, err := model.Classes(context.Background(), d.Test)
	if err != nil {
		t.Fatal(err)
	}
	labels := make([]int, d.Test.Len())
	for i, l := range d.Test.Labels {
		labels[i] = int(l)
	}
	input, err := json.Marshal([]any{labels, classes})
	if err != nil {
		t.Fatal(err)
	}
	script := filepath.Join(t.TempDir(), "scores.py")
	if err := os.WriteFile(script, []byte(`
import json, sys, numpy as np
true, predicted = map(np.array, json.load(sys.stdin))
m = np.zeros((10, 10), int)
np.add.at(m, (true, predicted), 1)
with np.errstate(invalid="ignore"):
    print(json.dumps([m.tolist(), np.nan_to_num(m.diagonal() / m.sum(0), nan=-1).tolist(), (m.diagonal() / m.sum(1)).tolist()]))
`), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd, err := python.Command(context.Background(), os.Stderr, script)
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdin = bytes.NewReader(input)
	out, err := python.Output(cmd)
	if err != nil {
		t.Fatal(err)
	}
	var matrix confusion
	var precision, recall []float64
	if err := json.Unmarshal(out, &[]any{&matrix, &precision, &recall}); err != nil {
		t.Fatal(err)
	}
	if r.matrix != matrix {
		t.Errorf("matrix %v, NumPy's %v", r.matrix, matrix)
	}
	for i, s := range r.matrix.scores() {
		if math.IsNaN(s.Precision) {
			s.Precision = -1
		}
		if s.Precision != precision[i] || s.Recall != recall[i] {
			t.Errorf("%+v, NumPy's precision %g, recall %g", s, precision[i], recall[i])
		}
	}
}

// TestMatrix looks at the cells' colours.
func TestMatrix(t *testing.T) {
	m := confusion{{5, 1, 0, 4}}
	p, err := m.draw()
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(p.PNG))
	if err != nil {
		t.Fatal(err)
	}
	for column, want := range []color.Color{palette[0], orange(0.25), color.RGBA{255, 255, 255, 255}, palette[4]} {
		if got := color.RGBAModel.Convert(img.At(scale*(76+54*column+8), scale*(92+8))); got != want {
			t.Errorf("column %d is %v, want %v", column, got, want)
		}
	}
}

func TestColour(t *testing.T) {
	nan := float32(math.NaN())
	for _, test := range []struct {
		values values
		note   string
	}{
		{values{{0, 2}, {1, nan}}, "black is 0, white 2"},
		{values{{-1, 4}, {0, nan}}, "blue is -4, grey 0, red 4"},
		{values{{0, 0}, {0, nan}}, "all are 0"},
	} {
		tiles, note, err := colour([]values{test.values})
		if err != nil || note != test.note || len(tiles) != 1 {
			t.Fatalf("%v: %d tiles, note %q, error %v", test.values, len(tiles), note, err)
		}
		if r, g, b, _ := tiles[0].image.At(1, 1).RGBA(); r != 0xFFFF || g != r || b != r {
			t.Errorf("%v: NaN is not white", test.values)
		}
	}
	if got := fmt.Sprint(folded([]float32{1, 2, 3, 4, 5})); got != "[[1 2 3] [4 5 NaN]]" {
		t.Errorf("folded %s", got)
	}
}

// TestTicks wants few labels that are round, in the data's range.
func TestTicks(t *testing.T) {
	for _, test := range []struct {
		ticker    plot.Ticker
		low, high float64
		want      string
	}{
		{steps(1), 1, 2, "1 2"},
		{steps(1), 1, 100, "10 20 30 40 50 60 70 80 90 100"},
		{steps(1), 1, 42900, "5000 10000 15000 20000 25000 30000 35000 40000"},
		{steps(0.01), 99.2, 99.4, "99.2 99.25 99.3 99.35 99.4"},
		{decades{}, math.Log10(0.04), math.Log10(2.3), "0.05 0.1 0.2 0.5 1 2"},
	} {
		var labels []string
		for _, tick := range test.ticker.Ticks(test.low, test.high) {
			labels = append(labels, tick.Label)
		}
		if got := strings.Join(labels, " "); got != test.want {
			t.Errorf("%g to %g: %s, want %s", test.low, test.high, got, test.want)
		}
	}
}
