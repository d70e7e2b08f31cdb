// Package savedmodel shows, loads, runs and writes SavedModels, and runs bare
// GraphDefs, whoever exported them.
//
// The errors of what it reads are of one line, which names what is wrong and
// lists what there is.
package savedmodel

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	tf "github.com/tensorflow/tensorflow/tensorflow/go"
	nodepb "github.com/tensorflow/tensorflow/tensorflow/go/core/framework/node_def_go_proto"
	shapepb "github.com/tensorflow/tensorflow/tensorflow/go/core/framework/tensor_shape_go_proto"
	corepb "github.com/tensorflow/tensorflow/tensorflow/go/core/protobuf/for_core_protos_go_proto"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"

	"tfrunner/graph/savedmodel/tensors"
)

// A Description says what one graph of a SavedModel is.
type Description struct {
	Tags       []string // sorted
	Version    string   // of the TensorFlow that exported it
	Signatures map[string]tf.Signature
	All        Variables      // of the graph; Keras keeps each several times
	Used       Variables      // those that the signatures reach
	Ops        map[string]int // nodes of each op type, those of functions included
}

// Variables counts variables.
type Variables struct {
	Count        int
	Parameters   int64 // elements of all variables whose shapes are known
	UnknownShape int   // variables whose shapes are not known
}

// Read describes the graphs of the SavedModel in a folder. It does not load
// them.
func Read(dir string) ([]Description, error) {
	_, all, err := read(dir)
	return all, err
}

// Find returns the graph whose tags are these, in any order.
func Find(all []Description, tags []string) (Description, error) {
	i, err := find(all, tags)
	if err != nil {
		return Description{}, err
	}
	return all[i], nil
}

func find(all []Description, tags []string) (int, error) {
	tags = slices.Sorted(slices.Values(tags))
	i := slices.IndexFunc(all, func(d Description) bool { return slices.Equal(d.Tags, tags) })
	if i < 0 {
		var have []string
		for _, d := range all {
			have = append(have, quote(d.Tags))
		}
		return i, fmt.Errorf("no graph with the tags %s; there are: %s", quote(tags), strings.Join(have, "; "))
	}
	return i, nil
}

func quote(tags []string) string { return "'" + strings.Join(tags, ",") + "'" }

// Signature returns the signature of a name.
func (d Description) Signature(name string) (tf.Signature, error) {
	s, ok := d.Signatures[name]
	if !ok {
		return s, fmt.Errorf("no signature %q; there are: %s", name, list(keys(d.Signatures)))
	}
	return s, nil
}

// Input returns an input of a signature.
func (d Description) Input(signature, key string) (tf.TensorInfo, error) {
	s, err := d.Signature(signature)
	if err != nil {
		return tf.TensorInfo{}, err
	}
	input, ok := s.Inputs[key]
	if !ok {
		return input, fmt.Errorf("no input %q; there are: %s", key, describeInputs(s.Inputs))
	}
	return input, nil
}

func describeInputs(inputs map[string]tf.TensorInfo) string {
	var all []string
	for _, key := range keys(inputs) {
		all = append(all, fmt.Sprintf("%q, %s %s", key, tensors.Name(inputs[key].DType), tensors.ShapeString(inputs[key].Shape)))
	}
	if all == nil {
		return "none"
	}
	return strings.Join(all, "; ")
}

func keys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// maxListed is how many names an error lists.
const maxListed = 20

func list(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	if len(names) > maxListed {
		names = append(slices.Clip(names[:maxListed]), fmt.Sprintf("and %d more", len(names)-maxListed))
	}
	return strings.Join(names, ", ")
}

// files lists what is in a folder.
func files(dir string) string {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return dir + " is missing"
	}
	if err != nil {
		return err.Error()
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return dir + " has: " + list(names)
}

// read returns the graphs and their descriptions.
func read(dir string) (graphs []*corepb.MetaGraphDef, all []Description, err error) {
	model, err := readModel(dir)
	if err != nil {
		return nil, nil, err
	}
	for _, g := range model.GetMetaGraphs() {
		all = append(all, describe(g))
	}
	return model.GetMetaGraphs(), all, nil
}

// readModel reads saved_model.pb or, as TensorFlow does without it,
// saved_model.pbtxt.
func readModel(dir string) (*corepb.SavedModel, error) {
	if info, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("no folder %s; %s", dir, files(filepath.Dir(dir)))
	} else if err == nil && !info.IsDir() {
		return nil, fmt.Errorf("%s is a file, want the folder of a SavedModel; %s", dir, files(filepath.Dir(dir)))
	}
	file, unmarshal := filepath.Join(dir, "saved_model.pb"), proto.Unmarshal
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		file, unmarshal = file+"txt", prototext.Unmarshal
		data, err = os.ReadFile(file)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("no SavedModel: no saved_model.pb; %s", files(dir))
	}
	if err != nil {
		return nil, err
	}
	model := new(corepb.SavedModel)
	if err = unmarshal(data, model); err == nil && len(model.GetMetaGraphs()) == 0 {
		err = errors.New("no graph in it")
	}
	if err != nil {
		return nil, fmt.Errorf("%s, of %d bytes, is no SavedModel: %w; %s", file, len(data), err, files(dir))
	}
	return model, nil
}

func describe(g *corepb.MetaGraphDef) Description {
	d := Description{
		Tags:       slices.Sorted(slices.Values(g.GetMetaInfoDef().GetTags())),
		Version:    g.GetMetaInfoDef().GetTensorflowVersion(),
		Signatures: map[string]tf.Signature{},
		Ops:        map[string]int{},
	}
	for name, s := range g.GetSignatureDef() {
		d.Signatures[name] = tf.Signature{Inputs: fromInfos(s.GetInputs()), Outputs: fromInfos(s.GetOutputs()), MethodName: s.GetMethodName()}
	}
	nodes := g.GetGraphDef().GetNode()
	d.All = countVariables(nodes)
	d.Used = countVariables(reached(nodes, d.Signatures))
	for _, n := range nodes {
		d.Ops[n.GetOp()]++
	}
	for _, f := range g.GetGraphDef().GetLibrary().GetFunction() {
		for _, n := range f.GetNodeDef() {
			d.Ops[n.GetOp()]++
		}
	}
	return d
}

// reached returns the nodes that the signatures' outputs are computed from.
func reached(nodes []*nodepb.NodeDef, signatures map[string]tf.Signature) (found []*nodepb.NodeDef) {
	waiting := map[string]*nodepb.NodeDef{}
	for _, n := range nodes {
		waiting[n.GetName()] = n
	}
	var visit func(input string)
	visit = func(input string) {
		name, _, _ := strings.Cut(strings.TrimPrefix(input, "^"), ":")
		n := waiting[name]
		if n == nil {
			return
		}
		delete(waiting, name)
		found = append(found, n)
		for _, input := range n.GetInput() {
			visit(input)
		}
	}
	for _, s := range signatures {
		for _, output := range s.Outputs {
			visit(output.Name)
		}
	}
	return found
}

// countVariables counts a variable once, whatever the number of its handles.
func countVariables(nodes []*nodepb.NodeDef) (v Variables) {
	seen := map[[2]string]bool{}
	for _, n := range nodes {
		switch n.GetOp() {
		case "VarHandleOp", "VariableV2", "Variable":
		default:
			continue
		}
		attr := n.GetAttr()
		key := [2]string{string(attr["container"].GetS()), cmp.Or(string(attr["shared_name"].GetS()), n.GetName())}
		if seen[key] {
			continue
		}
		seen[key] = true
		v.Count++
		dims, err := shape(attr["shape"].GetShape()).ToSlice()
		if err != nil || slices.Contains(dims, -1) {
			v.UnknownShape++
			continue
		}
		size := int64(1)
		for _, dim := range dims {
			size *= dim
		}
		v.Parameters += size
	}
	return v
}

// fromInfos returns the bindings' own, but for what these take for scalars: tensors of
// unknown rank, and those made of several, which are these here. The sparse x is
// x.indices, x.values and x.dense_shape; others, as the ragged, are x.0, x.1, ....
func fromInfos(all map[string]*corepb.TensorInfo) map[string]tf.TensorInfo {
	to := map[string]tf.TensorInfo{}
	for key, info := range all {
		addInfo(to, key, info)
	}
	return to
}

func addInfo(to map[string]tf.TensorInfo, key string, info *corepb.TensorInfo) {
	dtype, shape := tf.DataType(info.GetDtype()), shape(info.GetTensorShape())
	switch {
	case info.GetCooSparse() != nil:
		parts, rank := info.GetCooSparse(), int64(shape.NumDimensions())
		to[key+".indices"] = tf.TensorInfo{Name: parts.GetIndicesTensorName(), DType: tf.Int64, Shape: tf.MakeShape(-1, rank)}
		to[key+".values"] = tf.TensorInfo{Name: parts.GetValuesTensorName(), DType: dtype, Shape: tf.MakeShape(-1)}
		to[key+".dense_shape"] = tf.TensorInfo{Name: parts.GetDenseShapeTensorName(), DType: tf.Int64, Shape: tf.MakeShape(rank)}
	case info.GetCompositeTensor() != nil:
		for i, part := range info.GetCompositeTensor().GetComponents() {
			addInfo(to, fmt.Sprintf("%s.%d", key, i), part)
		}
	default:
		to[key] = tf.TensorInfo{Name: info.GetName(), DType: dtype, Shape: shape}
	}
}

func shape(s *shapepb.TensorShapeProto) tf.Shape {
	if s.GetUnknownRank() {
		return tf.Shape{}
	}
	var dims []int64
	for _, d := range s.GetDim() {
		dims = append(dims, d.GetSize())
	}
	return tf.MakeShape(dims...)
}
