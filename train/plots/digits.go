package plots

import (
	"fmt"
	"image"
	"image/color"
	"math"
	"slices"
	"strconv"
	"strings"

	tf "github.com/tensorflow/tensorflow/tensorflow/go"
	"gonum.org/v1/plot/palette/moreland"

	"tfrunner/graph"
	"tfrunner/mnist"
	"tfrunner/train"
)

// maxMistakes is how many misclassified digits are drawn at most.
const maxMistakes = 100

// wrongDigits draws the misclassified images of a set.
func wrongDigits(r results, set mnist.Set) (picture, error) {
	shown := r.mistakes[:min(maxMistakes, len(r.mistakes))]
	var tiles []tile
	for _, m := range shown {
		pixels := set.Slice(m.image, m.image+1).Pixels
		tiles = append(tiles, tile{
			image: &image.Gray{Pix: pixels, Stride: mnist.Cols, Rect: image.Rect(0, 0, mnist.Cols, mnist.Rows)},
			label: fmt.Sprintf("%d → %d", m.label, m.predicted),
		})
	}
	note := fmt.Sprintf("true → predicted; %d of %d wrong ones, the most confident first", len(shown), len(r.mistakes))
	return picture{
		Name: "misclassified", Title: "Misclassified test digits",
		Caption: fmt.Sprintf("%d of the %s whose digit the model does not see, those of which it is surest first.",
			len(shown), plural(len(r.mistakes), "test image")),
		Alt: fmt.Sprintf("Grid of %s, below each its true digit and the predicted one.", plural(len(shown), "misclassified digit")),
	}.drawTiles(grid{title: "Misclassified test digits", note: note, cols: 10, size: 56, label: 22, wide: 480}, tiles)
}

// filters draws those of the first layer.
func filters(t *train.Trainer) (picture, error) {
	out, err := t.Values(t.Model().Weights[:1])
	if err != nil {
		return picture{}, err
	}
	w := out[0].Value().([][][][]float32) // [3, 3, 1, filters]
	maps := make([]values, len(w[0][0][0]))
	for f := range maps {
		for _, row := range w {
			var line []float32
			for _, cell := range row {
				line = append(line, cell[0][f])
			}
			maps[f] = append(maps[f], line)
		}
	}
	tiles, note, err := colour(maps)
	if err != nil {
		return picture{}, err
	}
	return picture{
		Name: "filters", Title: "First-layer filters",
		Caption: fmt.Sprintf("The weights of the %d filters of conv1, on one scale of colours.", len(maps)),
		Alt:     fmt.Sprintf("Grid of %d filters of 3 by 3 weights; %s.", len(maps), note),
	}.drawTiles(grid{title: "First-layer filters (conv1)", note: note, cols: 8, size: 72, wide: 480}, tiles)
}

// activations draws the values of each layer for one digit.
func activations(t *train.Trainer, digit mnist.Set, write func(func() (picture, error)) error) error {
	m := t.Model()
	layers := slices.DeleteFunc(graph.Layers(m.X, m.TestPyX), func(l graph.Layer) bool { return l.Op == "Reshape" })
	tensors := []tf.Output{m.X}
	names := []string{"X"}
	for _, l := range layers {
		tensors = append(tensors, t.Graph().Operation(l.Name).Output(0))
		names = append(names, strings.TrimPrefix(l.Name, "test/"))
	}
	tensors, names = append(tensors, m.TestProbabilities), append(names, "probabilities")
	out, err := t.Fetch(digit, tensors...)
	if err != nil {
		return err
	}
	for i, tensor := range out {
		if err := write(func() (picture, error) { return activation(names[i], tensor, digit.Labels[0]) }); err != nil {
			return err
		}
	}
	return nil
}

// activation draws a layer's values, [1, rows, cols, maps] or [1, units].
func activation(name string, tensor *tf.Tensor, digit byte) (picture, error) {
	g := grid{cols: 16, size: 42, wide: 480}
	var maps []values
	what := "maps"
	switch v := tensor.Value().(type) {
	case [][][][]float32:
		maps = channels(v[0])
		if len(maps) == 1 {
			g.size = 112
		}
	case [][]float32:
		if what = "units"; len(v[0]) > g.cols {
			maps, g.size = []values{folded(v[0])}, 320
			break
		}
		g.label = 20
		for _, x := range v[0] {
			maps = append(maps, values{{x}})
		}
	default:
		return picture{}, fmt.Errorf("%s: values of type %T: want float32 [1, units] or [1, rows, cols, maps]", name, v)
	}
	tiles, note, err := colour(maps)
	if err != nil {
		return picture{}, err
	}
	if g.label > 0 {
		for i := range tiles {
			tiles[i].label = strconv.Itoa(i)
		}
	}
	g.title, g.note = fmt.Sprintf("%s for a %d", name, digit), note
	return picture{
		Name: "activations-" + strings.ReplaceAll(name, "/", "-"), Title: "Activations: " + name,
		Caption: fmt.Sprintf("%s, of shape %v, for the first test digit, a %d.", name, tensor.Shape()[1:], digit),
		Alt:     fmt.Sprintf("The %s of %s for a %d; %s.", what, name, digit, note),
	}.drawTiles(g, tiles)
}

// values are those of a map, by rows.
type values [][]float32

// channels returns the maps of an image's values, [rows, cols, maps].
func channels(v [][][]float32) []values {
	maps := make([]values, len(v[0][0]))
	for c := range maps {
		for _, row := range v {
			var line []float32
			for _, cell := range row {
				line = append(line, cell[c])
			}
			maps[c] = append(maps[c], line)
		}
	}
	return maps
}

// folded lays units out as a square, row by row; what is over is NaN.
func folded(units []float32) (v values) {
	side := int(math.Ceil(math.Sqrt(float64(len(units)))))
	for len(units) > 0 {
		line := slices.Clone(units[:min(side, len(units))])
		units = units[len(line):]
		for len(line) < side {
			line = append(line, float32(math.NaN()))
		}
		v = append(v, line)
	}
	return v
}

// colour returns maps as tiles on one scale of colours, and says which: from
// black over red and yellow to white, or from blue over grey to red around 0 if
// there are negative values. NaN stays white.
func colour(maps []values) (tiles []tile, note string, err error) {
	var low, high float64
	for _, m := range maps {
		for _, line := range m {
			for _, x := range line {
				if v := float64(x); !math.IsNaN(v) {
					low, high = min(low, v), max(high, v)
				}
			}
		}
	}
	colours := moreland.BlackBody()
	if low < 0 {
		colours = moreland.SmoothBlueRed()
		high = max(high, -low)
		low = -high
		note = fmt.Sprintf("blue is %.2g, grey 0, red %.2g", low, high)
	} else {
		note = fmt.Sprintf("black is 0, white %.2g", high)
	}
	if high == low {
		high, note = 1, "all are 0"
	}
	colours.SetMin(low)
	colours.SetMax(high)
	for _, m := range maps {
		img := image.NewRGBA(image.Rect(0, 0, len(m[0]), len(m)))
		for y, line := range m {
			for x, v := range line {
				c := color.Color(color.White)
				if v == v {
					if c, err = colours.At(float64(v)); err != nil {
						return nil, "", err
					}
				}
				img.Set(x, y, c)
			}
		}
		tiles = append(tiles, tile{image: img})
	}
	return tiles, note, nil
}
