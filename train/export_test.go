package train_test

import (
	"bytes"
	"context"
	"image"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	tf "github.com/tensorflow/tensorflow/tensorflow/go"

	"tfrunner/mnist"
	"tfrunner/scripts/python"
	"tfrunner/train"
)

// trained returns a trainer that has trained for some steps, and some images.
func trained(t *testing.T) (*train.Trainer, mnist.Set) {
	t.Helper()
	d := load(t)
	c := tutorial(7)
	c.Steps = 5
	trainer := newTrainer(t, c)
	d.Test = d.Test.Slice(0, 100)
	if err := trainer.Run(context.Background(), d, new(records)); err != nil {
		t.Fatal(err)
	}
	return trainer, d.Test
}

// TestExport has each of Python's loaders run an exported SavedModel, and wants
// the bits of the training session's probabilities.
func TestExport(t *testing.T) {
	trainer, images := trained(t)
	dir := filepath.Join(t.TempDir(), "models", "1")
	if err := trainer.Export(dir); err != nil {
		t.Fatal(err)
	}
	out := t.TempDir()
	pixels, encoded := filepath.Join(out, "pixels"), filepath.Join(out, "image.png")
	if err := os.WriteFile(pixels, images.Pixels, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(encoded, pngOf(t, images.Slice(0, 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd, err := python.Command(context.Background(), os.Stderr, "../scripts/exported.py", dir, pixels, encoded, out)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := python.Output(cmd); err != nil {
		t.Fatal(err)
	}
	for _, way := range []string{"load", "pixels", "keras", "v1", "cli", "encoded"} {
		images := images
		if way == "encoded" {
			images = images.Slice(0, 1)
		}
		probabilities, err := trainer.Probabilities(images)
		if err != nil {
			t.Fatal(err)
		}
		classes, err := trainer.Classes(context.Background(), images)
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]any{"probabilities": probabilities, "classes": classes} {
			got, err := os.ReadFile(filepath.Join(out, way+"."+name))
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, bits(t, want)) {
				t.Errorf("%s gives other %s than the training session", way, name)
			}
		}
	}
}

// bits returns the bytes of a tensor, or of what becomes one.
func bits(t *testing.T, value any) []byte {
	t.Helper()
	x, ok := value.(*tf.Tensor)
	if !ok {
		var err error
		if x, err = tf.NewTensor(value); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	if _, err := x.WriteContentsTo(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func picture(images mnist.Set) *image.Gray {
	return &image.Gray{Pix: images.Pixels, Stride: mnist.Cols, Rect: image.Rect(0, 0, mnist.Cols, mnist.Rows)}
}

func pngOf(t *testing.T, images mnist.Set) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, picture(images)); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestSignatures runs the exported signatures from Go.
func TestSignatures(t *testing.T) {
	trainer, images := trained(t)
	dir := filepath.Join(t.TempDir(), "model")
	if err := trainer.Export(dir); err != nil {
		t.Fatal(err)
	}
	m, err := tf.LoadSavedModel(dir, []string{"serve"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Session.Close()
	run := func(g *tf.Graph, session *tf.Session, input string, value any) []byte {
		t.Helper()
		x, ok := value.(*tf.Tensor)
		if !ok {
			if x, err = tf.NewTensor(value); err != nil {
				t.Fatal(err)
			}
		}
		out, err := session.Run(map[tf.Output]*tf.Tensor{g.Operation(input).Output(0): x},
			[]tf.Output{g.Operation("probabilities/Softmax").Output(0)}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return bits(t, out[0])
	}
	pixels, err := tf.ReadTensor(tf.Uint8, []int64{100, 28, 28, 1}, bytes.NewReader(images.Pixels))
	if err != nil {
		t.Fatal(err)
	}
	all, err := trainer.Probabilities(images)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(run(m.Graph, m.Session, "pixels", pixels), bits(t, all)) {
		t.Error("pixels: other probabilities than the training session")
	}

	// Of a file, the one image counts: as it is in a PNG, nearly so in a JPEG,
	// and averaged in a larger picture.
	first, err := trainer.Probabilities(images.Slice(0, 1))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(run(m.Graph, m.Session, "encoded", string(pngOf(t, images.Slice(0, 1)))), bits(t, first)) {
		t.Error("a PNG: other probabilities")
	}
	large := image.NewGray(image.Rect(0, 0, 3*mnist.Cols, 3*mnist.Rows))
	for y := range large.Rect.Dy() {
		for x := range large.Rect.Dx() {
			large.SetGray(x, y, picture(images.Slice(0, 1)).GrayAt(x/3, y/3))
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, large); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(run(m.Graph, m.Session, "encoded", b.String()), bits(t, first)) {
		t.Error("a PNG of three times the size: other probabilities")
	}
	b.Reset()
	if err := jpeg.Encode(&b, large, nil); err != nil {
		t.Fatal(err)
	}
	if n := len(run(m.Graph, m.Session, "encoded", b.String())); n != 40 {
		t.Errorf("a JPEG: %d bytes of probabilities, want 40", n)
	}

	// The frozen graph.
	file := filepath.Join(t.TempDir(), "model.pb")
	if err := trainer.Freeze(file); err != nil {
		t.Fatal(err)
	}
	def, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	g := tf.NewGraph()
	if err := g.Import(def, ""); err != nil {
		t.Fatal(err)
	}
	for _, o := range g.Operations() {
		if o.Type() == "VarHandleOp" || o.Type() == "RandomStandardNormal" {
			t.Errorf("%s is left in the frozen graph", o.Name())
		}
	}
	session, err := tf.NewSession(g, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	if !bytes.Equal(run(g, session, "pixels", pixels), bits(t, all)) {
		t.Error("frozen: other probabilities than the training session")
	}
}

func TestExportErrors(t *testing.T) {
	trainer, _ := trained(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("kept"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, target := range []string{dir, file, filepath.Join(file, "model")} {
		if err := trainer.Export(target); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %v", target, err)
		}
	}
	if err := trainer.Freeze(filepath.Join(file, "model.pb")); err == nil {
		t.Error("frozen below a file")
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("left %v, error %v", left, err)
	}
	if data, err := os.ReadFile(file); err != nil || string(data) != "kept" {
		t.Errorf("%q, error %v", data, err)
	}
}
