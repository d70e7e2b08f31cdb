package savedmodel

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	tf "github.com/tensorflow/tensorflow/tensorflow/go"
	graphpb "github.com/tensorflow/tensorflow/tensorflow/go/core/framework/graph_go_proto"
	shapepb "github.com/tensorflow/tensorflow/tensorflow/go/core/framework/tensor_shape_go_proto"
	typespb "github.com/tensorflow/tensorflow/tensorflow/go/core/framework/types_go_proto"
	variablepb "github.com/tensorflow/tensorflow/tensorflow/go/core/framework/variable_go_proto"
	corepb "github.com/tensorflow/tensorflow/tensorflow/go/core/protobuf/for_core_protos_go_proto"
	"github.com/tensorflow/tensorflow/tensorflow/go/op"
	"google.golang.org/protobuf/proto"

	"tfrunner/graph"
	"tfrunner/graph/checkpoint"
)

// An Export is what Write writes beside the graph.
type Export struct {
	Variables  []graph.Variable   // trainable
	Values     []checkpoint.Value // of Variables, under their names
	Signatures map[string]Tensors
}

// Tensors are a signature's, by the names that its users see.
type Tensors struct{ Inputs, Outputs map[string]tf.Output }

// Write writes the graph of s as a SavedModel of the tag "serve" to dir, which
// must not exist, or be empty. It adds to the graph the ops that restore the
// variables.
//
// The SavedModel is of TensorFlow 1's kind, as tf.compat.v1.saved_model writes
// it: a graph, not functions. TensorFlow 2's tf.saved_model.load takes it too.
func Write(dir string, s *op.Scope, e Export) error {
	saver := addSaver(s.SubScope("save"), e.Variables)
	g, err := s.Finalize()
	if err != nil {
		return err
	}
	model, err := e.model(g, saver)
	if err != nil {
		return err
	}
	data, err := proto.Marshal(model)
	if err != nil {
		return err
	}
	dir = filepath.Clean(dir)
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	temp, err := os.MkdirTemp(filepath.Dir(dir), "."+filepath.Base(dir)+"-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	if err := os.Mkdir(filepath.Join(temp, "variables"), 0o755); err != nil {
		return err
	}
	if err := checkpoint.Write(filepath.Join(temp, "variables", "variables"), e.Values); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(temp, "saved_model.pb"), data, 0o644); err != nil {
		return err
	}
	if err := os.Chmod(temp, 0o755); err != nil {
		return err
	}
	if err := os.Rename(temp, dir); err != nil { // an empty folder gives way
		return fmt.Errorf("a SavedModel wants a new folder: %w", errors.Unwrap(err))
	}
	return nil
}

// addSaver adds the ops that save and restore the variables, as Python's Saver
// does, and says what they are called.
func addSaver(s *op.Scope, vars []graph.Variable) *corepb.SaverDef {
	if s.Err() != nil {
		return nil
	}
	prefix := op.PlaceholderWithDefault(s, op.Const(s, "model"), tf.ScalarShape())
	var names []string
	var types []tf.DataType
	var values []tf.Output
	for _, v := range vars {
		names, types = append(names, v.Name), append(types, v.Value.DataType())
		values = append(values, v.Read(s.SubScope(v.Name)))
	}
	tensors, parts := op.Const(s.SubScope("tensor_names"), names), op.Const(s.SubScope("slices"), make([]string, len(names)))
	save := op.SaveV2(s, prefix, tensors, parts, values)
	saved := op.Identity(s.WithControlDependencies(save), prefix)
	var assigned []*tf.Operation
	for i, value := range op.RestoreV2(s, prefix, tensors, parts, types) {
		assigned = append(assigned, op.AssignVariableOp(s.SubScope(names[i]), vars[i].Handle, value))
	}
	restore := op.NoOp(s.SubScope("restore_all").WithControlDependencies(assigned...))
	if s.Err() != nil {
		return nil
	}
	return &corepb.SaverDef{
		FilenameTensorName: name(prefix),
		SaveTensorName:     name(saved),
		RestoreOpName:      restore.Name(),
		MaxToKeep:          5, // Python's default
		Version:            corepb.SaverDef_V2,
	}
}

// model returns what saved_model.pb says.
func (e Export) model(g *tf.Graph, saver *corepb.SaverDef) (*corepb.SavedModel, error) {
	var b bytes.Buffer
	if _, err := g.WriteTo(&b); err != nil {
		return nil, err
	}
	def := new(graphpb.GraphDef)
	if err := proto.Unmarshal(b.Bytes(), def); err != nil {
		return nil, err
	}
	variables := &corepb.CollectionDef_BytesList{}
	for _, v := range e.Variables {
		data, err := proto.Marshal(&variablepb.VariableDef{
			VariableName:     name(v.Handle),
			InitializerName:  v.Init.Name(),
			InitialValueName: name(v.Initial),
			SnapshotName:     name(v.Value),
			IsResource:       true,
			Trainable:        true,
		})
		if err != nil {
			return nil, err
		}
		variables.Value = append(variables.Value, data)
	}
	collection := &corepb.CollectionDef{Kind: &corepb.CollectionDef_BytesList_{BytesList: variables}}
	meta := &corepb.MetaGraphDef{
		MetaInfoDef:   &corepb.MetaGraphDef_MetaInfoDef{Tags: []string{"serve"}, TensorflowVersion: tf.Version()},
		GraphDef:      def,
		SaverDef:      saver,
		CollectionDef: map[string]*corepb.CollectionDef{"variables": collection, "trainable_variables": collection},
		SignatureDef:  map[string]*corepb.SignatureDef{},
	}
	for key, t := range e.Signatures {
		meta.SignatureDef[key] = &corepb.SignatureDef{
			Inputs: infos(t.Inputs), Outputs: infos(t.Outputs),
			MethodName: "tensorflow/serving/predict", //lint:ignore SA1019 older servers check it
		}
	}
	return &corepb.SavedModel{SavedModelSchemaVersion: 1, MetaGraphs: []*corepb.MetaGraphDef{meta}}, nil
}

func infos(tensors map[string]tf.Output) map[string]*corepb.TensorInfo {
	all := map[string]*corepb.TensorInfo{}
	for key, t := range tensors {
		shape := &shapepb.TensorShapeProto{UnknownRank: t.Shape().NumDimensions() < 0}
		for i := range t.Shape().NumDimensions() {
			shape.Dim = append(shape.Dim, &shapepb.TensorShapeProto_Dim{Size: t.Shape().Size(i)})
		}
		all[key] = &corepb.TensorInfo{
			Encoding:    &corepb.TensorInfo_Name{Name: name(t)},
			Dtype:       typespb.DataType(t.DataType()),
			TensorShape: shape,
		}
	}
	return all
}

// name returns a tensor's name, "node:0".
func name(t tf.Output) string { return fmt.Sprintf("%s:%d", t.Op.Name(), t.Index) }
