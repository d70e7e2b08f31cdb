package plots

import (
	"bytes"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"maps"
	"math"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/cpuid/v2"
	tf "github.com/tensorflow/tensorflow/tensorflow/go"
	"github.com/tensorflow/tensorflow/tensorflow/go/op"

	"tfrunner/graph"
	"tfrunner/train"
)

//go:embed report.html
var page string

var pageTemplate = template.Must(template.New("report").Funcs(template.FuncMap{
	"data": func(png []byte) template.URL {
		return template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(png))
	},
	"percent": percent,
	"million": func(n int64) string { return fmt.Sprintf("%.3f", float64(n)/1e6) },
	"kilo":    func(n int64) string { return fmt.Sprintf("%.1f", float64(n)/1e3) },
}).Parse(page))

// percent returns a share as text, "–" for none.
func percent(x float64) string {
	if math.IsNaN(x) {
		return "–"
	}
	return fmt.Sprintf("%.2f %%", 100*x)
}

// A row is a name and its value.
type row struct{ Name, Value string }

// A report is what report.html shows.
type report struct {
	Name                             string
	Headlines, Settings, Environment []row
	Layers                           []graph.Layer
	Total                            graph.Layer
	Scores                           []score
	Pictures                         []picture
	Missing                          []string

	imported bool // the run trains an imported graph
}

// newReport returns the report of a run with what its settings say.
func newReport(dir string) (*report, error) {
	settings, err := train.ReadSettings(dir)
	if err != nil {
		return nil, err
	}
	r := &report{imported: settings["graph-sha256"] != nil}
	if r.Name, err = runName(dir); err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		var value bytes.Buffer
		if err := json.Compact(&value, settings[name]); err != nil {
			return nil, err
		}
		text := strings.ReplaceAll(strings.Trim(value.String(), `"`), ",", ", ")
		r.Settings = append(r.Settings, row{name, text})
	}
	if err := r.environment(); err != nil {
		return nil, err
	}
	if r.imported {
		r.Missing = append(r.Missing, "shape table: the run trains an imported graph, not the ConvNet")
		return r, nil
	}
	if err := r.shapes(settings); err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, "config.json"), err)
	}
	return r, nil
}

// environment sets what this machine is.
func (r *report) environment() error {
	devices, err := train.Devices()
	if err != nil {
		return err
	}
	r.Environment = []row{
		{"TensorFlow", tf.Version()},
		{"Go", runtime.Version()},
		{"system", runtime.GOOS + "/" + runtime.GOARCH},
		{"processor", cpuid.CPU.BrandName},
		{"cores", fmt.Sprint(runtime.NumCPU())},
		{"devices", strings.Join(devices, ", ")},
		{"written", time.Now().Format(time.DateTime + " -0700")},
	}
	return nil
}

// shapes sets the layers of the model that settings say.
func (r *report) shapes(settings train.Settings) error {
	data, err := json.Marshal(settings)
	if err != nil {
		return err
	}
	var c graph.ConvNet
	if err := json.Unmarshal(data, &c); err != nil {
		return err
	}
	s := op.NewScope()
	m := c.Build(s)
	if err := s.Err(); err != nil {
		why, _, _ := strings.Cut(err.Error(), " (Stacktrace:")
		return fmt.Errorf("building the graph: %s", why)
	}
	r.Layers = append([]graph.Layer{{Op: m.X.Op.Type(), Name: m.X.Op.Name(), Shape: m.X.Shape()}}, graph.Layers(m.X, m.PyX)...)
	for _, l := range r.Layers {
		r.Total.Parameters += l.Parameters
		r.Total.Bytes += l.Bytes
		r.Total.FLOPs += l.FLOPs
	}
	return nil
}

// headlines adds what the run recorded.
func (r *report) headlines(c curve) {
	if c.final != nil {
		r.Headlines = append(r.Headlines,
			row{"test accuracy at the end", fmt.Sprintf("%s (%d of %d)", percent(c.final.TestAccuracy), c.final.Correct, c.final.Total)},
			row{"trained for", c.final.Elapsed.Round(100 * time.Millisecond).String()})
	}
	best := math.NaN()
	var rate float64
	for i, e := range c.epochs {
		if i == 0 || e.ValidationAccuracy > best {
			best = e.ValidationAccuracy
		}
		rate = e.ImagesPerSecond
	}
	if len(c.epochs) > 0 {
		r.Headlines = append(r.Headlines,
			row{"best validation accuracy", percent(best)},
			row{"epochs", fmt.Sprint(len(c.epochs))},
			row{"images a second, last epoch", fmt.Sprintf("%.0f", rate)})
	}
	if len(c.steps) > 0 {
		r.Headlines = append(r.Headlines, row{"training steps", fmt.Sprint(c.steps[len(c.steps)-1].Step)})
	}
}

// score adds what the best checkpoint's model made of the test images.
func (r *report) score(found results) {
	right, total := found.matrix.correct()
	text := fmt.Sprintf("%s (%d of %d)", percent(float64(right)/float64(total)), right, total)
	r.Headlines = slices.Insert(r.Headlines, 0, row{"test accuracy of the best checkpoint", text})
	all := found.matrix.scores()
	r.Scores = all[:]
}

// html returns the page.
func (r *report) html() ([]byte, error) {
	var b bytes.Buffer
	if err := pageTemplate.Execute(&b, r); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
