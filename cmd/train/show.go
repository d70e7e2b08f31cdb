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

// printShapes prints the layers of a model as a table: what their outputs take
// in memory for a batch of images, and what one image costs to compute.
func printShapes(w io.Writer, m graph.Model, batch int) error {
	end := m.PyX
	if end.Op == nil { // in an imported graph
		end = m.Cost
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "op\tname\tshape\tparameters\tMB of %d images\tMFLOPs an image\n", batch)
	fmt.Fprintf(t, "%s\t%s\t%s\t\t\t\n", m.X.Op.Type(), m.X.Op.Name(), m.X.Shape())
	var total graph.Layer
	for _, l := range graph.Layers(m.X, end) {
		parameters := ""
		if l.Parameters > 0 {
			parameters = fmt.Sprint(l.Parameters)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", l.Op, l.Name, l.Shape, parameters, costs(l, batch))
		total.Parameters += l.Parameters
		total.Bytes += l.Bytes
		total.FLOPs += l.FLOPs
	}
	fmt.Fprintf(t, "total\t\t\t%d\t%s\n", total.Parameters, costs(total, batch))
	return t.Flush()
}

func costs(l graph.Layer, batch int) string {
	return fmt.Sprintf("%.2f\t%.3f", float64(l.Bytes)*float64(batch)/1e6, float64(l.FLOPs)/1e6)
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
