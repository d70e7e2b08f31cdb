// Setup puts in place what TensorFlow's official Go bindings need and do not
// bring: the module around them, libtensorflow, and, for this project, MNIST.
// It does nothing where all is in place.
//
//	go run -C scripts/setup .              # this clone
//	go run -C scripts/setup . -dir PATH    # the bindings, for any other Go module
//
// It is a module of its own because it has to run before the main module's
// replace target is filled. Paths on its command line are best absolute:
// `go run -C` makes others relative to scripts/setup.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	switch err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); {
	case err == nil, errors.Is(err, flag.ErrHelp):
	case ctx.Err() != nil:
		fmt.Fprintln(os.Stderr, "setup: interrupted; what was complete is kept")
		os.Exit(130)
	case errors.As(err, new(usageError)):
		fmt.Fprintln(os.Stderr, "setup:", err)
		os.Exit(2)
	default:
		fmt.Fprintln(os.Stderr, "setup:", err)
		os.Exit(1)
	}
}

// A usageError is a command line that makes no sense.
type usageError struct{ error }

// options are the command line's.
type options struct {
	dir                     string // of the assembled module, absolute
	clone                   bool   // dir is in this clone, which wants MNIST too
	library, wheel, tarball string
	mnist                   string
	gpu                     *bool // nil: not said
	check                   bool
}

func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("setup", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // main prints the error, in one line
	flags.StringVar(&o.dir, "dir", "", "assemble the bindings in `PATH`, for another Go module (default: third_party/tensorflow of this clone)")
	flags.StringVar(&o.library, "libtensorflow", "", "use the libtensorflow that is installed in `DIR`")
	flags.StringVar(&o.wheel, "wheel", "", "take libtensorflow out of TensorFlow's wheel `FILE`")
	flags.StringVar(&o.tarball, "tarball", "", "take libtensorflow out of the tarball `FILE`")
	flags.StringVar(&o.mnist, "mnist", "", "copy MNIST's four files, gzipped or not, from `DIR`")
	flags.BoolFunc("gpu", "take libtensorflow's CUDA build; -gpu=false goes back to the CPU's", func(s string) error {
		gpu := s == "true"
		if !gpu && s != "false" {
			return errors.New("want true or false")
		}
		o.gpu = &gpu
		return nil
	})
	flags.BoolVar(&o.check, "check", false, "say what is there and what is missing, and change nothing")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(stderr, "usage: go run -C scripts/setup . [flags]")
			flags.SetOutput(stderr)
			flags.PrintDefaults()
			fmt.Fprintln(stderr, "Go modules come as the go command takes them: GOPROXY=file://DIR, say, for those in a folder.")
			return o, err
		}
		return o, usageError{err}
	}
	sources := 0
	for _, given := range []bool{o.library != "", o.wheel != "", o.tarball != "", o.gpu != nil} {
		if given {
			sources++
		}
	}
	switch {
	case flags.NArg() > 0:
		return o, usageError{fmt.Errorf("unexpected argument %q", flags.Arg(0))}
	case sources > 1:
		return o, usageError{errors.New("-libtensorflow, -wheel, -tarball and -gpu exclude each other")}
	case o.dir != "" && o.mnist != "":
		return o, usageError{errors.New("-dir assembles the bindings only, without -mnist")}
	}
	if o.dir == "" {
		if mod, err := os.ReadFile("../../go.mod"); err != nil || !strings.HasPrefix(string(mod), "module tfrunner\n") {
			return o, usageError{errors.New("not in a clone: run it as `go run -C scripts/setup .`, or give -dir PATH")}
		}
		o.dir, o.clone = "../../third_party/tensorflow", true
	} else if err := vacant(o.dir); err != nil {
		return o, usageError{err}
	}
	for _, p := range []*string{&o.dir, &o.library, &o.wheel, &o.tarball, &o.mnist} {
		if *p == "" {
			continue
		}
		abs, err := filepath.Abs(*p)
		if err != nil {
			return o, err
		}
		if _, err := os.Stat(abs); err != nil && p != &o.dir {
			return o, usageError{err}
		}
		*p = abs
	}
	return o, nil
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	c, err := openCache()
	if err != nil {
		return err
	}
	s := &setup{options: o, cache: c, progress: stderr}
	if o.check {
		return s.report(ctx, stdout)
	}
	if err := s.install(ctx); err != nil {
		return err
	}
	if !o.clone {
		s.say("add these lines to your go.mod, then run `go mod tidy`:")
		fmt.Fprintf(stdout, "require %s %s\nreplace %s => %q\n", tensorFlowModule.path, tensorFlowModule.version, tensorFlowModule.path, o.dir)
	}
	return nil
}

// vacant returns an error if dir holds something else than assembled bindings,
// such as the module that wants to use them.
func vacant(dir string) error {
	mod, _ := os.ReadFile(filepath.Join(dir, "go.mod"))
	if _, err := os.Stat(filepath.Join(dir, stampFile)); err == nil || strings.HasPrefix(string(mod), "module "+tensorFlowModule.path+"\n") {
		return nil
	}
	files, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, f := range files {
		if !strings.HasPrefix(f.Name(), unfinished) {
			return fmt.Errorf("-dir %s holds %s: want a folder for the bindings alone, such as %s", dir, f.Name(), filepath.Join(dir, "third_party/tensorflow"))
		}
	}
	return err
}

// report prints what there is of each part and tool, and in which version; a
// missing one is an error.
func (s *setup) report(ctx context.Context, stdout io.Writer) error {
	var missing []string
	line := func(name, detail string, err error) {
		if err != nil {
			detail = "missing: " + err.Error()
			missing = append(missing, name)
		}
		fmt.Fprintf(stdout, "%-14s %s\n", name, detail)
	}
	for _, p := range s.parts() {
		detail, err := p.present()
		if err == nil {
			if err = p.verify(ctx); err != nil {
				err = fmt.Errorf("%w; remove it and set up again", err)
			}
		}
		line(p.name, detail, err)
	}
	pip := s.usesPip(ctx, s.missing())
	for _, t := range tools {
		detail, err := t.version(ctx)
		if err != nil && t.name == "python3" && !pip {
			detail, err = "not there, and not needed", nil
		}
		line(t.name, detail, err)
	}
	if missing != nil {
		return fmt.Errorf("missing: %s", strings.Join(missing, ", "))
	}
	return nil
}
