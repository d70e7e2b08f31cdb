package main

import (
	"bytes"
	"fmt"
	"image/color"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"tfrunner/train"
)

// The colours of train/plots.
var (
	blue      = color.RGBA{0x00, 0x72, 0xB2, 0xFF}
	vermilion = color.RGBA{0xD5, 0x5E, 0x00, 0xFF}
	green     = color.RGBA{0x00, 0x9E, 0x73, 0xFF}
	purple    = color.RGBA{0xCC, 0x79, 0xA7, 0xFF}
	grey      = color.Gray{0xA0}
)

// colorOf returns the colour of a program.
func colorOf(name string) color.Color {
	family, _, _ := strings.Cut(name, "-")
	switch family {
	case "go":
		return blue
	case reference:
		return vermilion
	case "keras":
		return green
	}
	return purple
}

// draw draws the pictures, if they are asked for.
func (b *bench) draw(limits map[string]float64) error {
	if b.out == "" {
		return nil
	}
	for _, p := range b.parts {
		for _, m := range p.metrics {
			if m.file == "" || len(p.rows) == 0 {
				continue
			}
			var bars []bar
			for _, r := range p.rows {
				values := b.values(p, r, m.name)
				bars = append(bars, bar{r.title, m.format, colorOf(r.name), median(values), slices.Min(values), slices.Max(values)})
			}
			for _, precision := range []string{float32s, bfloat16s} {
				if limit := limits[precision]; limit > 0 && p.name == "training" && m.name == "rate" {
					bars = append(bars, bar{"limit of " + precision, m.format, grey, limit, limit, limit})
				}
			}
			if err := drawBars(m.title, bars, filepath.Join(b.out, m.file)); err != nil {
				return err
			}
		}
		if p.name == "growth" {
			if err := b.drawGrowth(p, filepath.Join(b.out, "growth.svg")); err != nil {
				return err
			}
		}
	}
	return nil
}

// A bar is a median with its spread.
type bar struct {
	label          string
	format         string
	color          color.Color
	value, low, up float64
}

// drawBars draws bars one below the other into an SVG file.
func drawBars(title string, bars []bar, file string) error {
	p := newPlot(title)
	top := 0.0
	values := plotter.XYLabels{}
	var spread struct {
		plotter.XYs
		plotter.XErrors
	}
	names := make([]string, len(bars))
	for i, b := range bars {
		y := float64(len(bars) - 1 - i)
		names[int(y)] = b.label
		chart, err := plotter.NewBarChart(plotter.Values{b.value}, 18)
		if err != nil {
			return fmt.Errorf("drawing %q: %w", b.label, err)
		}
		chart.Horizontal, chart.XMin, chart.Color, chart.LineStyle.Width = true, y, b.color, 0
		p.Add(chart)
		values.XYs = append(values.XYs, plotter.XY{X: b.up, Y: y})
		values.Labels = append(values.Labels, fmt.Sprintf(b.format, b.value))
		spread.XYs = append(spread.XYs, plotter.XY{X: b.value, Y: y})
		spread.XErrors = append(spread.XErrors, struct{ Low, High float64 }{b.value - b.low, b.up - b.value})
		top = max(top, b.up)
	}
	whiskers, err := plotter.NewXErrorBars(spread)
	if err != nil {
		return fmt.Errorf("drawing %q: %w", title, err)
	}
	labels, err := plotter.NewLabels(values)
	if err != nil {
		return fmt.Errorf("drawing %q: %w", title, err)
	}
	for i := range labels.TextStyle {
		labels.TextStyle[i].Font, labels.TextStyle[i].YAlign = sans(10), draw.YCenter
	}
	labels.Offset = vg.Point{X: 4, Y: 1}
	p.Add(whiskers, labels)
	p.NominalY(names...)
	p.X.Min, p.X.Max, p.X.Tick.Marker = 0, 1.15*top, plot.TickerFunc(ticks)
	p.Y.Min, p.Y.Max = -0.7, float64(len(bars))-0.3
	return save(p, 560, 60+vg.Length(len(bars))*28, file)
}

// drawGrowth draws images/s over the batch, a line for each number of threads.
func (b *bench) drawGrowth(p part, file string) error {
	from := newPlot("training: images/s over the images of a step")
	from.X.Label.Text, from.X.Label.TextStyle.Font = "images of a step", sans(11)
	lines := map[int]plotter.XYs{}
	var batches plot.ConstantTicks
	for _, g := range growthRows() {
		x := math.Log2(float64(g.batch))
		if g.threads == 1 {
			batches = append(batches, plot.Tick{Value: x, Label: strconv.Itoa(g.batch)})
		}
		lines[g.threads] = append(lines[g.threads], plotter.XY{X: x, Y: median(b.values(p, row{name: g.name()}, "images"))})
	}
	from.X.Tick.Marker, from.Y.Tick.Marker = batches, plot.TickerFunc(ticks)
	for i, color := range []color.Color{vermilion, blue} {
		line, points, err := plotter.NewLinePoints(lines[i+1])
		if err != nil {
			return fmt.Errorf("drawing the growth: %w", err)
		}
		line.Color, line.Width, points.Color, points.Shape, points.Radius = color, 2, color, draw.CircleGlyph{}, 3
		from.Add(line, points)
		from.Legend.Add(fmt.Sprintf("threads: %d", i+1), line, points)
	}
	from.Y.Min = 0
	from.Y.Max *= 1.25 // room for the legend
	from.Legend.Top, from.Legend.Left = true, true
	return save(from, 560, 360, file)
}

// ticks labels 0 and multiples of 1, 2 or 5 times a power of ten, at least four.
func ticks(_, high float64) (all []plot.Tick) {
	power := math.Pow(10, math.Floor(math.Log10(high)))
	step := power / 5
	for _, larger := range []float64{power / 2, power, 2 * power} {
		if high/larger >= 4 {
			step = larger
		}
	}
	for n := 0.0; n*step <= high; n++ {
		all = append(all, plot.Tick{Value: n * step, Label: fmt.Sprintf("%.4g", n*step)})
	}
	return all
}

func newPlot(title string) *plot.Plot {
	p := plot.New()
	p.Title.Text, p.Title.Padding, p.Title.TextStyle.Font = title, 6, sans(13)
	p.Legend.TextStyle.Font = sans(11)
	p.X.Tick.Label.Font, p.Y.Tick.Label.Font = sans(10), sans(11)
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Color = color.Gray{0xE4}, color.Gray{0xE4}
	p.Add(grid)
	return p
}

func sans(size vg.Length) font.Font {
	return font.Font{Typeface: "Liberation", Variant: "Sans", Size: size}
}

// save writes a plot as SVG, its size in points.
func save(p *plot.Plot, width, height vg.Length, file string) error {
	c := vgsvg.NewWith(vgsvg.UseWH(width, height))
	p.BackgroundColor = color.White
	p.Draw(draw.Crop(draw.New(c), 8, -12, 8, -8))
	var svg bytes.Buffer
	if _, err := c.WriteTo(&svg); err != nil {
		return err
	}
	// Where Liberation Sans is not installed, these are as wide.
	text := strings.ReplaceAll(svg.String(), "font-family:Liberation Sans", "font-family:Liberation Sans,Arimo,Arial,Helvetica,sans-serif")
	return train.WriteFile(file, []byte(text))
}
