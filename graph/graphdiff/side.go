package graphdiff

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"sort"
	"strings"

	attrpb "github.com/tensorflow/tensorflow/tensorflow/go/core/framework/attr_value_go_proto"
	functionpb "github.com/tensorflow/tensorflow/tensorflow/go/core/framework/function_go_proto"
	graphpb "github.com/tensorflow/tensorflow/tensorflow/go/core/framework/graph_go_proto"
	nodepb "github.com/tensorflow/tensorflow/tensorflow/go/core/framework/node_def_go_proto"
	"google.golang.org/protobuf/proto"
)

// A side is one of the two graphs.
type side struct {
	name      string // A or B
	order     []*nodepb.NodeDef
	nodes     map[string]*nodepb.NodeDef
	functions map[string]*functionpb.FunctionDef
	ends      map[ref]string    // the walk's inputs, by a name that both sides share
	prints    map[string]string // fingerprints of nodes
}

func newSide(name string, g *graphpb.GraphDef) (*side, error) {
	s := &side{
		name: name, order: g.GetNode(),
		nodes: map[string]*nodepb.NodeDef{}, functions: map[string]*functionpb.FunctionDef{},
		ends: map[ref]string{}, prints: map[string]string{},
	}
	for _, n := range s.order {
		if s.nodes[n.Name] != nil {
			return nil, fmt.Errorf("graph %s has two nodes of the name %s", name, n.Name)
		}
		s.nodes[n.Name] = n
	}
	for _, n := range s.order {
		data, control := inputs(n)
		for _, in := range append(data, control...) {
			if s.nodes[in.node] == nil {
				return nil, fmt.Errorf("graph %s has no node %s, which its node %s reads", name, in.node, n.Name)
			}
		}
	}
	for _, f := range g.GetLibrary().GetFunction() {
		s.functions[f.GetSignature().GetName()] = f
	}
	return s, nil
}

// find returns the tensor that a user names.
func (s *side) find(name string) (ref, error) {
	r := parseRef(name)
	if s.nodes[r.node] != nil {
		return r, nil
	}
	var outputs []string
	for _, sink := range s.sinks() {
		outputs = append(outputs, sink.node)
	}
	return r, fmt.Errorf("graph %s has no node %s; of its %d nodes these are read by no other: %s", s.name, name, len(s.order), strings.Join(outputs, ", "))
}

// sinks returns the nodes that no other node reads.
func (s *side) sinks() (sinks []ref) {
	read := map[string]bool{}
	for _, n := range s.order {
		data, control := inputs(n)
		for _, in := range append(data, control...) {
			read[in.node] = true
		}
	}
	for _, n := range s.order {
		if !read[n.Name] {
			sinks = append(sinks, ref{n.Name, 0})
		}
	}
	return sinks
}

// resolve returns the tensor that r is, looking through nodes that hand on
// what they read.
func (s *side) resolve(r ref) ref { return s.follow(r, func(string) {}) }

// follow is resolve, and says what it looks through.
func (s *side) follow(r ref, say func(what string)) ref {
	for s.ends[r] == "" {
		n := s.nodes[r.node]
		data, _ := inputs(n)
		switch {
		case (n.Op == "Identity" || n.Op == "StopGradient") && len(data) == 1:
			say(fmt.Sprintf("%s of %s: %s", n.Op, s.name, n.Name))
		case s.reshapesToOwnShape(n):
			say(fmt.Sprintf("Reshape to its own shape around SoftmaxCrossEntropyWithLogits of %s: %s", s.name, n.Name))
		default:
			return r
		}
		r = data[0]
	}
	return r
}

func (s *side) resolveAll(refs []ref) []ref {
	all := make([]ref, len(refs))
	for i, r := range refs {
		all[i] = s.resolve(r)
	}
	return all
}

// setEnd makes r an input of the comparison.
func (s *side) setEnd(r ref, name string) {
	s.ends[r] = name
	clear(s.prints)
}

// fingerprint returns a string that is equal for tensors that are computed
// alike, as far as a tree of nodes tells.
func (s *side) fingerprint(r ref) string {
	r = s.resolve(r)
	if name := s.ends[r]; name != "" {
		return name
	}
	print, ok := s.prints[r.node]
	if !ok {
		s.prints[r.node] = "in a cycle"
		n := s.nodes[r.node]
		h := sha256.New()
		fmt.Fprintln(h, n.Op, n.Device)
		var names []string
		for name := range n.Attr {
			if !ignored(n.Op, name) {
				names = append(names, name)
			}
		}
		sort.Strings(names)
		for _, name := range names {
			fmt.Fprintf(h, "%s %q\n", name, s.attribute(n.Attr[name]))
		}
		data, control := inputs(n)
		for _, in := range data {
			fmt.Fprintln(h, s.fingerprint(in))
		}
		var before []string
		for _, in := range control {
			before = append(before, s.fingerprint(in))
		}
		sort.Strings(before)
		fmt.Fprintln(h, before)
		print = fmt.Sprintf("%x", h.Sum(nil))
		s.prints[r.node] = print
	}
	return fmt.Sprint(print, ":", r.output)
}

// ignored tells the attributes that are not compared.
func ignored(op, attribute string) bool {
	return strings.HasPrefix(attribute, "_") ||
		op == "VarHandleOp" && slices.Contains([]string{"shared_name", "debug_name", "container"}, attribute)
}

// attribute returns a string that is equal for equal values: of a tensor its
// elements, however they are stored; of a function its definition.
func (s *side) attribute(v *attrpb.AttrValue) string {
	if t := v.GetTensor(); t != nil {
		return tensorString(t)
	}
	wire, err := proto.MarshalOptions{Deterministic: true}.Marshal(v)
	if err != nil {
		return err.Error()
	}
	if f := s.functions[v.GetFunc().GetName()]; f != nil {
		definition, err := proto.MarshalOptions{Deterministic: true}.Marshal(f)
		if err != nil {
			return err.Error()
		}
		wire = append(wire, definition...)
	}
	return string(wire)
}

// initializers returns the ops that assign to a variable, but for those that
// restore it from a file.
func (s *side) initializers(handle string) []ref {
	return s.onVariable(handle, func(n *nodepb.NodeDef) bool {
		data, _ := inputs(n)
		return n.Op == "AssignVariableOp" && s.nodes[s.resolve(data[1]).node].Op != "RestoreV2"
	})
}

// updates returns the ops by which optimizers update a variable.
func (s *side) updates(handle string) []ref {
	return s.onVariable(handle, func(n *nodepb.NodeDef) bool { return strings.HasPrefix(n.Op, "ResourceApply") })
}

// onVariable returns the nodes whose first input is a variable.
func (s *side) onVariable(handle string, want func(*nodepb.NodeDef) bool) (refs []ref) {
	for _, n := range s.order {
		data, _ := inputs(n)
		if len(data) > 1 && s.resolve(data[0]).node == handle && want(n) {
			refs = append(refs, ref{n.Name, 0})
		}
	}
	return refs
}

// gradientInput is the index of the gradient among the inputs of a
// ResourceApply op; in the others it is the last.
var gradientInput = map[string]int{
	"ResourceApplyAdagradDA":     3,
	"ResourceApplyFtrl":          3,
	"ResourceApplyFtrlV2":        3,
	"ResourceApplyKerasMomentum": 3,
	"ResourceApplyMomentum":      3,
}

// gradient returns the tensor that an update reads as the gradient.
func (s *side) gradient(update ref) (ref, bool) {
	n := s.nodes[update.node]
	data, _ := inputs(n)
	i, ok := gradientInput[n.Op]
	if !ok {
		i = len(data) - 1
	}
	if i >= len(data) {
		return ref{}, false
	}
	return data[i], true
}
