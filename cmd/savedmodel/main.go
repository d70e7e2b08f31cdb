// Savedmodel shows and runs SavedModels, as TensorFlow's saved_model_cli does,
// and runs bare GraphDefs.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
)

func main() {
	err := run(os.Args[1:], os.Stdout, os.Stderr)
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "savedmodel:", err)
	}
	os.Exit(exitCode(err))
}

// exitCode returns the program's exit code for run's error.
func exitCode(err error) int {
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	case errors.As(err, new(usageError)):
		return 2
	}
	return 1
}

// A usageError is a command line that makes no sense.
type usageError struct{ error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

const usage = `usage:
  savedmodel show -dir DIR [-tag_set TAGS] [-signature_def NAME] [-all]
  savedmodel run -dir DIR [-tag_set TAGS] [-signature_def NAME] [-inputs 'x=file.npy;y=file.npz[key]'] [-input_exprs 'x=[[1.0, 2.0]]']
                 [-input_json FILE] [-outdir DIR [-overwrite]] [-json] [-device NAME]
  savedmodel run -graph FILE -feed 'X:0=file.npy' -fetch 'y:0,z:0' [-target init] [-input_exprs ...] [-input_json ...] [-outdir ...] ...
`

// run is the program.
func run(args []string, stdout, stderr io.Writer) error {
	if len(args) == 0 {
		return usagef("no command, want show or run")
	}
	switch args[0] {
	case "show":
		return show(args[1:], stdout, stderr)
	case "run":
		return runGraph(args[1:], stdout, stderr)
	case "-h", "-help", "--help", "help":
		fmt.Fprint(stderr, usage)
		return flag.ErrHelp
	}
	return usagef("no command %q, want show or run", args[0])
}

// parse parses flags and returns the names of those that are given.
func parse(flags *flag.FlagSet, args []string, stderr io.Writer) (given map[string]bool, err error) {
	flags.SetOutput(io.Discard) // main prints the error, in one line
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			fmt.Fprint(stderr, usage)
			flags.SetOutput(stderr)
			flags.PrintDefaults()
			return nil, err
		}
		return nil, usageError{err}
	}
	if flags.NArg() > 0 {
		return nil, usagef("unexpected argument %q", flags.Arg(0))
	}
	given = map[string]bool{}
	flags.Visit(func(f *flag.Flag) { given[f.Name] = true })
	return given, nil
}
