// Package graphdef reads GraphDefs. It needs no libtensorflow.
package graphdef

import (
	"bytes"
	"errors"
	"fmt"
	"os"

	graphpb "github.com/tensorflow/tensorflow/tensorflow/go/core/framework/graph_go_proto"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
)

// Read reads a GraphDef, binary or text. An error names the file.
func Read(file string) (*graphpb.GraphDef, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	g := new(graphpb.GraphDef)
	if err = proto.Unmarshal(data, g); err == nil && len(g.Node) > 0 {
		return g, nil
	}
	// A text of nodes begins with one of the fields' names.
	if bytes.Contains(data, []byte("node")) && prototext.Unmarshal(data, g) == nil && len(g.Node) > 0 {
		return g, nil
	}
	if err == nil {
		err = errors.New("no nodes in it")
	}
	return nil, fmt.Errorf("%s is no GraphDef: %w", file, err)
}
