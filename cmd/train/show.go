package main

import (
	"bytes"
	"fmt"
	"io"
	"path/filepath"
	"text/tabwriter"

	tf "github.com/tensorflow/tensorflow/tensorflow/go"
	graphpb "github.com/tensorflow/tensorflow/tensorflow/go/core/framework/graph_go_proto"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"

	"tfrunner/graph"
	"tfrunner/train"
)

// printShapes prints the layers of a model as a table.
func printShapes(w io.Writer, m graph.Model) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "op\tname\tshape\tparameters\n")
	fmt.Fprintf(t, "%s\t%s\t%s\t\n", m.X.Op.Type(), m.X.Op.Name(), m.X.Shape())
	total := int64(0)
	end := m.PyX
	if end.Op == nil { // in an imported graph
		end = m.Cost
	}
	for _, l := range graph.Layers(m.X, end) {
		parameters := ""
		if l.Parameters > 0 {
			parameters = fmt.Sprint(l.Parameters)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", l.Op, l.Name, l.Shape, parameters)
		total += l.Parameters
	}
	fmt.Fprintf(t, "total\t\t\t%d\n", total)
	return t.Flush()
}

// dumpGraph writes a graph's GraphDef to a file, as text if its name ends in
// .pbtxt.
func dumpGraph(g *tf.Graph, file string) error {
	var def bytes.Buffer
	if _, err := g.WriteTo(&def); err != nil {
		return err
	}
	data := def.Bytes()
	if filepath.Ext(file) == ".pbtxt" {
		var m graphpb.GraphDef
		if err := proto.Unmarshal(data, &m); err != nil {
			return err
		}
		var err error
		if data, err = (prototext.MarshalOptions{Multiline: true}).Marshal(&m); err != nil {
			return err
		}
	}
	return train.WriteFile(file, data)
}
