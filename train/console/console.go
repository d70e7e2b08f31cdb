// Package console shows the records of a training run to people.
package console

import (
	"fmt"
	"io"
	"time"

	"github.com/schollz/progressbar/v3"

	"tfrunner/train"
)

// New returns a recorder that writes a line for each epoch, and for the end, to
// results, and draws a live bar of the epoch on terminal: the loss, the images a
// second, and the time since the epoch began and until it ends. Either writer
// may be nil.
func New(results, terminal io.Writer) train.Recorder {
	return &console{results: results, terminal: terminal}
}

type console struct {
	results, terminal io.Writer
	bar               *progressbar.ProgressBar // of the images after the step first
	first             int
}

func (c *console) Record(r train.Record) error {
	if r.Kind == train.Step {
		return c.step(r)
	}
	if c.bar != nil {
		if err := c.bar.Clear(); err != nil {
			return err
		}
		c.bar = nil
	}
	if c.results == nil {
		return nil
	}
	line := fmt.Sprintf("epoch %2d  loss %.4f  %5.0f images/s  %6s  validation %.4f  sample %.4f",
		r.Epoch, r.Loss, r.ImagesPerSecond, Duration(r.Elapsed), r.ValidationAccuracy, r.SampleAccuracy)
	switch r.Kind {
	case train.Resume:
		line = fmt.Sprintf("going on in epoch %d, after %d steps", r.Epoch, r.Step)
	case train.Final:
		line = fmt.Sprintf("test accuracy %.4f (%d of %d) after %s, %s",
			r.TestAccuracy, r.Correct, r.Total, length(r), Duration(r.Elapsed))
	}
	_, err := fmt.Fprintln(c.results, line)
	return err
}

// step moves the bar. Its clock starts when the first step ends, of the epoch or
// after a resumption, so that it counts the images after that one.
func (c *console) step(r train.Record) error {
	if c.terminal == nil {
		return nil
	}
	text := fmt.Sprintf("epoch %2d  loss %.4f", r.Epoch, r.Loss)
	if c.bar == nil {
		left := (r.Epoch+1)*r.StepsPerEpoch - r.Step
		if left == 0 {
			return nil
		}
		c.first = r.Step
		c.bar = progressbar.NewOptions(left*r.Images,
			progressbar.OptionSetWriter(c.terminal),
			progressbar.OptionSetDescription(text),
			progressbar.OptionSetWidth(20), // a line of less than 80 characters
			progressbar.OptionShowIts(),
			progressbar.OptionSetItsString("images"),
			progressbar.OptionSetPredictTime(true),
			progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionClearOnFinish(),
		)
		c.bar.StartWithoutRender()
		return nil
	}
	if err := c.bar.Set((r.Step - c.first) * r.Images); err != nil {
		return err
	}
	c.bar.Describe(text) // after Set: without images there is no rate to draw
	return nil
}

// length says how long a run was: in epochs if these were whole, else in steps.
func length(r train.Record) string {
	n, unit := r.Step, "step"
	if r.Step == r.Epoch*r.StepsPerEpoch {
		n, unit = r.Epoch, "epoch"
	}
	if n != 1 {
		unit += "s"
	}
	return fmt.Sprintf("%d %s", n, unit)
}

// Duration writes a duration as 8.3s or 2m05s.
func Duration(d time.Duration) string {
	if d < 59950*time.Millisecond {
		return fmt.Sprintf("%.1fs", d.Seconds())
	}
	s := int(d.Round(time.Second).Seconds())
	return fmt.Sprintf("%dm%02ds", s/60, s%60)
}

// Times returns a recorder that writes where the time of each epoch went.
func Times(w io.Writer) train.Recorder { return times{w} }

type times struct{ w io.Writer }

func (t times) Record(r train.Record) error {
	if r.Kind != train.Epoch {
		return nil
	}
	share := func(d time.Duration) float64 { return 100 * d.Seconds() / r.Elapsed.Seconds() }
	_, err := fmt.Fprintf(t.w, "epoch %2d  session %.1f %%, feeding %.1f %%, recording %.1f %%, evaluating %.1f %% of %s\n",
		r.Epoch, share(r.Session), share(r.Feeding), share(r.Recording), share(r.Evaluating), Duration(r.Elapsed))
	return err
}
