package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tfrunner/scripts/python"
)

// fixtures returns the folder of what scripts/fixtures.py writes.
func fixtures(t *testing.T) string {
	t.Helper()
	dir, err := python.Files(context.Background(), os.Stderr, "../../scripts/fixtures.py")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestShow(t *testing.T) {
	dir := fixtures(t)
	show, err := os.ReadFile(filepath.Join(dir, "keras", "show.txt"))
	if err != nil {
		t.Fatal(err)
	}
	signatures, _, _ := strings.Cut(string(show), "The MetaGraph with")
	const one = `The given SavedModel SignatureDef contains the following input(s):
  inputs['n'] tensor_info:
      dtype: DT_INT32
      shape: ()
      name: scalar_n:0
  inputs['x'] tensor_info:
      dtype: DT_FLOAT
      shape: ()
      name: scalar_x:0
The given SavedModel SignatureDef contains the following output(s):
`
	for _, test := range []struct {
		args string
		want string
	}{
		{"-dir keras/model -all", signatures + "\nTensorFlow version: 2.21.0\nVariables: 12, "},
		{"--dir keras/model --all --tag_set serve", signatures + "\nTensorFlow version: 2.21.0\nVariables: 12, "},
		{"-dir keras/model", "The given SavedModel contains the following tag-sets:\n'serve'\n"},
		{"-dir v1/model -tag_set serve", "The given SavedModel MetaGraphDef contains SignatureDefs with the following keys:\nSignatureDef key: \"serving_default\"\n"},
		{"-dir module/model -tag_set serve -signature_def scalar", one},
		{"-dir module/model -signature_def scalar", one},
		{"-dir module/model -signature_def any_rank", "shape: unknown_rank\n"},
	} {
		var stdout bytes.Buffer
		args := append([]string{"show"}, strings.Fields(test.args)...)
		args[2] = filepath.Join(dir, args[2])
		if err := run(args, &stdout, io.Discard); err != nil || !strings.Contains(stdout.String(), test.want) {
			t.Errorf("%s: %v, printed\n%s\nwant\n%s", test.args, err, stdout.String(), test.want)
		}
	}
}

func TestRun(t *testing.T) {
	dir := fixtures(t)
	t.Chdir(dir)
	words := filepath.Join(t.TempDir(), "words.json")
	if err := os.WriteFile(words, []byte(`{"word": ["two", {"b64": "emVybw=="}]}`), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"-dir", "table/model", "-input_exprs", `word=["two", "a;b", "c\";d"]`}, "Result for output key line: int64 (3)\n[ 2 -1 -1]\n"},
		{[]string{"-dir", "table/model", "-inputs", "word=table/serving_default.words/in/word.npy", "-json"}, `{"line":[2,-1,0]}` + "\n"},
		{[]string{"-dir", "table/model", "-input_json", words, "-device", "cpu"}, "[2 0]\n"},
		{[]string{"-dir", "module/model", "-signature_def", "any_rank", "-inputs", "x=npy/two.npz[x]", "-json"},
			`{"y":[[[0,2,4,6],[8,10,12,14],[16,18,20,22]],[[24,26,28,30],[32,34,36,38],[40,42,44,46]]]}` + "\n"},
		{[]string{"-dir", "module/model", "-signature_def", "any_rank", "-inputs", "x=npy/one.npz"}, "Result for output key y: float32 (2, 3, 4)\n[[[ 0  2  4  6]\n"},
		{[]string{"-dir", "module/model", "-signature_def", "scalar", "-input_exprs", "x=3;n=-8", "-json"}, `{"n":-7,"y":1}` + "\n"},
		{[]string{"-dir", "keras/model", "-input_exprs", "image=[]"}, "Result for output key output_0: float32 (0, 5)\n[]\n"},
		{[]string{"-dir", "dtypes/model", "-signature_def", "five", "-input_exprs",
			`text=[[b"\xff"]];n=[9007199254740992];flag=[False];half=[2.5];brain=[float("inf")]`, "-json"},
			`{"brain":["Infinity"],"flag":[true],"half":[2.75],"length":[[1]],"n":[9007199254740993],"text":[[{"b64":"/w=="}]]}` + "\n"},
		{[]string{"-graph", "graph/graph.pb", "-feed", "X:0=graph/X.npy", "-fetch", "y:0,top:1", "-target", "init"}, "Result for output key top:1: int32 (2, 1)\n[[0]\n [0]]\n"},
		{[]string{"-graph", "graph/graph.pbtxt", "-input_exprs", "X=[[0, 0, 0]]", "-fetch", "y", "-target", "init,step", "-json"}, `{"y":[[0,0]]}` + "\n"},
		{[]string{"-graph", "graph/graph.pb", "-target", "init"}, ""},
	} {
		var stdout bytes.Buffer
		err := run(append([]string{"run"}, test.args...), &stdout, io.Discard)
		if err != nil || !strings.Contains(stdout.String(), test.want) || test.want == "" && stdout.Len() > 0 {
			t.Errorf("%q: %v, printed\n%s\nwant\n%s", test.args, err, stdout.String(), test.want)
		}
	}
}

func TestErrors(t *testing.T) {
	t.Chdir(fixtures(t))
	file := filepath.Join(t.TempDir(), "inputs.json")
	if err := os.WriteFile(file, []byte(`[1]`), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		args []string
		code int
		want string
	}{
		{nil, 2, "no command, want show or run"},
		{[]string{"scan"}, 2, `no command "scan", want show or run`},
		{[]string{"show"}, 2, "no -dir"},
		{[]string{"show", "-dir", "v1/model", "x"}, 2, `unexpected argument "x"`},
		{[]string{"show", "-dir", "v1/model", "-list_ops"}, 2, "flag provided but not defined: -list_ops"},
		{[]string{"show", "-dir", "v1/model", "-all", "-signature_def", "s"}, 2, "give it or -signature_def"},
		{[]string{"show", "-dir", "none"}, 1, "no folder none; . has: composite, dtypes, graph"},
		{[]string{"show", "-dir", "v1/model", "-tag_set", "gpu"}, 1, "v1/model: no graph with the tags 'gpu'; there are: 'serve'"},
		{[]string{"show", "-dir", "v1/model", "-signature_def", "s"}, 1, `v1/model: no signature "s"; there are: serving_default`},
		{[]string{"run", "-dir", "v1/model", "-signature_def", "s"}, 1, `v1/model: no signature "s"; there are: serving_default`},
		{[]string{"run", "-dir", "v1/model", "-inputs", "x=none.npy"}, 1, `input "x": open none.npy: no such file`},
		{[]string{"run", "-dir", "v1/model", "-inputs", "z=none.npy"}, 1, `no input "z"; there are: "x", float32 (-1, 3)`},
		{[]string{"run", "-dir", "v1/model", "-inputs", "x=npy/scalar.npy"}, 1, `input "x" is float64 (), want float32 (-1, 3)`},
		{[]string{"run", "-dir", "v1/model", "-input_exprs", "x=[[1, 2, 'a']]"}, 1, `input "x": at [0 2]: the string "a", want float32`},
		{[]string{"run", "-dir", "v1/model", "-input_exprs", "x=[];x=[]"}, 1, `input "x" is given twice`},
		{[]string{"run", "-dir", "v1/model", "-input_exprs", "[]"}, 2, `want x=[1.0, 2.0];y=..., got "[]"`},
		{[]string{"run", "-dir", "v1/model", "-inputs", "x=a.npz[b"}, 2, `want x=file.npy;y=file.npz[key], got "x=a.npz[b"`},
		{[]string{"run", "-dir", "v1/model", "-input_json", file}, 1, file + ": json: cannot unmarshal array"},
		{[]string{"run", "-dir", "v1/model", "-input_json", "none.json"}, 1, "open none.json: no such file"},
		{[]string{"run", "-dir", "v1/model", "-device", "gpu:7"}, 2, "-device gpu:7: want auto, cpu or one of those that libtensorflow sees: cpu:0"},
		{[]string{"run"}, 2, "want either -dir or -graph"},
		{[]string{"run", "-dir", "v1/model", "-graph", "graph/graph.pb"}, 2, "want either -dir or -graph"},
		{[]string{"run", "-dir", "v1/model", "-fetch", "y"}, 2, "-fetch goes with -graph"},
		{[]string{"run", "-dir", "v1/model", "-overwrite"}, 2, "-overwrite goes with -outdir"},
		{[]string{"run", "-graph", "graph/graph.pb"}, 2, "-graph goes with -fetch or -target"},
		{[]string{"run", "-graph", "graph/graph.pb", "-fetch", "y", "-tag_set", "serve"}, 2, "-tag_set goes with -dir"},
		{[]string{"run", "-graph", "graph/graph.pb", "-fetch", "loss"}, 1, `no node "loss" in the graph; its placeholders: X`},
		{[]string{"run", "-graph", "graph/graph.pb", "-fetch", "../y", "-outdir", "out"}, 1, `result "../y" would be written outside out`},
		{[]string{"run", "-dir", "dtypes/model", "-signature_def", "others", "-json", "-inputs", others()}, 1, "result c128: JSON has no complex128"},
	} {
		var stdout bytes.Buffer
		err := run(test.args, &stdout, io.Discard)
		if code := exitCode(err); code != test.code || err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") || stdout.Len() > 0 {
			t.Errorf("%q: code %d, error %v, printed %q; want %d, %s", test.args, code, err, stdout.String(), test.code, test.want)
		}
	}
	for _, args := range [][]string{{"-h"}, {"run", "-h"}, {"show", "--help"}} {
		var stderr bytes.Buffer
		if err := run(args, io.Discard, &stderr); !errors.Is(err, flag.ErrHelp) || exitCode(err) != 0 || !strings.Contains(stderr.String(), "-signature_def NAME") {
			t.Errorf("%q: %v, %s", args, err, stderr.String())
		}
	}
}

// others returns the inputs of the signature of ten dtypes.
func others() string {
	var all []string
	for _, key := range []string{"i8", "i16", "i32", "u8", "u16", "u32", "u64", "f64", "c64", "c128"} {
		all = append(all, key+"=dtypes/others.ends/in/"+key+".npy")
	}
	return strings.Join(all, ";")
}

// TestOutdir has Python read what Go wrote.
func TestOutdir(t *testing.T) {
	dir := fixtures(t)
	t.Chdir(dir)
	out := filepath.Join(t.TempDir(), "new", "out")
	args := []string{"run", "-dir", "dtypes/model", "-signature_def", "others", "-inputs", others(), "-outdir", out}
	var stdout, stderr bytes.Buffer
	if err := run(args, &stdout, &stderr); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(stdout.String(), "Result for output key u64: uint64 (1, 2)\n[[                   0 18446744073709551615]]\n") ||
		!strings.Contains(stderr.String(), "Output u64 is saved to "+filepath.Join(out, "u64.npy")+"\n") {
		t.Errorf("printed %s%s", stdout.String(), stderr.String())
	}
	err := run(args, io.Discard, io.Discard)
	if want := filepath.Join(out, "c128.npy") + " already exists; add -overwrite to overwrite it"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	if err := os.WriteFile(filepath.Join(out, "i8.npy"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := run(append(args, "-overwrite"), io.Discard, io.Discard); err != nil {
		t.Error(err)
	}
	five := []string{"run", "-dir", "dtypes/model", "-signature_def", "five", "-outdir", out, "-inputs"}
	var inputs []string
	for _, key := range []string{"text", "n", "flag", "half", "brain"} {
		inputs = append(inputs, key+"=dtypes/five.some/in/"+key+".npy")
	}
	if err := run(append(five, strings.Join(inputs, ";")), io.Discard, io.Discard); err != nil {
		t.Error(err)
	}

	script := filepath.Join(t.TempDir(), "compare.py")
	if err := os.WriteFile(script, []byte(`import os, sys, numpy as np
for name in sorted(os.listdir(sys.argv[1])):
    got = np.load(os.path.join(sys.argv[1], name))
    found = [os.path.join(d, name) for d in sys.argv[2:] if os.path.exists(os.path.join(d, name))]
    want = np.load(found[0])
    assert got.dtype == want.dtype and got.shape == want.shape and got.tobytes() == want.tobytes(), name
    print(name, got.dtype)
`), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd, err := python.Command(context.Background(), os.Stderr, script, out, "dtypes/others.ends/out", "dtypes/five.some/out")
	if err != nil {
		t.Fatal(err)
	}
	same, err := python.Output(cmd)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(same)), "\n")
	if len(lines) != 16 || !slices.Contains(lines, "half.npy float16") || !slices.Contains(lines, "text.npy |S40") || !slices.Contains(lines, "brain.npy |V2") {
		t.Errorf("read by numpy: %q", lines)
	}
}
