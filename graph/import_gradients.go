package graph

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	nodepb "github.com/tensorflow/tensorflow/tensorflow/go/core/framework/node_def_go_proto"
)

// customGradient returns an error if the loss depends on the weights by an op
// whose gradient is a Python function (tf.custom_gradient), which no GraphDef
// holds. TensorFlow would take the gradient of the op that it wraps.
func (i *importer) customGradient() error {
	way := i.wayTo(func(n *nodepb.NodeDef) bool { return n.Attr["_gradient_op_type"] != nil })
	if way == nil {
		return nil
	}
	return noGradient(i.def.nodes[way[len(way)-1]], way, "has a gradient in Python that the graph does not hold")
}

// undefined matches TensorFlow's error of an op that has no gradient.
var undefined = regexp.MustCompile(`No gradient defined for op: (\w+)`)

// explain returns an error of Minimize, in one line; of an op that has no
// gradient with the way to it.
func (i *importer) explain(err error) error {
	if match := undefined.FindStringSubmatch(err.Error()); match != nil {
		if way := i.wayTo(func(n *nodepb.NodeDef) bool { return n.Op == match[1] }); way != nil {
			return noGradient(i.def.nodes[way[len(way)-1]], way, "has no gradient in TensorFlow's C API")
		}
	}
	// Package op adds the stack of the failed op, over many lines.
	why, _, _ := strings.Cut(err.Error(), " (Stacktrace:")
	return errors.New(why)
}

// wayTo returns the shortest way from the loss to a node that is wanted and
// depends on a weight.
func (i *importer) wayTo(want func(*nodepb.NodeDef) bool) []string {
	return i.def.way(i.refs["loss"], i.gradientEnds, func(n *nodepb.NodeDef) bool {
		if !want(n) {
			return false
		}
		seen := i.def.back(i.gradientEnds, inputs(n)...)
		for _, v := range i.variables {
			if v.weight && seen[ref{v.handle.Name, 0}] {
				return true
			}
		}
		return false
	})
}

func noGradient(n *nodepb.NodeDef, way []string, why string) error {
	return fmt.Errorf("the op %s (%s) %s, on the way %s; train=OP runs the graph's own training", n.Name, n.Op, why, strings.Join(way, " <- "))
}
