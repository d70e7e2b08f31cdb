package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
)

// settings are the command line's.
type settings struct {
	Rounds  int `json:"rounds"`
	Steps   int `json:"steps"`
	Warmup  int `json:"warmup"`
	Passes  int `json:"passes"`
	Calls   int `json:"calls"`
	short   bool
	pytorch bool
	only    []string // nil: all that the other settings choose
	data    string
	out     string

	Accuracy float64  `json:"accuracy,omitempty"` // 0: not asked for
	seeds    int      // the rounds, then
	Best     []string `json:"best,omitempty"`
	growth   bool
}

// A usageError is a command line that makes no sense.
type usageError struct{ error }

// epoch is the number of training steps in an epoch, of 128 images each.
const epoch = 429

func parse(args []string, stderr io.Writer) (s settings, err error) {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // main prints the error, in one line
	flags.IntVar(&s.Rounds, "rounds", 5, "run each program `N` times, in turns")
	flags.IntVar(&s.Steps, "steps", 220, "train for `N` steps a run")
	flags.IntVar(&s.Warmup, "warmup", 20, "count no steps up to the `N`-th")
	flags.IntVar(&s.Passes, "passes", 3, "evaluate the 10,000 test images `N` times a run")
	flags.IntVar(&s.Calls, "calls", 1000, "classify a single image `N` times a run")
	flags.BoolVar(&s.short, "short", false, "see that it works: 1 round of few programs, too short for numbers that mean something")
	flags.BoolVar(&s.pytorch, "pytorch", false, "measure PyTorch too, which takes 5 GB on the disk")
	flags.Func("only", "measure only `PROGRAMS`: "+strings.Join(names(), ","), func(text string) error {
		s.only = strings.Split(text, ",")
		for _, name := range s.only {
			if !slices.Contains(names(), name) {
				return fmt.Errorf("no program %q: want of %s", name, strings.Join(names(), ","))
			}
		}
		return nil
	})
	flags.StringVar(&s.data, "data", "", "read MNIST's four files from `DIR` (default: where `make setup` puts them)")
	flags.StringVar(&s.out, "o", "", "write bench.json and pictures to `DIR`")
	flags.Float64Var(&s.Accuracy, "to-accuracy", 0, "measure instead how long Go and Python take to this validation `accuracy`")
	flags.IntVar(&s.seeds, "seeds", 5, "with -to-accuracy: train with the seeds 1 to `N`")
	flags.Func("best", "with -to-accuracy and -growth: cmd/train's `FLAGS`, as \"-precision bfloat16 -fast\"", func(text string) error {
		s.Best = strings.Fields(text)
		return nil
	})
	flags.BoolVar(&s.growth, "growth", false, "measure instead Go with other batches and threads")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			flags.SetOutput(stderr)
			flags.Usage()
			return s, err
		}
		return s, usageError{err}
	}
	given := map[string]bool{}
	flags.Visit(func(f *flag.Flag) { given[f.Name] = true })
	if s.short {
		for name, value := range map[string]string{"rounds": "1", "steps": "12", "warmup": "2", "passes": "1", "calls": "100", "seeds": "1"} {
			if !given[name] {
				if err := flags.Set(name, value); err != nil {
					return s, err
				}
			}
		}
	}
	if s.Accuracy > 0 {
		s.Rounds = s.seeds
	}
	return s, s.check(flags.Args(), given)
}

// check returns a usageError for a setting that is out of its range, or that
// would have no effect.
func (s settings) check(rest []string, given map[string]bool) error {
	wrong := func(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }
	mode, useless := "neither -to-accuracy nor -growth", []string{"seeds", "best"}
	switch {
	case given["to-accuracy"]:
		mode, useless = "-to-accuracy", []string{"rounds", "steps", "warmup", "passes", "calls", "only", "pytorch", "growth"}
	case s.growth:
		mode, useless = "-growth", []string{"passes", "calls", "only", "pytorch", "seeds"}
	case s.short:
		mode, useless = "-short", append(useless, "pytorch")
	case s.only != nil:
		mode, useless = "-only", append(useless, "pytorch")
	}
	for _, name := range useless {
		if given[name] {
			return wrong("-%s has no effect with %s", name, mode)
		}
	}
	switch {
	case len(rest) > 0:
		return wrong("unexpected argument %q", rest[0])
	case s.Rounds < 1 || s.Passes < 1 || s.Calls < 1 || s.seeds < 1:
		return wrong("-rounds, -passes, -calls and -seeds: want at least 1")
	case s.Warmup < 1 || s.Steps <= s.Warmup || s.Steps >= epoch:
		return wrong("-warmup %d, -steps %d: want at least 1, and more than that but less than an epoch's %d", s.Warmup, s.Steps, epoch)
	case given["to-accuracy"] && !(s.Accuracy > 0 && s.Accuracy <= 1):
		return wrong("-to-accuracy %v: want more than 0, at most 1", s.Accuracy)
	}
	return nil
}

// names are those of all rows, for -only.
func names() (all []string) {
	for _, rows := range [][]row{trainingRows, testingRows, peakRows} {
		for _, r := range rows {
			if !slices.Contains(all, r.name) {
				all = append(all, r.name)
			}
		}
	}
	return all
}
