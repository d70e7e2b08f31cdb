package savedmodel

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	tf "github.com/tensorflow/tensorflow/tensorflow/go"
	corepb "github.com/tensorflow/tensorflow/tensorflow/go/core/protobuf/for_core_protos_go_proto"

	"tfrunner/graph/savedmodel/tensors"
)

// A Model is a graph of a SavedModel in a session, with its variables and
// tables. Its methods may be called from several goroutines.
type Model struct {
	Description
	graph      Graph
	signatures map[string]*corepb.SignatureDef
}

// Load loads the graph with these tags, most often "serve". The options may be
// nil.
func Load(dir string, tags []string, options *tf.SessionOptions) (*Model, error) {
	graphs, all, err := read(dir)
	if err != nil {
		return nil, err
	}
	i, err := find(all, tags)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	if err := checkFiles(dir, all[i], graphs[i]); err != nil {
		return nil, err
	}
	m, err := tf.LoadSavedModel(dir, tags, options)
	if err != nil && strings.Contains(err.Error(), "RestoreV2") {
		return nil, fmt.Errorf("reading the variables: %w; %s", oneLine(err), files(filepath.Join(dir, "variables")))
	}
	if err != nil {
		return nil, fmt.Errorf("loading %s: %w", dir, oneLine(err))
	}
	return &Model{all[i], Graph{m.Graph, m.Session}, graphs[i].GetSignatureDef()}, nil
}

// checkFiles looks for the files beside saved_model.pb. Without the variables'
// index, TensorFlow loads a graph whose variables have no values.
func checkFiles(dir string, d Description, g *corepb.MetaGraphDef) error {
	if d.All.Count > 0 {
		folder := filepath.Join(dir, "variables")
		for _, pattern := range []string{"variables.index", "variables.data-*"} {
			if found, err := fs.Glob(os.DirFS(folder), pattern); err == nil && len(found) == 0 {
				return fmt.Errorf("no %s with the values of the graph's variables, of which there are %d; %s", filepath.Join(folder, pattern), d.All.Count, files(folder))
			}
		}
	}
	for _, asset := range g.GetAssetFileDef() {
		folder := filepath.Join(dir, "assets")
		file := filepath.Join(folder, asset.GetFilename())
		if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("no asset %s, which the graph reads; %s", file, files(folder))
		}
	}
	return nil
}

// Close frees the session, and with it the variables.
func (m *Model) Close() error { return m.graph.Close() }

// Run computes the outputs of a signature from its inputs, all of which must be
// there in the signature's dtypes and shapes, but for those that have defaults.
func (m *Model) Run(signature string, inputs map[string]*tf.Tensor) (map[string]*tf.Tensor, error) {
	s, err := m.Signature(signature)
	if err != nil {
		return nil, err
	}
	results, err := m.run(signature, s, inputs)
	if err != nil {
		return nil, fmt.Errorf("signature %s: %w", signature, err)
	}
	return results, nil
}

func (m *Model) run(signature string, s tf.Signature, inputs map[string]*tf.Tensor) (map[string]*tf.Tensor, error) {
	for _, key := range keys(inputs) {
		if _, err := m.Input(signature, key); err != nil {
			return nil, err
		}
	}
	feeds := map[string]*tf.Tensor{}
	for _, key := range keys(s.Inputs) {
		value, standard := inputs[key], m.signatures[signature].GetDefaults()[key]
		if value == nil && standard != nil {
			var err error
			if value, err = tensors.FromProto(standard); err != nil {
				return nil, fmt.Errorf("default of input %q: %w", key, err)
			}
		}
		if err := check(key, s.Inputs[key], value); err != nil {
			return nil, err
		}
		feeds[s.Inputs[key].Name] = value
	}
	var fetches, targets []string
	for _, key := range keys(s.Outputs) {
		if output := s.Outputs[key]; output.DType == 0 { // an op that computes no tensor, such as an initializer
			targets = append(targets, output.Name)
		} else {
			fetches = append(fetches, output.Name)
		}
	}
	got, err := m.graph.Run(feeds, fetches, targets)
	if err != nil {
		return nil, err
	}
	results := map[string]*tf.Tensor{}
	for key, output := range s.Outputs {
		if t := got[output.Name]; t != nil {
			results[key] = t
		}
	}
	return results, nil
}
