package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"slices"

	tf "github.com/tensorflow/tensorflow/tensorflow/go"

	"tfrunner/graph"
	"tfrunner/graph/savedmodel"
	"tfrunner/train"
)

// runOptions are the command line's.
type runOptions struct {
	dir, tagSet, signature string // a SavedModel
	graph, fetch, target   string // or a GraphDef
	device                 string
	inputs                 inputs
	inputJSON              string
	outputs                outputs
}

func parseRun(args []string, stderr io.Writer) (*runOptions, error) {
	o := new(runOptions)
	flags := flag.NewFlagSet("run", flag.ContinueOnError)
	flags.StringVar(&o.dir, "dir", "", "run the SavedModel in `DIR`")
	flags.StringVar(&o.tagSet, "tag_set", "serve", "load the graph with these `tags`, as serve,gpu")
	flags.StringVar(&o.signature, "signature_def", "serving_default", "run the signature `NAME`")
	flags.Func("inputs", "read inputs from NumPy's `files`, as x=file.npy;y=file.npz[key]", o.inputs.files)
	flags.StringVar(&o.graph, "graph", "", "run the GraphDef in `FILE`, binary or text")
	flags.Func("feed", "feed tensors of the GraphDef from NumPy's `files`, as X:0=file.npy;Y:0=file.npz[key]", o.inputs.files)
	flags.StringVar(&o.fetch, "fetch", "", "compute these `tensors` of the GraphDef, as y:0,z:0")
	flags.StringVar(&o.target, "target", "", "first run these `nodes` of the GraphDef, one after another, as init,step")
	flags.Func("input_exprs", "take inputs from Python `expressions`, as x=[[1.0, 2.0]];y=[\"a\", \"b\"]", o.inputs.expressions)
	flags.StringVar(&o.inputJSON, "input_json", "", "read inputs from `FILE`, as {\"x\": [[1.0, 2.0]], \"y\": [\"a\", {\"b64\": \"YmI=\"}]}")
	flags.StringVar(&o.outputs.dir, "outdir", "", "write each result to a .npy file in `DIR`")
	flags.BoolVar(&o.outputs.overwrite, "overwrite", false, "overwrite files in -outdir")
	flags.BoolVar(&o.outputs.json, "json", false, "print the results as JSON")
	flags.StringVar(&o.device, "device", "auto", "run on auto, cpu or gpu:`N`")
	given, err := parse(flags, args, stderr)
	if err != nil {
		return nil, err
	}
	switch {
	case (o.dir == "") == (o.graph == ""):
		return nil, usagef("want either -dir or -graph")
	case o.outputs.overwrite && o.outputs.dir == "":
		return nil, usagef("-overwrite goes with -outdir")
	case o.graph != "" && o.fetch == "" && o.target == "":
		return nil, usagef("-graph goes with -fetch or -target")
	}
	for _, name := range []string{"tag_set", "signature_def", "inputs"} {
		if given[name] && o.dir == "" {
			return nil, usagef("-%s goes with -dir", name)
		}
	}
	for _, name := range []string{"feed", "fetch", "target"} {
		if given[name] && o.graph == "" {
			return nil, usagef("-%s goes with -graph", name)
		}
	}
	return o, nil
}

// runGraph is the command run.
func runGraph(args []string, stdout, stderr io.Writer) error {
	o, err := parseRun(args, stderr)
	if err != nil {
		return err
	}
	if o.inputJSON != "" {
		if err := o.inputs.json(o.inputJSON); err != nil {
			return err
		}
	}
	options, err := train.Compute{Device: o.device}.Options()
	if wrong := new(graph.RangeError); errors.As(err, &wrong) {
		return usageError{fmt.Errorf("-%w", wrong)}
	}
	if err != nil {
		return err
	}
	open := o.openModel
	if o.graph != "" {
		open = o.openGraph
	}
	r, err := open(options)
	if err != nil {
		return err
	}
	defer r.close()
	values, err := o.inputs.tensors(r.input)
	if err != nil {
		return err
	}
	if err := o.outputs.check(r.outputs); err != nil {
		return err
	}
	results, err := r.run(values)
	if err != nil {
		return err
	}
	return o.outputs.write(r.outputs, results, stdout, stderr)
}

// A runner is a loaded SavedModel or GraphDef.
type runner struct {
	input   func(key string) (tf.TensorInfo, error)
	outputs []string
	run     func(inputs map[string]*tf.Tensor) (map[string]*tf.Tensor, error)
	close   func() error
}

func (o *runOptions) openModel(options *tf.SessionOptions) (runner, error) {
	m, err := savedmodel.Load(o.dir, split(o.tagSet, ','), options)
	if err != nil {
		return runner{}, err
	}
	s, err := m.Signature(o.signature)
	if err != nil {
		m.Close()
		return runner{}, fmt.Errorf("%s: %w", o.dir, err)
	}
	return runner{
		input:   func(key string) (tf.TensorInfo, error) { return m.Input(o.signature, key) },
		outputs: slices.Sorted(maps.Keys(s.Outputs)),
		run:     func(inputs map[string]*tf.Tensor) (map[string]*tf.Tensor, error) { return m.Run(o.signature, inputs) },
		close:   m.Close,
	}, nil
}

func (o *runOptions) openGraph(options *tf.SessionOptions) (runner, error) {
	g, err := savedmodel.LoadGraph(o.graph, options)
	if err != nil {
		return runner{}, err
	}
	fetches := split(o.fetch, ',')
	return runner{
		input:   g.Tensor,
		outputs: fetches,
		run: func(inputs map[string]*tf.Tensor) (map[string]*tf.Tensor, error) {
			return g.Run(inputs, fetches, split(o.target, ','))
		},
		close: g.Close,
	}, nil
}
