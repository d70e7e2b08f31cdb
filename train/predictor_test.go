package train_test

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tfrunner/mnist"
	"tfrunner/scripts/python"
	"tfrunner/train"
)

// savedModels returns the folder that scripts/digitmodels.py writes.
func savedModels(t testing.TB) string {
	t.Helper()
	data, err := mnist.Dir()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := python.Files(context.Background(), os.Stderr, "../scripts/digitmodels.py", data)
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// probabilities runs a model that scripts/digitmodels.py wrote.
func probabilities(t *testing.T, name string, pixels []byte) [][]float32 {
	t.Helper()
	p, err := train.OpenPredictor(filepath.Join(savedModels(t), name), train.Compute{Device: "cpu"})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	rows, err := p.Probabilities(pixels)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// TestPredictor wants Python's answers from each form of the model.
func TestPredictor(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(savedModels(t), "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	var want []int
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	test := load(t).Test.Slice(0, len(want))
	right := 0
	var first [][]float32
	for _, name := range []string{"keras", "pixels", "logits", "flat"} {
		rows := probabilities(t, name, test.Pixels)
		if len(rows) != len(want) {
			t.Fatalf("%s: %d rows for %d images", name, len(rows), len(want))
		}
		if first == nil {
			first = rows
		}
		for i, row := range rows {
			class := slices.Index(row, slices.Max(row))
			if class != want[i] {
				t.Errorf("%s: image %d is a %d, want %d as in Python", name, i, class, want[i])
			}
			if class == int(test.Labels[i]) {
				right++
			}
			for c, p := range row {
				if math.Abs(float64(p-first[i][c])) > 1e-5 {
					t.Errorf("%s: image %d is a %d with %v, want %v", name, i, c, p, first[i][c])
				}
			}
		}
	}
	if right < 4*len(want)*95/100 {
		t.Errorf("%d of %d right", right, 4*len(want))
	}
}

func TestPredictorErrors(t *testing.T) {
	models := savedModels(t)
	truncated := t.TempDir()
	data, err := os.ReadFile(filepath.Join(models, "keras", "saved_model.pb"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(truncated, "saved_model.pb"), data[:len(data)/2], 0o644); err != nil {
		t.Fatal(err)
	}
	noVariables := t.TempDir()
	if err := os.WriteFile(filepath.Join(noVariables, "saved_model.pb"), data, 0o644); err != nil {
		t.Fatal(err)
	}
	empty, begun, imported := t.TempDir(), t.TempDir(), t.TempDir()
	for dir, config := range map[string]string{begun: `{"hidden": 5}`, imported: `{"graph-sha256": "1"}`} {
		if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(config), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct{ dir, device, want string }{
		{"missing", "", "no model in missing: want a run's folder, with its config.json, or a SavedModel, with its saved_model.pb"},
		{empty, "", "no model in " + empty},
		{begun, "", begun + " is neither a run's folder with a checkpoint nor a SavedModel"},
		{imported, "", "the run in " + imported + " trains an imported graph"},
		{truncated, "", filepath.Join(truncated, "saved_model.pb") + ", of "},
		{noVariables, "", "no " + filepath.Join(noVariables, "variables", "variables.index")},
		{filepath.Join(models, "other"), "", "that gives float32 [?, 10]; there is serving_default (x float32 [?, 5], y int64 [?]) to (count int64 [?], sum float32 [?, 5])"},
		{filepath.Join(models, "ambiguous"), "", "there is serving_default (images float32 [?, 28, 28, 1]) to (others float32 [?, 10], scores float32 [?, 10])"},
		{filepath.Join(models, "broken"), "", "the model gives [NaN"},
		{filepath.Join(models, "keras"), "tpu", "device tpu: want auto, cpu"},
	} {
		p, err := train.OpenPredictor(test.dir, train.Compute{Device: test.device})
		if err == nil {
			_, err = p.Probabilities(make([]byte, 784))
			p.Close()
		}
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %v, want %s", test.dir, err, test.want)
		}
	}
	p, err := train.OpenPredictor(filepath.Join(models, "keras"), train.Compute{Device: "cpu"})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if rows, err := p.Probabilities(nil); rows != nil || err != nil {
		t.Errorf("no images: %v, %v", rows, err)
	}
	if _, err := p.Probabilities(make([]byte, 785)); err == nil || !strings.Contains(err.Error(), "785 bytes") {
		t.Errorf("error %v, want one of 785 bytes", err)
	}
}

// TestPredictorOfTrainer wants the training session's bits from a run's folder,
// whose best checkpoint is its last, and from an export.
func TestPredictorOfTrainer(t *testing.T) {
	data := small(t, 5*128)
	c := inFolder(filepath.Join(t.TempDir(), "run"))
	c.Epochs = 1
	trainer := newTrainer(t, c)
	if err := trainer.Run(context.Background(), data, new(records)); err != nil {
		t.Fatal(err)
	}
	tensor, err := trainer.Probabilities(data.Test)
	if err != nil {
		t.Fatal(err)
	}
	model := filepath.Join(t.TempDir(), "model")
	if err := trainer.Export(model); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{c.Out, model} {
		p, err := train.OpenPredictor(dir, train.Compute{Device: "cpu"})
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		rows, err := p.Probabilities(data.Test.Pixels)
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range tensor.Value().([][]float32) {
			if !slices.Equal(rows[i], want) {
				t.Fatalf("%s: image %d: %v, want %v", dir, i, rows[i], want)
			}
		}
	}
}
