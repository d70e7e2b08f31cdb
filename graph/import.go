package graph

import (
	"errors"
	"fmt"
	"strings"

	tf "github.com/tensorflow/tensorflow/tensorflow/go"
	"github.com/tensorflow/tensorflow/tensorflow/go/op"
)

// An Imported is a graph that was written elsewhere, in Python say.
type Imported struct {
	Scope *op.Scope // of the graph, in a namespace of its own

	// Model has no PyX and no TestPyX, and no keep that the Names do not name:
	// their Op is nil.
	//
	// Its Weights are the float32 variables that the loss depends on, but for
	// those behind a StopGradient, in the graph's order. X and Y have the
	// shapes that the graph gives them. TestPredict is a copy of the
	// predictions' part of the graph with both keeps at 1; what random numbers
	// it still draws are its own.
	Model Model

	// Training has among the Slots the graph's other variables too. It has no
	// Gradients if its Op is the graph's own.
	Training Training
}

// Import imports a binary GraphDef, with a training step: the op that the graph
// has for it, if names.Train says so, else Minimize's, with o's updates and the
// schedule; of names.Train and o, one is wanted.
//
// Only what the names depend on is imported, and the variables' initializers,
// under the names that the nodes have. So a graph's own optimizer, if it is not
// names.Train, is left out, and o's slots, which may have the same names, share
// no resource with it. Whatever fed the images and the labels is replaced by
// the Model's X and Y.
//
// An error names what is wrong with the names or with the graph, such as an op
// that has no gradient; o's and the schedule's may be a RangeError.
func Import(def []byte, names Names, o Optimizer, schedule Schedule) (Imported, error) {
	if err := names.validate(); err != nil {
		return Imported{}, err
	}
	if (names.Train == "") == (o == nil) {
		return Imported{}, errors.New("want an optimizer or the name of the graph's train op, and not both")
	}
	if o == nil && schedule != nil {
		return Imported{}, errors.New("want no schedule for the graph's train op")
	}
	if o != nil {
		if err := validate(o, schedule); err != nil {
			return Imported{}, err
		}
	}
	d, err := newDefinition(def)
	if err != nil {
		return Imported{}, err
	}
	i := importer{def: d, names: names, optimizer: o, schedule: schedule, refs: map[string]ref{}}
	for _, step := range []func() error{i.find, i.checkTensors, i.checkWays, i.findVariables, i.build, i.train} {
		if err := step(); err != nil {
			return Imported{}, err
		}
	}
	return i.out, nil
}

// An importer is the work of Import.
type importer struct {
	def       definition
	names     Names
	optimizer Optimizer
	schedule  Schedule
	out       Imported

	refs      map[string]ref // what the names name, by key
	needed    map[ref]bool   // what is imported
	variables []variable     // in the graph's order
	g         *tf.Graph      // checkTensors' at first, then the one to train
}

// find looks up the names.
func (i *importer) find() error {
	for _, p := range i.names.parts() {
		if *p.name == "" {
			continue
		}
		r := parseRef(*p.name)
		if p.key == "train" {
			r = ref{*p.name, -1}
		}
		n := i.def.nodes[r.node]
		switch {
		case n == nil && p.key == "train":
			return fmt.Errorf("train=%s: no such op in the graph; those that no other reads are %s", *p.name, strings.Join(i.def.unread(), ", "))
		case n == nil:
			return fmt.Errorf("%s=%s: no such tensor in the graph; its placeholders are %s, and the ops that no other reads %s", p.key, *p.name,
				strings.Join(i.def.of("Placeholder"), ", "), strings.Join(i.def.unread(), ", "))
		case strings.HasPrefix(p.key, "keep_") && !strings.HasPrefix(n.Op, "Placeholder"):
			return fmt.Errorf("%s=%s is of the op %s: want a placeholder, one of %s", p.key, *p.name, n.Op, strings.Join(i.def.of("Placeholder"), ", "))
		}
		i.refs[p.key] = r
	}
	if r, ok := i.refs["keep_conv"]; ok && r == i.refs["keep_hidden"] {
		return fmt.Errorf("keep_conv and keep_hidden are both %s: want one of them", r)
	}
	return nil
}
