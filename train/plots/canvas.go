package plots

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"

	xdraw "golang.org/x/image/draw"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

const (
	px    = vg.Inch / 96 // a pixel of CSS
	scale = 2            // a picture's pixels to one of CSS
)

// palette are colours of Okabe and Ito, which the colour-blind can tell apart.
var palette = []color.Color{
	color.RGBA{0x00, 0x72, 0xB2, 0xFF}, // blue
	color.RGBA{0xD5, 0x5E, 0x00, 0xFF}, // vermilion
	color.RGBA{0x00, 0x9E, 0x73, 0xFF}, // green
	color.RGBA{0xCC, 0x79, 0xA7, 0xFF}, // purple
	color.RGBA{0xE6, 0x9F, 0x00, 0xFF}, // orange
	color.RGBA{0x56, 0xB4, 0xE9, 0xFF}, // sky blue
	color.RGBA{0x00, 0x00, 0x00, 0xFF}, // black
}

// textStyle is of sans-serif text, as high as so many pixels of CSS, centred at
// its point.
func textStyle(size vg.Length, c color.Color) text.Style {
	return text.Style{
		Color: c, Font: font.Font{Typeface: "Liberation", Variant: "Sans", Size: size * px},
		XAlign: text.XCenter, YAlign: text.YCenter, Handler: plot.DefaultTextHandler,
	}
}

// newCanvas returns a white one, its size in pixels of CSS.
func newCanvas(width, height int) *vgimg.Canvas {
	return vgimg.NewWith(vgimg.UseWH(vg.Length(width)*px, vg.Length(height)*px), vgimg.UseDPI(96*scale))
}

// encode sets the picture to what is drawn.
func (p picture) encode(c *vgimg.Canvas) (picture, error) {
	var b bytes.Buffer
	err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, c.Image())
	p.PNG, p.Width = b.Bytes(), c.Image().Bounds().Dx()/scale
	return p, err
}

// newPlot returns an empty plot in sans-serif text.
func newPlot(title, x, y string) *plot.Plot {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = title, x, y
	p.Title.Padding = 8 * px
	p.Title.TextStyle.Font = textStyle(17, nil).Font
	p.Legend.TextStyle.Font = textStyle(14, nil).Font
	for _, axis := range []*plot.Axis{&p.X, &p.Y} {
		axis.Label.TextStyle.Font = textStyle(14, nil).Font
		axis.Label.Padding = 6 * px
		axis.Tick.Label.Font = textStyle(13, nil).Font
	}
	return p
}

// drawPlot draws a plot with its legend below it.
func (p picture) drawPlot(from *plot.Plot, width, height int) (picture, error) {
	legend := from.Legend
	from.Legend = plot.NewLegend()
	legend.Left, legend.ThumbnailWidth, legend.Padding = true, 28*px, 5*px
	measured := legend.Rectangle(draw.New(newCanvas(width, height)))
	below := measured.Max.Y - measured.Min.Y
	c := newCanvas(width, height+int(below/px)+24)
	const margin = 12 * px
	from.Draw(draw.Crop(draw.New(c), margin, -margin, margin+below, -margin))
	legend.Draw(draw.Crop(draw.New(c), 5*margin, -margin, margin/2, -margin))
	return p.encode(c)
}

// A tile is one of a grid of images.
type tile struct {
	image image.Image
	label string // below it; "": none
}

// A grid is how tiles are laid out; lengths are in pixels of CSS.
type grid struct {
	title string
	note  string // below the title
	cols  int
	size  int // of a tile
	label int // height of the labels, 0: none
	wide  int // at least so wide
}

// drawTiles draws tiles, each scaled to the grid's without smoothing.
func (p picture) drawTiles(g grid, tiles []tile) (picture, error) {
	const margin, gap, header = 12, 6, 62
	rows := (len(tiles) + g.cols - 1) / g.cols
	width := max(g.wide, 2*margin-gap+min(g.cols, len(tiles))*(g.size+gap))
	height := header + margin + rows*(g.size+g.label+gap)
	c := newCanvas(width, height)
	onto := draw.New(c)
	text := func(size vg.Length, x, y int, align draw.XAlignment, s string) {
		style := textStyle(size, color.Black)
		style.XAlign = align
		onto.FillText(style, vg.Point{X: vg.Length(x) * px, Y: vg.Length(height-y) * px}, s)
	}
	text(17, margin, 22, draw.XLeft, g.title)
	text(13, margin, 44, draw.XLeft, g.note)
	for i, t := range tiles {
		x, y := margin+i%g.cols*(g.size+gap), header+i/g.cols*(g.size+g.label+gap)
		at := image.Rect(x*scale, y*scale, (x+g.size)*scale, (y+g.size)*scale)
		frame := at.Inset(-1)
		xdraw.Draw(c.Image(), frame, image.NewUniform(color.Gray{0xA0}), image.Point{}, xdraw.Src)
		xdraw.NearestNeighbor.Scale(c.Image(), at, t.image, t.image.Bounds(), xdraw.Src, nil)
		if t.label != "" {
			text(13, x+g.size/2, y+g.size+g.label/2, draw.XCenter, t.label)
		}
	}
	return p.encode(c)
}

// plural returns "1 image", "2 images".
func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprint(n, " ", what, "s")
}
