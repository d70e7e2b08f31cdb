// Graphdiff compares two TensorFlow GraphDefs but for their nodes' names. Its
// exit code is 0 if they are the same, 1 if they differ, 2 on an error.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"tfrunner/graph/graphdef"
	"tfrunner/graph/graphdiff"
)

func main() {
	err := run(os.Args[1:], os.Stdout, os.Stderr)
	code := exitCode(err)
	if code == 2 {
		fmt.Fprintln(os.Stderr, "graphdiff:", err)
	}
	os.Exit(code)
}

// exitCode returns the program's exit code for run's error.
func exitCode(err error) int {
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	case errors.Is(err, errDiffer):
		return 1
	}
	return 2
}

// errDiffer says that the graphs differ; the report is printed.
var errDiffer = errors.New("the graphs differ")

func run(args []string, stdout, stderr io.Writer) error {
	var o graphdiff.Options
	flags := flag.NewFlagSet("graphdiff", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // main prints the error, in one line
	pairs := func(to *[]graphdiff.Pair) func(string) error {
		return func(s string) error { return parsePairs(s, to) }
	}
	flags.Func("from", "end at these `inputs`, as X=Placeholder,Y=Placeholder_1; X alone is X=X", pairs(&o.Inputs))
	flags.Func("to", "begin at these `outputs` (default: at every node that no other reads)", pairs(&o.Outputs))
	flags.BoolVar(&o.Variables, "variables", false, "compare the variables' initializers and optimizers' updates too")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(stderr, "usage: graphdiff [-from inputs] [-to outputs] [-variables] A.pb B.pb")
			flags.SetOutput(stderr)
			flags.PrintDefaults()
		}
		return err
	}
	if flags.NArg() != 2 {
		return fmt.Errorf("%d files: want two GraphDefs, A.pb and B.pb", flags.NArg())
	}
	a, err := graphdef.Read(flags.Arg(0))
	if err != nil {
		return err
	}
	b, err := graphdef.Read(flags.Arg(1))
	if err != nil {
		return err
	}
	report, err := graphdiff.Compare(a, b, o)
	if err != nil {
		return err
	}
	if err := report.Print(stdout); err != nil {
		return err
	}
	if len(report.Differences) > 0 {
		return errDiffer
	}
	return nil
}

// parsePairs reads A=B,C,....
func parsePairs(s string, to *[]graphdiff.Pair) error {
	for _, pair := range strings.Split(s, ",") {
		a, b, ok := strings.Cut(pair, "=")
		if !ok {
			b = a
		}
		if a == "" || b == "" {
			return fmt.Errorf("want A=B,..., got %q", pair)
		}
		*to = append(*to, graphdiff.Pair{A: a, B: b})
	}
	return nil
}
