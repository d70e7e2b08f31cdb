package graph

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	tf "github.com/tensorflow/tensorflow/tensorflow/go"
	typespb "github.com/tensorflow/tensorflow/tensorflow/go/core/framework/types_go_proto"
)

// tensors are the dtypes and shapes that the names' tensors may have.
var tensors = map[string][]string{
	"images":           {"float32 [?, 28, 28, 1]", "float32 [?, 28, 28]", "float32 [?, 784]"},
	"labels":           {"float32 [?, 10]", "int32 [?]", "int64 [?]"},
	"loss":             {"float32 []"},
	"predictions":      {"int64 [?]", "int32 [?]"},
	"test_predictions": {"int64 [?]", "int32 [?]"},
	"keep_conv":        {"float32 []"},
	"keep_hidden":      {"float32 []"},
}

// checkTensors imports what the names depend on into a graph of its own, for
// the tensors' dtypes and shapes.
func (i *importer) checkTensors() error {
	def, err := i.def.part(i.def.back(nowhere, slices.Collect(maps.Values(i.refs))...))
	if err != nil {
		return err
	}
	i.g = tf.NewGraph()
	if err := i.g.Import(def, ""); err != nil {
		return fmt.Errorf("importing the graph: %w", err)
	}
	for _, p := range i.names.parts() {
		r, ok := i.refs[p.key]
		want := tensors[p.key]
		if !ok || want == nil {
			continue
		}
		if n := i.g.Operation(r.node).NumOutputs(); r.output < 0 || r.output >= n {
			return fmt.Errorf("%s=%s: the op has %d outputs, from 0 on", p.key, r, n)
		}
		if got := describe(i.tensor(p.key)); !slices.Contains(want, got) {
			return fmt.Errorf("%s=%s is %s: want %s", p.key, r, got, strings.Join(want, " or "))
		}
	}
	return nil
}

// tensor returns what a key names, in the graph.
func (i *importer) tensor(key string) tf.Output {
	r := i.refs[key]
	return i.g.Operation(r.node).Output(r.output)
}

// describe returns a tensor's dtype and shape.
func describe(t tf.Output) string {
	return dtypeName(typespb.DataType(t.DataType())) + " " + t.Shape().String()
}

// fed tells the tensors that are fed.
func (i *importer) fed(r ref) bool {
	for _, key := range []string{"images", "labels", "keep_conv", "keep_hidden"} {
		if fed, ok := i.refs[key]; ok && r == fed {
			return true
		}
	}
	return false
}

// checkWays checks that all that is fed counts.
func (i *importer) checkWays() error {
	for _, way := range []struct {
		key  string
		read []string
	}{
		{"loss", []string{"images", "labels", "keep_conv", "keep_hidden"}},
		{"predictions", []string{"images"}},
		{"test_predictions", []string{"images"}},
		{"train", []string{"images", "labels"}},
	} {
		from, ok := i.refs[way.key]
		if !ok {
			continue
		}
		seen := i.def.back(i.fed, from)
		for _, key := range way.read {
			if r, ok := i.refs[key]; ok && !seen[r] {
				return fmt.Errorf("%s=%s does not depend on %s=%s", way.key, from.node, key, r)
			}
		}
	}
	return nil
}

// checkNodes looks among what is imported for what cannot be run.
func (i *importer) checkNodes() error {
	for _, n := range i.def.proto.Node {
		r := ref{n.Name, 0}
		if !i.needed[r] {
			continue
		}
		switch n.Op {
		case "VariableV2":
			return fmt.Errorf("the variable %s is a VariableV2: want resource variables; call tf.compat.v1.enable_resource_variables() first", n.Name)
		case "Placeholder":
			if !i.fed(r) {
				return fmt.Errorf("nothing feeds the placeholder %s: want a graph that reads no others than the images, the labels and the keeps", n.Name)
			}
		}
	}
	return nil
}
