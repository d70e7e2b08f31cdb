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

	"tfrunner/train"
)

// A curve is what a run recorded on its way.
type curve struct {
	name   string
	steps  []train.Record
	epochs []train.Record
	final  *train.Record // nil: none yet
}

func newCurve(name string, records []train.Record) curve {
	c := curve{name: name}
	for _, r := range records {
		switch r.Kind {
		case train.Step:
			c.steps = append(c.steps, r)
		case train.Epoch:
			c.epochs = append(c.epochs, r)
		case train.Final:
			c.final = &r
		}
	}
	return c
}

// maxPoints is how many means of the loss are in a curve at most.
const maxPoints = 150

// smoothed returns the mean losses of so many steps at a time, each in their
// middle.
func (c curve) smoothed() (points plotter.XYs, each int) {
	each = (len(c.steps) + maxPoints - 1) / maxPoints
	for i := 0; i < len(c.steps); i += each {
		part := c.steps[i:min(i+each, len(c.steps))]
		var x, y float64
		for _, r := range part {
			x += float64(r.Step)
			y += float64(r.Loss)
		}
		n := float64(len(part))
		points = append(points, plotter.XY{X: x / n, Y: logarithm(y / n)})
	}
	return points, each
}

// logarithm returns a loss's place on its axis. A loss of 0 is drawn as a small
// one. (plot.LogScale would leave the room of half a label above the curve.)
func logarithm(loss float64) float64 { return math.Log10(max(loss, 1e-6)) }

// loss draws the losses of runs; of a single one those of each step, too.
func loss(curves ...curve) (picture, error) {
	p := newPlot("Training loss", "training step", "cross-entropy (nats, log scale)")
	p.X.Tick.Marker, p.Y.Tick.Marker = steps(1), decades{}
	p.Add(gridLines())
	if len(curves) == 1 {
		var all plotter.XYs
		for _, r := range curves[0].steps {
			all = append(all, plotter.XY{X: float64(r.Step), Y: logarithm(float64(r.Loss))})
		}
		if err := add(p, all, style{color: color.Gray{0xB4}, width: 0.7}, "each step"); err != nil {
			return picture{}, err
		}
	}
	for i, c := range curves {
		points, each := c.smoothed()
		name := c.name
		if len(curves) == 1 {
			name = "mean of every " + plural(each, "step")
		}
		if err := add(p, points, runStyle(i), name); err != nil {
			return picture{}, err
		}
	}
	return picture{
		Name: "loss", Title: "Loss",
		Caption: "The mean cross-entropy of each batch before its update, with dropout.",
		Alt:     fmt.Sprintf("Curve of the training loss over the steps; the last mean is %.3g.", lastMean(curves[0])),
	}.drawPlot(p, 720, 420)
}

func lastMean(c curve) float64 {
	points, _ := c.smoothed()
	return math.Pow(10, points[len(points)-1].Y)
}

// accuracy draws the accuracies of runs; of several only those on the
// validation images and the final ones.
func accuracy(curves ...curve) (picture, error) {
	p := newPlot("Accuracy", "epochs trained", "images classified correctly (%)")
	p.X.Tick.Marker, p.Y.Tick.Marker = steps(1), steps(0.01)
	p.Add(gridLines())
	for i, c := range curves {
		var validation, sample, test plotter.XYs
		for _, r := range c.epochs {
			x := float64(r.Epoch + 1)
			validation = append(validation, plotter.XY{X: x, Y: 100 * r.ValidationAccuracy})
			sample = append(sample, plotter.XY{X: x, Y: 100 * r.SampleAccuracy})
		}
		prefix := ""
		if len(curves) > 1 {
			prefix = c.name + ", "
		}
		s := runStyle(i)
		s.marks = len(c.epochs) <= 30
		if err := add(p, validation, s, prefix+"validation images"); err != nil {
			return picture{}, err
		}
		if len(curves) == 1 {
			s := runStyle(1)
			s.marks = len(c.epochs) <= 30
			if err := add(p, sample, s, "256 random test images"); err != nil {
				return picture{}, err
			}
		}
		if c.final != nil {
			test = plotter.XYs{{X: float64(c.final.Epoch), Y: 100 * c.final.TestAccuracy}}
			s := style{color: runStyle(i).color, shape: draw.PyramidGlyph{}, marks: true, size: 6}
			if len(curves) == 1 {
				s.color = palette[2]
			}
			name := fmt.Sprintf("%sall %d test images at the end: %.2f %%", prefix, c.final.Total, 100*c.final.TestAccuracy)
			if err := add(p, test, s, name); err != nil {
				return picture{}, err
			}
		}
	}
	if p.X.Max-p.X.Min < 1 { // a single epoch
		p.X.Min, p.X.Max = p.X.Min-0.5, p.X.Max+0.5
	}
	margin := max(0.2, (p.Y.Max-p.Y.Min)/20)
	p.Y.Min, p.Y.Max = max(0, p.Y.Min-margin), min(100, p.Y.Max+margin)
	last := curves[0].epochs[len(curves[0].epochs)-1]
	return picture{
		Name: "accuracy", Title: "Accuracy",
		Caption: "After each epoch, without dropout.",
		Alt:     fmt.Sprintf("Curves of the accuracies over the epochs; on the validation images it is %.2f %% after the last.", 100*last.ValidationAccuracy),
	}.drawPlot(p, 720, 420)
}

// A style is how a line is drawn.
type style struct {
	color  color.Color
	width  vg.Length // in pixels of CSS; 0: no line
	dashes []vg.Length
	shape  draw.GlyphDrawer
	marks  bool
	size   vg.Length // the marks' radius
}

// runStyle returns the style of the i-th line, which differs from the others
// also where colours do not show.
func runStyle(i int) style {
	dashes := [][]vg.Length{nil, {6 * px, 3 * px}, {2 * px, 2 * px}, {8 * px, 3 * px, 2 * px, 3 * px}}
	shapes := []draw.GlyphDrawer{draw.CircleGlyph{}, draw.BoxGlyph{}, draw.RingGlyph{}, draw.SquareGlyph{}, draw.CrossGlyph{}}
	return style{color: palette[i%len(palette)], width: 2, dashes: dashes[i%len(dashes)], shape: shapes[i%len(shapes)], size: 3.5}
}

// add adds a line to a plot and its legend.
func add(p *plot.Plot, points plotter.XYs, s style, name string) error {
	line, marks, err := plotter.NewLinePoints(points)
	if err != nil {
		return fmt.Errorf("drawing %q: %w", name, err)
	}
	var thumbs []plot.Thumbnailer
	if s.width > 0 {
		line.Color, line.Width, line.Dashes = s.color, s.width*px, s.dashes
		p.Add(line)
		thumbs = append(thumbs, line)
	}
	if s.marks {
		marks.Color, marks.Shape, marks.Radius = s.color, s.shape, s.size*px
		p.Add(marks)
		thumbs = append(thumbs, marks)
	}
	p.Legend.Add(name, thumbs...)
	return nil
}

func gridLines() *plotter.Grid {
	g := plotter.NewGrid()
	g.Vertical.Color, g.Horizontal.Color = color.Gray{0xE4}, color.Gray{0xE4}
	return g
}

// decades labels 1, 2 and 5 of each power of ten on an axis of logarithms.
type decades struct{}

func (decades) Ticks(low, high float64) (ticks []plot.Tick) {
	for power := math.Floor(low); power <= high; power++ {
		for _, n := range []float64{1, 2, 5} {
			v := n * math.Pow(10, power)
			if at := math.Log10(v); at >= low && at <= high {
				ticks = append(ticks, plot.Tick{Value: at, Label: strconv.FormatFloat(v, 'g', 2, 64)})
			}
		}
	}
	return ticks
}

// steps labels multiples of 1, 2 or 5 times itself times a power of ten, so
// that there are no more than ten.
type steps float64

func (s steps) Ticks(low, high float64) (ticks []plot.Tick) {
	step := float64(s)
	for i := 0; (high-low)/step > 10; i++ {
		step *= []float64{2, 2.5, 2}[i%3]
	}
	for n := math.Ceil(low / step); n*step <= high; n++ {
		ticks = append(ticks, plot.Tick{Value: n * step, Label: strconv.FormatFloat(n*step, 'g', 6, 64)})
	}
	return ticks
}
