// Package graphdiff proves that two TensorFlow graphs are the same but for
// their nodes' names: it walks both from their outputs back to their inputs and
// pairs the nodes one to one, comparing op types, attributes, constants, devices
// and wiring. It works on GraphDefs, whoever wrote them, and needs no
// libtensorflow.
package graphdiff

import (
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"

	graphpb "github.com/tensorflow/tensorflow/tensorflow/go/core/framework/graph_go_proto"
	nodepb "github.com/tensorflow/tensorflow/tensorflow/go/core/framework/node_def_go_proto"
)

// A Pair names a tensor in each of two graphs, as "node", "node:0" or "node:1".
type Pair struct{ A, B string }

// Options say which parts of the graphs are compared.
type Options struct {
	// Outputs are where the walk begins. None: at every node that no other
	// node reads.
	Outputs []Pair
	// Inputs are where it ends: what feeds them is not compared.
	Inputs []Pair
	// Variables adds, for each variable that the walk meets, its initializer
	// and the ops that optimizers update it with. The gradient that such an op
	// reads is an input: C++ and Python build gradients from other ops.
	Variables bool
}

// A Report is what Compare found.
type Report struct {
	Nodes       int          // nodes paired
	Through     []string     // what the comparison looked through, one line each
	Differences []Difference // none: the graphs are the same
}

// A Difference is a place where the graphs differ.
type Difference struct {
	What string          // in words
	Path []string        // from an output back to the place, in A
	A, B *nodepb.NodeDef // the nodes at the place; nil: none
}

// maxDifferences ends a comparison: one change shows at many places.
const maxDifferences = 10

// Compare compares two graphs. Beside nodes' names, it looks through Identity
// and StopGradient, through a Reshape of a matrix or vector to its own shape (Python's
// rank bookkeeping around SoftmaxCrossEntropyWithLogits), variables' names, and
// attributes that begin with an underscore. It lists what it met of these.
//
// The error is of a name in o that is not in the graph, or of a graph whose
// nodes read nodes that it does not have.
func Compare(a, b *graphpb.GraphDef, o Options) (Report, error) {
	d := &differ{pairs: map[string]string{}, back: map[string]string{}, ends: map[ref]ref{}, endsBack: map[ref]ref{}}
	var err error
	if d.a, err = newSide("A", a); err != nil {
		return Report{}, err
	}
	if d.b, err = newSide("B", b); err != nil {
		return Report{}, err
	}
	for _, p := range o.Inputs {
		ra, rb, err := d.find(p)
		if err != nil {
			return Report{}, err
		}
		d.end(ra, rb)
	}
	if o.Outputs == nil {
		d.unordered(d.a.sinks(), d.b.sinks(), "node that no other reads", nil)
	}
	for _, p := range o.Outputs {
		ra, rb, err := d.find(p)
		if err != nil {
			return Report{}, err
		}
		d.tensors(ra, rb, []string{"output " + p.A})
	}
	if o.Variables {
		d.variables()
	}
	return d.report(), nil
}

// A differ is one comparison.
type differ struct {
	a, b           *side
	pairs, back    map[string]string // nodes of A to nodes of B, and back
	ends, endsBack map[ref]ref       // inputs of A to inputs of B, and back
	met            []string          // variable handles in the order of the walk, of A
	lookedThrough  []string
	differences    []Difference
}

func (d *differ) through(what string) { d.lookedThrough = append(d.lookedThrough, what) }

func (d *differ) find(p Pair) (a, b ref, err error) {
	if a, err = d.a.find(p.A); err != nil {
		return
	}
	b, err = d.b.find(p.B)
	return
}

// end makes a pair of tensors inputs.
func (d *differ) end(a, b ref) {
	a, b = d.a.resolve(a), d.b.resolve(b)
	d.ends[a], d.endsBack[b] = b, a
	name := fmt.Sprintf("input %d", len(d.ends))
	d.a.setEnd(a, name)
	d.b.setEnd(b, name)
}

func (d *differ) differ(what string, a, b ref, path []string) {
	d.differences = append(d.differences, Difference{what, slices.Clone(path), d.a.nodes[a.node], d.b.nodes[b.node]})
}

// tensors compares what computes two tensors.
func (d *differ) tensors(a, b ref, path []string) {
	if len(d.differences) >= maxDifferences {
		return
	}
	a, b = d.a.follow(a, d.through), d.b.follow(b, d.through)
	endB, isEndA := d.ends[a]
	_, isEndB := d.endsBack[b]
	if isEndA || isEndB {
		if !isEndA || endB != b {
			d.differ(fmt.Sprintf("A reads %s, B reads %s", a, b), a, b, path)
		}
		return
	}
	if a.output != b.output {
		d.differ(fmt.Sprintf("A reads output %d, B reads output %d", a.output, b.output), a, b, path)
		return
	}
	other, seenA := d.pairs[a.node]
	otherA, seenB := d.back[b.node]
	switch {
	case seenA && other == b.node:
	case seenA:
		d.differ(fmt.Sprintf("A reads %s, which is B's %s, but B reads %s", a.node, other, b.node), a, b, path)
	case seenB:
		d.differ(fmt.Sprintf("B reads %s, which is A's %s, but A reads %s", b.node, otherA, a.node), a, b, path)
	default:
		d.nodes(a, b, path)
	}
}

// nodes compares two nodes and what they read.
func (d *differ) nodes(a, b ref, path []string) {
	d.pairs[a.node], d.back[b.node] = b.node, a.node
	na, nb := d.a.nodes[a.node], d.b.nodes[b.node]
	path = append(slices.Clip(path), fmt.Sprintf("%s (%s)", na.Name, na.Op))
	if na.Op != nb.Op {
		d.differ(fmt.Sprintf("A has the op %s, B the op %s", na.Op, nb.Op), a, b, path)
		return // what they read can only differ
	}
	if na.Device != nb.Device {
		d.differ(fmt.Sprintf("A is on the device %q, B on %q", na.Device, nb.Device), a, b, path)
	}
	if names := d.attributes(na, nb); names != nil {
		d.differ("attributes differ: "+strings.Join(names, ", "), a, b, path)
	}
	if na.Op == "VarHandleOp" {
		d.met = append(d.met, na.Name)
	}
	inA, controlA := inputs(na)
	inB, controlB := inputs(nb)
	if len(inA) != len(inB) {
		d.differ(fmt.Sprintf("A has %d inputs, B has %d", len(inA), len(inB)), a, b, path)
		return
	}
	for i := range inA {
		d.tensors(inA[i], inB[i], append(slices.Clip(path), fmt.Sprintf("input %d", i)))
	}
	d.unordered(controlA, controlB, "control input", path)
}

// attributes returns the names of the attributes that differ.
func (d *differ) attributes(a, b *nodepb.NodeDef) (names []string) {
	all := map[string]bool{}
	for name := range a.Attr {
		all[name] = true
	}
	for name := range b.Attr {
		all[name] = true
	}
	for name := range all {
		if d.a.attribute(a.Attr[name]) == d.b.attribute(b.Attr[name]) {
			continue
		}
		if ignored(a.Op, name) {
			d.through(fmt.Sprintf("attribute %s of %s", name, a.Op))
		} else {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	return names
}

// unordered compares nodes that stand in no order: it pairs those that are
// alike, and then those of one op type.
func (d *differ) unordered(a, b []ref, what string, path []string) {
	path = append(slices.Clip(path), what)
	a, b = d.a.resolveAll(a), d.b.resolveAll(b)
	for _, alike := range []func(a, b ref) bool{
		func(a, b ref) bool { return d.a.fingerprint(a) == d.b.fingerprint(b) },
		func(a, b ref) bool { return d.a.nodes[a.node].Op == d.b.nodes[b.node].Op },
	} {
		a = slices.DeleteFunc(a, func(a ref) bool {
			i := slices.IndexFunc(b, func(b ref) bool { return alike(a, b) })
			if i >= 0 {
				d.tensors(a, b[i], path)
				b = slices.Delete(b, i, i+1)
			}
			return i >= 0
		})
	}
	for _, r := range a {
		d.differ("only A has this", r, ref{}, path)
	}
	for _, r := range b {
		d.differ("only B has this", ref{}, r, path)
	}
}

// variables compares the initializers and the updates of the variables met so
// far, and of those met on the way.
func (d *differ) variables() {
	for i := 0; i < len(d.met); i++ {
		a := d.met[i]
		b := d.pairs[a]
		path := []string{"variable " + a}
		d.unordered(d.a.initializers(a), d.b.initializers(b), "initializer", path)
		updatesA, updatesB := d.a.updates(a), d.b.updates(b)
		for j := range min(len(updatesA), len(updatesB)) {
			gradientA, okA := d.a.gradient(updatesA[j])
			gradientB, okB := d.b.gradient(updatesB[j])
			if okA && okB {
				d.end(gradientA, gradientB)
			}
		}
		d.unordered(updatesA, updatesB, "update", path)
	}
}

func (d *differ) report() Report {
	sort.Strings(d.lookedThrough)
	r := Report{Nodes: len(d.pairs), Through: slices.Compact(d.lookedThrough), Differences: d.differences}
	if len(r.Differences) > maxDifferences {
		r.Differences = r.Differences[:maxDifferences]
	}
	return r
}

// A ref is an output of a node.
type ref struct {
	node   string
	output int
}

func (r ref) String() string { return r.node + ":" + strconv.Itoa(r.output) }

// parseRef reads "node" or "node:1".
func parseRef(s string) ref {
	node, output, ok := strings.Cut(s, ":")
	if n, err := strconv.Atoi(output); ok && err == nil {
		return ref{node, n}
	}
	return ref{node, 0}
}

// inputs returns the tensors that a node reads, in order, and the nodes that
// run before it.
func inputs(n *nodepb.NodeDef) (data, control []ref) {
	for _, in := range n.Input {
		if node, ok := strings.CutPrefix(in, "^"); ok {
			control = append(control, ref{node, 0})
		} else {
			data = append(data, parseRef(in))
		}
	}
	return data, control
}
