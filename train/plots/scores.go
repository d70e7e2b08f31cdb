package plots

import (
	"fmt"
	"image/color"
	"math"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"tfrunner/mnist"
)

// draw draws the matrix: what is right in blue, the mistakes in orange, the
// darker the more.
func (m confusion) draw() (picture, error) {
	const cell, left, top, digits = 54, 76, 92, mnist.Classes
	const width, height = left + digits*cell + 16, top + digits*cell + 16
	most := 1
	for t, row := range m {
		for p, n := range row {
			if t != p {
				most = max(most, n)
			}
		}
	}
	canvas := newCanvas(width, height)
	c := draw.New(canvas)
	at := func(x, y int) vg.Point { return vg.Point{X: vg.Length(x) * px, Y: vg.Length(height-y) * px} }
	write := func(x, y int, size vg.Length, ink color.Color, s string) {
		c.FillText(textStyle(size, ink), at(x, y), s)
	}
	const middle = left + digits*cell/2
	write(middle, 20, 17, color.Black, "Confusion matrix (test images)")
	write(middle, 50, 14, color.Black, "predicted digit")
	style := textStyle(14, color.Black)
	style.Rotation = math.Pi / 2
	c.FillText(style, at(24, top+digits*cell/2), "true digit")
	for t, row := range m {
		write(left-16, top+t*cell+cell/2, 14, color.Black, strconv.Itoa(t))
		write(left+t*cell+cell/2, top-16, 14, color.Black, strconv.Itoa(t))
		for p, n := range row {
			fill, ink := color.Color(color.White), color.Color(color.Black)
			switch {
			case t == p:
				fill, ink = palette[0], color.White
			case n > 0:
				fill = orange(float64(n) / float64(most))
			default:
				ink = color.Gray{0x76}
			}
			x, y := left+p*cell, top+t*cell
			corners := []vg.Point{at(x+1, y+1), at(x+cell-1, y+1), at(x+cell-1, y+cell-1), at(x+1, y+cell-1)}
			c.FillPolygon(fill, corners)
			c.StrokeLines(draw.LineStyle{Color: color.Gray{0xD0}, Width: px}, append(corners, corners[0]))
			write(x+cell/2, y+cell/2, 14, ink, strconv.Itoa(n))
		}
	}
	right, total := m.correct()
	return picture{
		Name: "confusion", Title: "Confusion matrix",
		Caption: "Test images by their digit (rows) and the predicted one (columns). Blue: right; orange: wrong, the deeper the more.",
		Alt:     fmt.Sprintf("Matrix of 10 by 10 counts; %d of %d are on the diagonal.", right, total),
	}.encode(canvas)
}

// orange returns white for 0 to orange for 1, on which black is readable.
func orange(part float64) color.Color {
	part = 0.15 + 0.85*part
	mix := func(full float64) uint8 { return uint8(255 + part*(full-255)) }
	return color.RGBA{mix(0xE6), mix(0x9F), mix(0x00), 0xFF}
}

// scores draws the digits' precision and recall.
func scores(all [mnist.Classes]score) (picture, error) {
	p := newPlot("Precision and recall of each digit", "digit", "test images (%)")
	p.Add(gridLines())
	for i, kind := range []struct {
		name string
		of   func(score) float64
	}{
		{"precision: of the images predicted to be the digit, those that are", func(s score) float64 { return s.Precision }},
		{"recall: of the images of the digit, those predicted to be", func(s score) float64 { return s.Recall }},
	} {
		var points plotter.XYs
		for _, s := range all {
			if v := kind.of(s); !math.IsNaN(v) {
				points = append(points, plotter.XY{X: float64(s.Digit) + 0.24*float64(i) - 0.12, Y: 100 * v})
			}
		}
		if err := add(p, points, style{color: palette[i], shape: []draw.GlyphDrawer{draw.CircleGlyph{}, draw.PyramidGlyph{}}[i], marks: true, size: 5}, kind.name); err != nil {
			return picture{}, err
		}
	}
	var ticks plot.ConstantTicks
	for d := range all {
		ticks = append(ticks, plot.Tick{Value: float64(d), Label: strconv.Itoa(d)})
	}
	p.X.Tick.Marker, p.Y.Tick.Marker = ticks, steps(0.01)
	p.X.Min, p.X.Max = -0.5, mnist.Classes-0.5
	margin := max(0.2, (p.Y.Max-p.Y.Min)/20)
	p.Y.Min, p.Y.Max = max(0, p.Y.Min-margin), min(100, p.Y.Max+margin)
	return picture{
		Name: "precision-recall", Title: "Precision and recall",
		Caption: "The axis does not begin at 0. The table has the figures.",
		Alt:     "A dot for the precision and a triangle for the recall of each digit; the table below has the figures.",
	}.drawPlot(p, 720, 360)
}
