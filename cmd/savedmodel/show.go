package main

import (
	"flag"
	"fmt"
	"io"

	"tfrunner/graph/savedmodel"
)

// show prints what a SavedModel is.
func show(args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("show", flag.ContinueOnError)
	dir := flags.String("dir", "", "show the SavedModel in `DIR`")
	tagSet := flags.String("tag_set", "serve", "show the signatures of the graph with these `tags`, as serve,gpu")
	name := flags.String("signature_def", "", "show the inputs and outputs of the signature `NAME`")
	all := flags.Bool("all", false, "show everything, of all graphs or of the one that -tag_set says")
	given, err := parse(flags, args, stderr)
	if err != nil {
		return err
	}
	switch {
	case *dir == "":
		return usagef("no -dir")
	case *all && *name != "":
		return usagef("-all shows all signatures: give it or -signature_def")
	}
	graphs, err := savedmodel.Read(*dir)
	if err != nil {
		return err
	}
	if *all && !given["tag_set"] {
		for _, g := range graphs {
			if err := g.Print(stdout); err != nil {
				return err
			}
		}
		return nil
	}
	if *name == "" && !given["tag_set"] {
		return savedmodel.PrintTags(stdout, graphs)
	}
	g, err := savedmodel.Find(graphs, split(*tagSet, ','))
	if err != nil {
		return fmt.Errorf("%s: %w", *dir, err)
	}
	switch {
	case *all:
		return g.Print(stdout)
	case *name == "":
		return g.PrintKeys(stdout)
	}
	s, err := g.Signature(*name)
	if err != nil {
		return fmt.Errorf("%s: %w", *dir, err)
	}
	return savedmodel.PrintSignature(stdout, s)
}
