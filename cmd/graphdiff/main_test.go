package main

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	tf "github.com/tensorflow/tensorflow/tensorflow/go"
	graphpb "github.com/tensorflow/tensorflow/tensorflow/go/core/framework/graph_go_proto"
	"github.com/tensorflow/tensorflow/tensorflow/go/op"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
)

// write writes a small graph to a file, as text if its name ends in .pbtxt.
func write(t *testing.T, dir, name, padding string) string {
	t.Helper()
	s := op.NewScope()
	x := op.Placeholder(s.SubScope(strings.TrimSuffix(name, filepath.Ext(name))), tf.Float, op.PlaceholderShape(tf.MakeShape(-1, 28, 28, 1)))
	op.MaxPool(s, x, []int64{1, 2, 2, 1}, []int64{1, 2, 2, 1}, padding)
	g, err := s.Finalize()
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := g.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	data := b.Bytes()
	if strings.HasSuffix(name, ".pbtxt") {
		var def graphpb.GraphDef
		if err := proto.Unmarshal(data, &def); err != nil {
			t.Fatal(err)
		}
		data = []byte(prototext.Format(&def))
	}
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestRun(t *testing.T) {
	dir := t.TempDir()
	a, text, valid := write(t, dir, "a.pb", "SAME"), write(t, dir, "text.pbtxt", "SAME"), write(t, dir, "valid.pb", "VALID")
	noGraph, empty := filepath.Join(dir, "digits.png"), filepath.Join(dir, "empty.pb")
	if err := os.WriteFile(noGraph, []byte("\x89PNG\r\n\x1a\n nodes"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(empty, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		args   []string
		code   int
		stdout string
		err    string
	}{
		{[]string{a, a}, 0, "the graphs are the same: 2 nodes paired one to one\n", ""},
		{[]string{a, text}, 0, "the graphs are the same: 2 nodes", ""},
		{[]string{a, valid}, 1, "DIFFERENT: attributes differ: padding\n", ""},
		{[]string{"-to", "MaxPool", "-from", "a/Placeholder=valid/Placeholder", a, valid}, 1, "the graphs differ, after 1 nodes", ""},
		{[]string{"-to", "a/Placeholder=text/Placeholder", a, text}, 0, "the graphs are the same: 1 nodes", ""},
		{[]string{"-to", "loss", a, a}, 2, "", "graph A has no node loss; of its 2 nodes these are read by no other: MaxPool"},
		{[]string{"-to", "a=", a, a}, 2, "", `want A=B,..., got "a="`},
		{[]string{a, noGraph}, 2, "", noGraph + " is no GraphDef: "},
		{[]string{a, empty}, 2, "", empty + " is no GraphDef: no nodes in it"},
		{[]string{a, filepath.Join(dir, "missing.pb")}, 2, "", "no such file"},
		{[]string{a}, 2, "", "1 files: want two GraphDefs"},
		{[]string{"-nonsense", a, a}, 2, "", "flag provided but not defined: -nonsense"},
	} {
		var stdout, stderr bytes.Buffer
		err := run(test.args, &stdout, &stderr)
		code := exitCode(err)
		if code != test.code || !strings.Contains(stdout.String(), test.stdout) || code == 2 && (!strings.Contains(err.Error(), test.err) || strings.Contains(err.Error(), "\n") || stdout.Len() > 0) {
			t.Errorf("%q: exit code %d, error %v, stdout:\n%s", test.args, code, err, &stdout)
		}
	}
}

func TestHelp(t *testing.T) {
	var stdout, stderr bytes.Buffer
	if err := run([]string{"-help"}, &stdout, &stderr); !errors.Is(err, flag.ErrHelp) || exitCode(err) != 0 || !strings.Contains(stderr.String(), "A.pb B.pb") {
		t.Errorf("error %v, stderr %q", err, &stderr)
	}
}
