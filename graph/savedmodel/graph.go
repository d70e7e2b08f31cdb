package savedmodel

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	tf "github.com/tensorflow/tensorflow/tensorflow/go"
	"google.golang.org/protobuf/proto"

	"tfrunner/graph/graphdef"
	"tfrunner/graph/savedmodel/tensors"
)

// A Graph is a graph in a session.
type Graph struct {
	graph   *tf.Graph
	session *tf.Session
}

// LoadGraph loads a GraphDef, binary or text. Its variables have no values until
// the ops that give them some are run. The options may be nil.
func LoadGraph(file string, options *tf.SessionOptions) (*Graph, error) {
	def, err := graphdef.Read(file)
	if err != nil {
		return nil, err
	}
	data, err := proto.Marshal(def)
	if err != nil {
		return nil, err
	}
	g := &Graph{graph: tf.NewGraph()}
	if err := g.graph.Import(data, ""); err != nil {
		return nil, fmt.Errorf("%s: %w", file, oneLine(err))
	}
	if g.session, err = tf.NewSession(g.graph, options); err != nil {
		return nil, oneLine(err)
	}
	return g, nil
}

// Close frees the session, and with it the variables.
func (g *Graph) Close() error { return g.session.Close() }

// Tensor describes the tensor of a name, such as "node:1" or, for "node:0",
// "node".
func (g *Graph) Tensor(name string) (tf.TensorInfo, error) {
	o, err := g.output(name)
	if err != nil {
		return tf.TensorInfo{}, err
	}
	return info(name, o), nil
}

func info(name string, o tf.Output) tf.TensorInfo {
	dtype := o.DataType()
	const ref = 100 // added to the dtype of a reference variable
	if dtype > ref {
		dtype -= ref
	}
	return tf.TensorInfo{Name: name, DType: dtype, Shape: o.Shape()}
}

// Run runs the targets, nodes that compute no tensor that is wanted, one after
// another, and then computes the tensors called fetches. All are fed with the
// tensors of the names in feeds.
func (g *Graph) Run(feeds map[string]*tf.Tensor, fetches, targets []string) (map[string]*tf.Tensor, error) {
	// By names too: two Outputs of one tensor need not be equal.
	fed, byName := map[tf.Output]*tf.Tensor{}, map[string]*tf.Tensor{}
	for _, key := range keys(feeds) {
		o, err := g.output(key)
		if err != nil {
			return nil, err
		}
		if err := check(key, info(key, o), feeds[key]); err != nil {
			return nil, err
		}
		fed[o], byName[name(o)] = feeds[key], feeds[key]
	}
	results := map[string]*tf.Tensor{}
	var computed []string
	var wanted []tf.Output
	for _, key := range fetches {
		o, err := g.output(key)
		if err != nil {
			return nil, err
		}
		if t := byName[name(o)]; t != nil { // libtensorflow would refuse
			results[key] = t
			continue
		}
		computed, wanted = append(computed, key), append(wanted, o)
	}
	var ops []*tf.Operation
	for _, key := range targets {
		op, err := g.operation(key)
		if err != nil {
			return nil, err
		}
		ops = append(ops, op)
	}
	for _, op := range ops {
		if _, err := g.session.Run(fed, nil, []*tf.Operation{op}); err != nil {
			return nil, fmt.Errorf("target %s: %w", op.Name(), oneLine(err))
		}
	}
	if len(wanted) == 0 {
		return results, nil
	}
	got, err := g.session.Run(fed, wanted, nil)
	if err != nil {
		return nil, oneLine(err)
	}
	for i, key := range computed {
		results[key] = got[i]
	}
	return results, nil
}

// output finds a tensor.
func (g *Graph) output(key string) (tf.Output, error) {
	node, number, ok := strings.Cut(key, ":")
	index := 0
	if ok {
		var err error
		if index, err = strconv.Atoi(number); err != nil || index < 0 {
			return tf.Output{}, fmt.Errorf("%q is no tensor's name, want one such as %s:0", key, node)
		}
	}
	op, err := g.operation(node)
	if err != nil {
		return tf.Output{}, err
	}
	var have []string
	for i := range op.NumOutputs() {
		have = append(have, name(op.Output(i)))
	}
	if index >= len(have) {
		return tf.Output{}, fmt.Errorf("no tensor %s; those of the node, a %s: %s", key, op.Type(), list(have))
	}
	return op.Output(index), nil
}

// operation finds a node. Its error lists the nodes that have similar names or,
// if none has, the graph's ends.
func (g *Graph) operation(name string) (*tf.Operation, error) {
	if op := g.graph.Operation(name); op != nil {
		return op, nil
	}
	var near, placeholders, ends []string
	for _, op := range g.graph.Operations() {
		n := op.Name()
		a, b := strings.ToLower(n), strings.ToLower(name)
		const least = 3 // letters: many names have one in common
		if min(len(a), len(b)) >= least && (strings.Contains(a, b) || strings.Contains(b, a)) {
			near = append(near, n)
		}
		if strings.HasPrefix(op.Type(), "Placeholder") {
			placeholders = append(placeholders, n)
		}
		read := 0
		for i := range op.NumOutputs() {
			read += len(op.Output(i).Consumers())
		}
		if read == 0 {
			ends = append(ends, n)
		}
	}
	if len(near) > 0 {
		return nil, fmt.Errorf("no node %q in the graph; similar: %s", name, list(near))
	}
	return nil, fmt.Errorf("no node %q in the graph; its placeholders: %s; read by no other: %s", name, list(placeholders), list(ends))
}

// check says if a tensor is missing or does not fit.
func check(name string, want tf.TensorInfo, t *tf.Tensor) error {
	wanted := tensors.Name(want.DType) + " " + tensors.ShapeString(want.Shape)
	if t == nil {
		return fmt.Errorf("no value for the input %q, %s", name, wanted)
	}
	fits := t.DataType() == want.DType
	if n := want.Shape.NumDimensions(); n >= 0 {
		fits = fits && n == len(t.Shape())
		for i, d := range t.Shape() {
			size := want.Shape.Size(i)
			fits = fits && (size < 0 || size == d)
		}
	}
	if !fits {
		return fmt.Errorf("input %q is %s, want %s", name, tensors.Describe(t), wanted)
	}
	return nil
}

var node = regexp.MustCompile(`\{\{node ([^}]+)\}\}`)

// oneLine cuts libtensorflow's messages to what went wrong and the node where it
// did.
func oneLine(err error) error {
	text := err.Error()
	line, rest, _ := strings.Cut(strings.TrimSpace(text), "\n")
	if at := node.FindStringSubmatch(rest); at != nil && !strings.Contains(line, at[1]) {
		line += " (node " + at[1] + ")"
	}
	return errors.New(line)
}
