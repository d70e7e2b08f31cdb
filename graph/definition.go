package graph

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	graphpb "github.com/tensorflow/tensorflow/tensorflow/go/core/framework/graph_go_proto"
	nodepb "github.com/tensorflow/tensorflow/tensorflow/go/core/framework/node_def_go_proto"
	typespb "github.com/tensorflow/tensorflow/tensorflow/go/core/framework/types_go_proto"
	"google.golang.org/protobuf/proto"
)

// A definition is a GraphDef with its nodes by their names. Unlike a tf.Graph,
// it tells the nodes' control inputs.
type definition struct {
	proto *graphpb.GraphDef
	nodes map[string]*nodepb.NodeDef
}

func newDefinition(data []byte) (definition, error) {
	d := definition{new(graphpb.GraphDef), map[string]*nodepb.NodeDef{}}
	err := proto.Unmarshal(data, d.proto)
	if err == nil && len(d.proto.Node) == 0 {
		err = errors.New("no nodes in it")
	}
	if err != nil {
		return d, fmt.Errorf("not a binary GraphDef: %w", err)
	}
	for _, n := range d.proto.Node {
		d.nodes[n.Name] = n
	}
	for _, n := range d.proto.Node {
		for _, in := range inputs(n) {
			if d.nodes[in.node] == nil {
				return d, fmt.Errorf("not a whole GraphDef: no node %s, which its node %s reads", in.node, n.Name)
			}
		}
	}
	return d, nil
}

// A ref is an output of a node; -1 is the node itself, as a control input.
type ref struct {
	node   string
	output int
}

func (r ref) String() string { return r.node + ":" + strconv.Itoa(r.output) }

// parseRef reads X or X:1, or ^X.
func parseRef(s string) ref {
	if node, ok := strings.CutPrefix(s, "^"); ok {
		return ref{node, -1}
	}
	if node, output, ok := strings.Cut(s, ":"); ok {
		if n, err := strconv.ParseUint(output, 10, 16); err == nil {
			return ref{node, int(n)}
		}
	}
	return ref{s, 0}
}

// inputs returns what a node reads, in order.
func inputs(n *nodepb.NodeDef) []ref {
	refs := make([]ref, len(n.Input))
	for i, in := range n.Input {
		refs[i] = parseRef(in)
	}
	return refs
}

// back returns what the roots depend on, and the roots, without going on where
// end is true.
func (d definition) back(end func(ref) bool, roots ...ref) map[ref]bool {
	seen := map[ref]bool{}
	for todo := slices.Clone(roots); len(todo) > 0; {
		r := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if !seen[r] {
			seen[r] = true
			if !end(r) {
				todo = append(todo, inputs(d.nodes[r.node])...)
			}
		}
	}
	return seen
}

// nowhere ends a walk back nowhere.
func nowhere(ref) bool { return false }

// way returns the shortest way back from a tensor to a node that is wanted, by
// the nodes' names; nil: there is none.
func (d definition) way(from ref, end func(ref) bool, want func(*nodepb.NodeDef) bool) []string {
	ways := map[string][]string{from.node: {from.node}}
	for todo := []ref{from}; len(todo) > 0; todo = todo[1:] {
		r := todo[0]
		if end(r) {
			continue
		}
		n := d.nodes[r.node]
		if want(n) {
			return ways[n.Name]
		}
		for _, in := range inputs(n) {
			if ways[in.node] == nil {
				ways[in.node] = append(slices.Clip(ways[n.Name]), in.node)
				todo = append(todo, in)
			}
		}
	}
	return nil
}

// initial returns the initial value of a variable. It depends on no file, no
// fed tensor, and not on the variable itself: other assignments restore the
// variable or train it.
func (d definition) initial(handle string) (value ref, ok bool) {
	for _, n := range d.proto.Node {
		in := inputs(n)
		if n.Op != "AssignVariableOp" || len(in) < 2 || in[0].node != handle {
			continue
		}
		later := false
		for r := range d.back(nowhere, in[1:]...) {
			op := d.nodes[r.node].Op
			later = later || op == "RestoreV2" || op == "Placeholder" || r.node == handle
		}
		if !later {
			return in[1], true
		}
	}
	return ref{}, false
}

// part returns, as a GraphDef, the nodes that have an output in refs.
func (d definition) part(refs map[ref]bool) ([]byte, error) {
	names := map[string]bool{}
	for r := range refs {
		names[r.node] = true
	}
	part := &graphpb.GraphDef{Versions: d.proto.Versions, Library: d.proto.Library}
	for _, n := range d.proto.Node {
		if !names[n.Name] {
			continue
		}
		n = proto.Clone(n).(*nodepb.NodeDef)
		// A node may be colocated with one that is left out.
		for _, class := range n.Attr["_class"].GetList().GetS() {
			if !names[strings.TrimPrefix(string(class), "loc:@")] {
				delete(n.Attr, "_class")
				break
			}
		}
		part.Node = append(part.Node, n)
	}
	return proto.Marshal(part)
}

// of returns the names of the nodes of an op.
func (d definition) of(op string) (names []string) {
	for _, n := range d.proto.Node {
		if n.Op == op {
			names = append(names, n.Name)
		}
	}
	return names
}

// unread returns the names of the nodes that no other reads, without what
// Python adds for each variable.
func (d definition) unread() (names []string) {
	read := map[string]bool{}
	for _, n := range d.proto.Node {
		for _, in := range inputs(n) {
			read[in.node] = true
		}
	}
	for _, n := range d.proto.Node {
		if !read[n.Name] && n.Op != "VarIsInitializedOp" && n.Op != "ReadVariableOp" {
			names = append(names, n.Name)
		}
	}
	return names
}

// unused returns a name that no node has, nor a namespace of nodes.
func (d definition) unused(name string) string {
	for slices.ContainsFunc(d.proto.Node, func(n *nodepb.NodeDef) bool { return strings.HasPrefix(n.Name, name) }) {
		name += "_"
	}
	return name
}

// dtypeName returns Python's name of a dtype.
func dtypeName(dtype typespb.DataType) string {
	if dtype == typespb.DataType_DT_FLOAT {
		return "float32"
	}
	return strings.ToLower(strings.TrimPrefix(dtype.String(), "DT_"))
}
