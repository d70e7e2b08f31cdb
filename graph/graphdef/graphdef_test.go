package graphdef

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	graphpb "github.com/tensorflow/tensorflow/tensorflow/go/core/framework/graph_go_proto"
	nodepb "github.com/tensorflow/tensorflow/tensorflow/go/core/framework/node_def_go_proto"
	"google.golang.org/protobuf/proto"
)

func TestRead(t *testing.T) {
	binary, err := proto.Marshal(&graphpb.GraphDef{Node: []*nodepb.NodeDef{{Name: "x", Op: "NoOp"}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, data, err string
	}{
		{"graph.pb", string(binary), ""},
		{"graph.pbtxt", `node { name: "x" op: "NoOp" }`, ""},
		{"text.pb", "# a comment\n" + `versions { } node { name: "x" op: "NoOp" }`, ""},
		{"empty.pb", "", "is no GraphDef: no nodes in it"},
		{"cut.pb", string(binary[:5]), "is no GraphDef: proto:"},
		{"digit.png", "\x89PNG\r\n\x1a\n nodes", "is no GraphDef: proto:"},
	} {
		file := filepath.Join(t.TempDir(), test.name)
		if err := os.WriteFile(file, []byte(test.data), 0o644); err != nil {
			t.Fatal(err)
		}
		g, err := Read(file)
		if test.err == "" && (err != nil || len(g.Node) != 1 || g.Node[0].Name != "x") {
			t.Errorf("%s: %v, %v", test.name, g, err)
		}
		if test.err != "" && (err == nil || !strings.HasPrefix(err.Error(), file+" "+test.err)) {
			t.Errorf("%s: error %v, want %s", test.name, err, test.err)
		}
	}
}
