package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"text/tabwriter"

	tf "github.com/tensorflow/tensorflow/tensorflow/go"
	graphpb "github.com/tensorflow/tensorflow/tensorflow/go/core/framework/graph_go_proto"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"

	"tfrunner/graph"
)

// printShapes prints the layers of a model as a table.
func printShapes(w io.Writer, m graph.Model) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "op\tname\tshape\tparameters\n")
	fmt.Fprintf(t, "%s\t%s\t%s\t\n", m.X.Op.Type(), m.X.Op.Name(), m.X.Shape())
	total := int64(0)
	for _, l := range graph.Layers(m.X, m.PyX) {
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
	return writeFile(file, data)
}

// writeFile writes a file beside its name and renames it.
func writeFile(name string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+"-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(data)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Chmod(f.Name(), 0o644)
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}
