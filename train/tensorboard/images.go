package tensorboard

import (
	"fmt"
	"image"
	"image/color"
	"math"

	tf "github.com/tensorflow/tensorflow/tensorflow/go"
	"golang.org/x/image/draw"
	"golang.org/x/image/font"
	"golang.org/x/image/font/basicfont"
	"golang.org/x/image/math/fixed"

	"tfrunner/mnist"
	"tfrunner/train"
)

// TensorBoard smoothes what it enlarges, so that small images are enlarged
// here: the side of a pixel of a filter and of a digit.
const (
	filterScale = 16
	digitScale  = 3
)

// caption is the height of the line under a digit.
const caption = 15

// isFilters tells whether t can be drawn: float32 [H, W, 1, N].
func isFilters(t *tf.Tensor) bool {
	shape := t.Shape()
	return t.DataType() == tf.Float && len(shape) == 4 && shape[2] == 1
}

// filters draws filters of one channel, 8 a row. Zero is gray, and the largest
// magnitude of them all is white, or black if negative.
func filters(t *tf.Tensor) *image.Gray {
	h, w, n := int(t.Shape()[0]), int(t.Shape()[1]), int(t.Shape()[3])
	values := t.Value().([][][][]float32)
	largest := float32(math.SmallestNonzeroFloat32)
	for _, row := range values {
		for _, pixel := range row {
			for _, x := range pixel[0] {
				largest = max(largest, x, -x)
			}
		}
	}
	g := newGrid(n, 8, w*filterScale, h*filterScale)
	for i := range n {
		filter := image.NewGray(image.Rect(0, 0, w, h))
		for y := range h {
			for x := range w {
				filter.SetGray(x, y, color.Gray{Y: uint8(math.Round(float64(128 + 127*values[y][x][0][i]/largest)))})
			}
		}
		draw.NearestNeighbor.Scale(g, g.cell(i), filter, filter.Bounds(), draw.Src, nil)
	}
	return g.Gray
}

// digits draws the images that were missed, 5 a row, each over its label and
// what it was read as.
func digits(d *train.Details) *image.Gray {
	g := newGrid(d.Missed.Len(), 5, mnist.Cols*digitScale, mnist.Rows*digitScale+caption)
	for i := range d.Missed.Len() {
		digit := &image.Gray{
			Pix:    d.Missed.Slice(i, i+1).Pixels,
			Stride: mnist.Cols,
			Rect:   image.Rect(0, 0, mnist.Cols, mnist.Rows),
		}
		cell := g.cell(i)
		bottom := cell.Max.Y - caption
		draw.NearestNeighbor.Scale(g, image.Rect(cell.Min.X, cell.Min.Y, cell.Max.X, bottom), digit, digit.Rect, draw.Src, nil)
		drawer := font.Drawer{Dst: g, Src: image.White, Face: basicfont.Face7x13, Dot: fixed.P(cell.Min.X+4, bottom+11)}
		drawer.DrawString(fmt.Sprintf("%d read as %d", d.Missed.Labels[i], d.Classes[i]))
	}
	return g.Gray
}

// A grid is an image of cells of one size, black in a gray frame.
type grid struct {
	*image.Gray
	columns, width, height int // of cells
}

// gap is between the cells.
const gap = 2

func newGrid(n, columns, width, height int) grid {
	columns = min(n, columns)
	rows := (n + columns - 1) / columns
	g := grid{image.NewGray(image.Rect(0, 0, columns*(width+gap)-gap, rows*(height+gap)-gap)), columns, width, height}
	draw.Draw(g, g.Rect, image.NewUniform(color.Gray{Y: 64}), image.Point{}, draw.Src)
	for i := range n {
		draw.Draw(g, g.cell(i), image.Black, image.Point{}, draw.Src)
	}
	return g
}

// cell returns where cell i is.
func (g grid) cell(i int) image.Rectangle {
	corner := image.Pt(i%g.columns*(g.width+gap), i/g.columns*(g.height+gap))
	return image.Rectangle{corner, corner.Add(image.Pt(g.width, g.height))}
}
