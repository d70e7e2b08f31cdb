package console_test

import (
	"errors"
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"tfrunner/train"
	"tfrunner/train/console"
)

var epoch = train.Record{
	Kind: train.Epoch, Epoch: 3, Step: 1716, StepsPerEpoch: 429, Loss: 0.0625, ImagesPerSecond: 2345.6,
	ValidationAccuracy: 0.9912, SampleAccuracy: 0.98828125, Elapsed: 23460 * time.Millisecond,
}

func Example() {
	c := console.New(os.Stdout, nil)
	c.Record(train.Record{Kind: train.Step, Step: 1, StepsPerEpoch: 429, Loss: 2.3})
	c.Record(epoch)
	c.Record(train.Record{
		Kind: train.Final, Epoch: 4, Step: 1716, StepsPerEpoch: 429,
		TestAccuracy: 0.9921, Correct: 9921, Total: 10000, Elapsed: 125 * time.Second,
	})
	// Output:
	// epoch  3  loss 0.0625   2346 images/s   23.5s  validation 0.9912  sample 0.9883
	// test accuracy 0.9921 (9921 of 10000) after 4 epochs, 2m05s
}

func TestFinalLine(t *testing.T) {
	for _, test := range []struct {
		epochs, steps int
		elapsed       time.Duration
		want          string
	}{
		{1, 429, 9949 * time.Millisecond, "after 1 epoch, 9.9s"},
		{0, 1, 59949 * time.Millisecond, "after 1 step, 59.9s"},
		{2, 1000, 59950 * time.Millisecond, "after 1000 steps, 1m00s"},
		{100, 42900, 3725 * time.Second, "after 100 epochs, 62m05s"},
	} {
		var b strings.Builder
		if err := console.New(&b, nil).Record(train.Record{Kind: train.Final, Epoch: test.epochs, Step: test.steps, StepsPerEpoch: 429, Elapsed: test.elapsed}); err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(b.String(), " "+test.want+"\n") {
			t.Errorf("%q, want it to end in %q", b.String(), test.want)
		}
	}
}

// TestBar looks at what the terminal gets from a run that was resumed in the
// middle of an epoch: a bar that moves and is gone when the epoch's line comes.
func TestBar(t *testing.T) {
	var results, terminal strings.Builder
	c := console.New(&results, &terminal)
	const steps = 130
	start := time.Now()
	for i := range steps {
		if err := c.Record(train.Record{Kind: train.Step, Epoch: 1, Step: 529 + i, StepsPerEpoch: 429, Images: 128, Loss: 0.5}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond) // the bar is drawn ten times a second
	}
	step := time.Since(start) / steps
	drawn := regexp.MustCompile(`epoch  1  loss 0.5000 +(\d+)% \|[^|]{20}\| \((\d+) images/s\) \[1s:(\d+)s\]`).FindAllStringSubmatch(terminal.String(), -1)
	if drawn == nil {
		t.Fatalf("the terminal got %q", terminal.String())
	}
	last := drawn[len(drawn)-1]
	left := time.Duration(329-steps) * step
	for i, want := range []float64{100 * steps / 330, 128 / step.Seconds(), left.Seconds()} {
		if got, err := strconv.ParseFloat(last[1+i], 64); err != nil || math.Abs(got-want) > 2+want/5 {
			t.Errorf("%q: want about %.0f", last[0], want)
		}
	}
	if results.Len() != 0 {
		t.Errorf("results before the epoch's end: %q", results.String())
	}
	if err := c.Record(epoch); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(terminal.String(), "\r")
	if last := lines[len(lines)-1]; strings.TrimSpace(last) != "" {
		t.Errorf("the bar stays: %q", last)
	}
	if strings.Count(results.String(), "\n") != 1 {
		t.Errorf("results %q", results.String())
	}
}

func TestQuiet(t *testing.T) {
	c := console.New(nil, nil)
	for _, kind := range []train.Kind{train.Step, train.Epoch, train.Final} {
		if err := c.Record(train.Record{Kind: kind}); err != nil {
			t.Error(err)
		}
	}
}

func TestWriteError(t *testing.T) {
	if err := console.New(broken{}, nil).Record(epoch); !errors.Is(err, os.ErrClosed) {
		t.Errorf("error %v", err)
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, os.ErrClosed }
