// Package plots draws pictures of a run from what is in its folder, and writes
// a report of it.
package plots

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"tfrunner/mnist"
	"tfrunner/train"
)

// Folder is the folder of the pictures within a run's.
const Folder = "plots"

// A picture is a PNG file of two pixels to each of CSS.
type picture struct {
	Name    string // of the file, without .png
	Title   string
	Caption string
	Alt     string // what is to be seen, for who does not see it
	PNG     []byte
	Width   int // in pixels of CSS
}

// Write draws the pictures of the run in a folder into its subfolder plots, and
// writes them all, with the run's settings and figures, to its report.html. The
// model of the best checkpoint is tried on the test images, on a device that is
// named as in train.Config.
//
// What cannot be drawn, of a run that has no checkpoint yet, say, is in missing,
// and in the report. An interrupted Write is train.ErrInterrupted.
func Write(ctx context.Context, dir, device string, test mnist.Set) (missing []string, err error) {
	r, err := newReport(dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Join(dir, Folder), 0o755); err != nil {
		return nil, err
	}
	write := func(draw func() (picture, error)) error {
		if ctx.Err() != nil {
			return fmt.Errorf("%w while drawing", train.ErrInterrupted)
		}
		p, err := draw()
		if err != nil {
			return err
		}
		r.Pictures = append(r.Pictures, p)
		return train.WriteFile(filepath.Join(dir, Folder, p.Name+".png"), p.PNG)
	}
	if err := r.drawHistory(dir, write); err != nil {
		return nil, err
	}
	if err := r.drawModel(ctx, dir, device, test, write); err != nil {
		return nil, err
	}
	page, err := r.html()
	if err != nil {
		return nil, err
	}
	return r.Missing, train.WriteFile(filepath.Join(dir, "report.html"), page)
}

// drawHistory draws what the run recorded.
func (r *report) drawHistory(dir string, write func(func() (picture, error)) error) error {
	records, err := train.ReadHistory(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	c := newCurve(r.Name, records)
	r.headlines(c)
	for _, part := range []struct {
		name  string
		there bool
		draw  func(...curve) (picture, error)
	}{{"loss curve", len(c.steps) > 0, loss}, {"accuracy curves", len(c.epochs) > 0, accuracy}} {
		if !part.there {
			r.Missing = append(r.Missing, part.name+": nothing of it in history.jsonl")
		} else if err := write(func() (picture, error) { return part.draw(c) }); err != nil {
			return err
		}
	}
	return nil
}

// drawModel draws what the best checkpoint's model makes of the test images.
func (r *report) drawModel(ctx context.Context, dir, device string, test mnist.Set, write func(func() (picture, error)) error) error {
	const parts = "confusion matrix, precision and recall, misclassified digits, filters, activation maps: "
	switch {
	case r.imported:
		r.Missing = append(r.Missing, parts+"the run trains an imported graph, not the ConvNet")
		return nil
	case !exists(filepath.Join(dir, "best")) && !exists(filepath.Join(dir, "checkpoint")):
		r.Missing = append(r.Missing, parts+"no checkpoint yet")
		return nil
	case test.Len() == 0:
		return errors.New("no test images")
	}
	t, err := train.OpenRun(dir, device)
	if err != nil {
		return err
	}
	defer t.Close()
	found, err := predict(ctx, t, test)
	if err != nil {
		return err
	}
	r.score(found)
	for _, draw := range []func() (picture, error){
		found.matrix.draw,
		func() (picture, error) { return scores(found.matrix.scores()) },
		func() (picture, error) { return wrongDigits(found, test) },
		func() (picture, error) { return filters(t) },
	} {
		if err := write(draw); err != nil {
			return err
		}
	}
	return activations(t, test.Slice(0, 1), write)
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

// Compare draws the losses and the accuracies of the runs in several folders
// on one axis each, to loss.png and accuracy.png in the folder out.
func Compare(dirs []string, out string) error {
	var curves []curve
	names := map[string]int{}
	for _, dir := range dirs {
		name, err := runName(dir)
		if err != nil {
			return err
		}
		records, err := train.ReadHistory(dir)
		if err != nil {
			return err
		}
		if names[name]++; names[name] > 1 {
			name = fmt.Sprintf("%s (%d)", name, names[name])
		}
		c := newCurve(name, records)
		if len(c.steps) == 0 || len(c.epochs) == 0 {
			return fmt.Errorf("%s: no whole epoch in its history.jsonl", dir)
		}
		curves = append(curves, c)
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	for _, draw := range []func(...curve) (picture, error){loss, accuracy} {
		p, err := draw(curves...)
		if err != nil {
			return err
		}
		if err := train.WriteFile(filepath.Join(out, p.Name+".png"), p.PNG); err != nil {
			return err
		}
	}
	return nil
}

// runName returns the name of a run's folder.
func runName(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	return filepath.Base(dir), err
}
