package savedmodel

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	tf "github.com/tensorflow/tensorflow/tensorflow/go"
	corepb "github.com/tensorflow/tensorflow/tensorflow/go/core/protobuf/for_core_protos_go_proto"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"

	"tfrunner/graph/savedmodel/tensors"
	"tfrunner/scripts/python"
)

// fixtures returns the folder of what scripts/fixtures.py writes.
func fixtures(t testing.TB) string {
	t.Helper()
	dir, err := python.Files(context.Background(), os.Stderr, "../../scripts/fixtures.py")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// load loads one of its models.
func load(t *testing.T, dir string) *Model {
	t.Helper()
	m, err := Load(dir, []string{"serve"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// arrays reads a folder of .npy files.
func arrays(t *testing.T, dir string) map[string]*tf.Tensor {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "*.npy"))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]*tf.Tensor{}
	for _, file := range found {
		key := strings.TrimSuffix(filepath.Base(file), ".npy")
		if all[key], err = tensors.ReadFile(file, ""); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// compare holds a tensor against the file that numpy wrote: dtype, shape and
// bits.
func compare(t *testing.T, file string, got *tf.Tensor) {
	t.Helper()
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got == nil {
		t.Errorf("%s: not computed", file)
		return
	}
	var b bytes.Buffer
	if err := tensors.WriteNPY(&b, got); err != nil || !bytes.Equal(b.Bytes(), want) {
		t.Errorf("%s: %v\n got %q\nwant %q", file, err, b.Bytes(), want)
	}
}

func TestRun(t *testing.T) {
	dir := fixtures(t)
	for model, cases := range map[string][]string{
		"keras":     {"serving_default.empty", "serving_default.many", "serving_default.one"},
		"module":    {"any_rank.cube", "any_rank.scalar", "count.first", "default.three", "dense.empty", "dense.two", "scalar.one"},
		"dtypes":    {"five.empty", "five.some", "others.ends"},
		"table":     {"serving_default.words"},
		"v1":        {"serving_default.two"},
		"composite": {"serving_default.one"},
	} {
		m := load(t, filepath.Join(dir, model, "model"))
		for _, name := range cases {
			folder := filepath.Join(dir, model, name)
			signature, _, _ := strings.Cut(name, ".")
			got, err := m.Run(signature, arrays(t, filepath.Join(folder, "in")))
			if err != nil {
				t.Errorf("%s: %v", folder, err)
				continue
			}
			want, err := filepath.Glob(filepath.Join(folder, "out", "*.npy"))
			if err != nil || len(want) == 0 || len(want) != len(got) {
				t.Errorf("%s: %d outputs, want %d; %v", folder, len(got), len(want), err)
			}
			for _, file := range want {
				compare(t, file, got[strings.TrimSuffix(filepath.Base(file), ".npy")])
			}
		}
	}
	m := load(t, filepath.Join(dir, "module", "model"))
	three := filepath.Join(dir, "module", "default.three")
	inputs := arrays(t, filepath.Join(three, "in"))
	delete(inputs, "factor") // has a default
	got, err := m.Run("default", inputs)
	if err != nil {
		t.Fatal(err)
	}
	compare(t, filepath.Join(three, "out", "y.npy"), got["y"])
	// An op that computes no tensor.
	if got, err := m.Run("__saved_model_init_op", nil); err != nil || len(got) != 0 {
		t.Errorf("computed %v, %v", got, err)
	}
}

func TestRunErrors(t *testing.T) {
	m := load(t, filepath.Join(fixtures(t), "module", "model"))
	tensor := func(value any) *tf.Tensor {
		x, err := tf.NewTensor(value)
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	x, b := tensor([][]float32{{1, 2, 3}}), tensor([][]float32{{1, 2}})
	for _, test := range []struct {
		signature string
		inputs    map[string]*tf.Tensor
		want      string
	}{
		{"none", nil, `no signature "none"; there are: __saved_model_init_op, any_rank, count, default, dense, scalar`},
		{"dense", map[string]*tf.Tensor{"x": x, "b": b, "z": x}, `signature dense: no input "z"; there are: "b", float32 (-1, 2); "x", float32 (-1, 3)`},
		{"dense", map[string]*tf.Tensor{"x": x}, `signature dense: no value for the input "b", float32 (-1, 2)`},
		{"count", map[string]*tf.Tensor{"x": x}, `signature count: no input "x"; there are: none`},
		{"dense", map[string]*tf.Tensor{"x": tensor([][]int32{{1, 2, 3}}), "b": b}, `signature dense: input "x" is int32 (1, 3), want float32 (-1, 3)`},
		{"dense", map[string]*tf.Tensor{"x": b, "b": b}, `signature dense: input "x" is float32 (1, 2), want float32 (-1, 3)`},
		{"dense", map[string]*tf.Tensor{"x": tensor([]float32{1, 2, 3}), "b": b}, `signature dense: input "x" is float32 (3), want float32 (-1, 3)`},
		{"scalar", map[string]*tf.Tensor{"x": b, "n": tensor(int32(1))}, `signature scalar: input "x" is float32 (1, 2), want float32 ()`},
		{"any_rank", map[string]*tf.Tensor{"x": tensor("a")}, `signature any_rank: input "x" is string (), want float32 of any rank`},
		{"dense", map[string]*tf.Tensor{"x": tensor(make([][3]float32, 2)), "b": tensor(make([][2]float32, 3))},
			`signature dense: Incompatible shapes: [2,2] vs. [3,2] (node add)`},
	} {
		if _, err := m.Run(test.signature, test.inputs); err == nil || err.Error() != test.want {
			t.Errorf("%s: error %v, want %s", test.signature, err, test.want)
		}
	}
}

func TestLoadErrors(t *testing.T) {
	dir := fixtures(t)
	// spoil copies a model and changes its files.
	spoil := func(model string, change func(dir string) error) string {
		t.Helper()
		to := t.TempDir()
		if err := os.CopyFS(to, os.DirFS(filepath.Join(dir, model, "model"))); err != nil {
			t.Fatal(err)
		}
		if err := change(to); err != nil {
			t.Fatal(err)
		}
		return to
	}
	remove := func(name string) func(dir string) error {
		return func(dir string) error { return os.Remove(filepath.Join(dir, name)) }
	}
	truncate := func(name string, size int64) func(dir string) error {
		return func(dir string) error { return os.Truncate(filepath.Join(dir, name), size) }
	}
	module := filepath.Join(dir, "module", "model")
	for _, test := range []struct {
		dir  string
		tags []string
		want string // DIR stands for dir
	}{
		{filepath.Join(module, "none"), nil, "no folder DIR; " + module + " has: assets, fingerprint.pb, saved_model.pb, variables"},
		{filepath.Join(module, "fingerprint.pb"), nil, "DIR is a file, want the folder of a SavedModel; "},
		{filepath.Join(dir, "v1"), nil, "no SavedModel: no saved_model.pb; DIR has: model, serving_default.two"},
		{module, []string{"gpu", "serve"}, "DIR: no graph with the tags 'gpu,serve'; there are: 'serve'"},
		{module, nil, "DIR: no graph with the tags ''; there are: 'serve'"},
		{spoil("module", truncate("saved_model.pb", 1000)), nil, "DIR/saved_model.pb, of 1000 bytes, is no SavedModel: proto:"},
		{spoil("module", truncate("saved_model.pb", 0)), nil, "DIR/saved_model.pb, of 0 bytes, is no SavedModel: no graph in it; DIR has: assets"},
		{spoil("module", remove("variables/variables.index")), []string{"serve"},
			"no DIR/variables/variables.index with the values of the graph's variables, of which there are 2; DIR/variables has: variables.data-00000-of-00001"},
		{spoil("module", remove("variables/variables.data-00000-of-00001")), []string{"serve"}, "no DIR/variables/variables.data-* with the values"},
		{spoil("module", func(dir string) error { return os.RemoveAll(filepath.Join(dir, "variables")) }), []string{"serve"}, "; DIR/variables is missing"},
		{spoil("module", truncate("variables/variables.data-00000-of-00001", 3)), []string{"serve"},
			"reading the variables: Read less bytes than requested (node RestoreV2); DIR/variables has: variables.data-00000-of-00001, variables.index"},
		{spoil("table", remove("assets/words.txt")), []string{"serve"}, "no asset DIR/assets/words.txt, which the graph reads; DIR/assets has: none"},
	} {
		m, err := Load(test.dir, test.tags, nil)
		want := strings.ReplaceAll(test.want, "DIR", test.dir)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("error %v, want %s", err, want)
		}
		if m != nil {
			t.Errorf("%s: a model and an error", test.dir)
		}
	}
}

// TestText loads a SavedModel in text.
func TestText(t *testing.T) {
	from, to := filepath.Join(fixtures(t), "v1"), t.TempDir()
	if err := os.CopyFS(to, os.DirFS(filepath.Join(from, "model"))); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(to, "saved_model.pb")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	model := new(corepb.SavedModel)
	if err := proto.Unmarshal(data, model); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file+"txt", []byte(prototext.Format(model)), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	got, err := load(t, to).Run("serving_default", arrays(t, filepath.Join(from, "serving_default.two", "in")))
	if err != nil {
		t.Fatal(err)
	}
	compare(t, filepath.Join(from, "serving_default.two", "out", "y.npy"), got["y"])
}

// TestPrint holds what is printed against saved_model_cli: all of its lines but
// those of ops and of Python functions.
func TestPrint(t *testing.T) {
	dir := fixtures(t)
	all, err := Read(filepath.Join(dir, "keras", "model"))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := all[0].Print(&b); err != nil {
		t.Fatal(err)
	}
	python, err := os.ReadFile(filepath.Join(dir, "keras", "show.txt"))
	if err != nil {
		t.Fatal(err)
	}
	signatures, rest, ok := strings.Cut(string(python), "The MetaGraph with tag set")
	if !ok || len(strings.Split(signatures, "\n")) < 30 {
		t.Fatalf("saved_model_cli printed %s", python)
	}
	got, ok := strings.CutPrefix(b.String(), signatures)
	if !ok {
		t.Errorf("printed\n%s\nwant\n%s", b.String(), signatures)
	}
	for _, line := range []string{
		"TensorFlow version: 2.21.0\n", "Variables: 12, of which the signatures use 4\n", "Parameters: 465, of which the signatures use 155\n",
		"  Conv2D                   1\n", "  MatMul                   1\n",
	} {
		if !strings.Contains(got, line) {
			t.Errorf("no line %q in\n%s", line, got)
		}
	}
	// It lists the same ops, in no order.
	_, set, _ := strings.Cut(rest, "{")
	set, _, _ = strings.Cut(set, "}")
	ops := strings.Split(strings.ReplaceAll(set, "'", ""), ", ")
	slices.Sort(ops)
	if !slices.Equal(ops, keys(all[0].Ops)) {
		t.Errorf("ops %v, want %v", keys(all[0].Ops), ops)
	}
}

func TestRead(t *testing.T) {
	dir := fixtures(t)
	for model, want := range map[string]Variables{"module": {2, 7, 0}, "dtypes": {}, "v1": {1, 6, 0}} {
		all, err := Read(filepath.Join(dir, model, "model"))
		if err != nil {
			t.Fatal(err)
		}
		if d := all[0]; len(all) != 1 || d.All != want || d.Used != want || d.Version != "2.21.0" {
			t.Errorf("%s: %d graphs, TensorFlow %s, variables %+v, used %+v, want %+v", model, len(all), d.Version, d.All, d.Used, want)
		}
	}
}

func TestFind(t *testing.T) {
	all := []Description{{Tags: []string{"serve"}}, {Tags: []string{"gpu", "serve"}, Version: "2"}}
	if d, err := Find(all, []string{"serve", "gpu"}); err != nil || d.Version != "2" {
		t.Errorf("found %+v, %v", d, err)
	}
	if _, err := Find(all, []string{"gpu"}); err == nil || err.Error() != "no graph with the tags 'gpu'; there are: 'serve'; 'gpu,serve'" {
		t.Errorf("error %v", err)
	}
}

func TestGraph(t *testing.T) {
	dir := filepath.Join(fixtures(t), "graph")
	inputs := arrays(t, dir)
	for _, file := range []string{"graph.pb", "graph.pbtxt"} {
		g, err := LoadGraph(filepath.Join(dir, file), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer g.Close()
		got, err := g.Run(map[string]*tf.Tensor{"X": inputs["X"]}, []string{"y:0", "top:1"}, []string{"init", "step"})
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range got {
			compare(t, filepath.Join(dir, name+".npy"), value)
		}
		if len(got) != 2 {
			t.Errorf("%s: computed %v", file, got)
		}
		got, err = g.Run(map[string]*tf.Tensor{"y": got["y:0"]}, []string{"y", "y:0", "top", "top:0"}, nil)
		if err != nil || len(got) != 4 || got["y"] != got["y:0"] {
			t.Errorf("%s: computed %v, %v", file, got, err)
		}
		info, err := g.Tensor("X:0")
		if err != nil || info.DType != tf.Float || info.Shape.String() != "[?, 3]" {
			t.Errorf("X is %+v, %v", info, err)
		}
	}
}

// TestReference feeds a reference variable of TensorFlow 1.
func TestReference(t *testing.T) {
	file := filepath.Join(t.TempDir(), "graph.pbtxt")
	if err := os.WriteFile(file, []byte(`
		node { name: "w" op: "VariableV2" attr { key: "dtype" value { type: DT_FLOAT } } attr { key: "shape" value { shape { } } } }
		node { name: "y" op: "Neg" input: "w" attr { key: "T" value { type: DT_FLOAT } } }`), 0o644); err != nil {
		t.Fatal(err)
	}
	g, err := LoadGraph(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	w, err := tf.NewTensor(float32(3))
	if err != nil {
		t.Fatal(err)
	}
	got, err := g.Run(map[string]*tf.Tensor{"w": w}, []string{"y"}, nil)
	if err != nil || got["y"].Value() != float32(-3) {
		t.Errorf("computed %v, %v", got, err)
	}
}

func TestGraphErrors(t *testing.T) {
	dir := filepath.Join(fixtures(t), "graph")
	for _, test := range [][2]string{
		{"none.pb", "no such file"},
		{"X.npy", "X.npy is no GraphDef: "},
	} {
		if _, err := LoadGraph(filepath.Join(dir, test[0]), nil); err == nil || !strings.Contains(err.Error(), test[1]) {
			t.Errorf("%s: error %v, want %s", test[0], err, test[1])
		}
	}
	text := filepath.Join(t.TempDir(), "graph.pbtxt")
	if err := os.WriteFile(text, []byte(`node { name: "a" op: "NoSuchOp" }`), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadGraph(text, nil); err == nil || !strings.Contains(err.Error(), "NoSuchOp") || strings.Contains(err.Error(), "\n") {
		t.Errorf("error %v, want one of NoSuchOp", err)
	}

	g, err := LoadGraph(filepath.Join(dir, "graph.pb"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	x := arrays(t, dir)["X"]
	wrong, err := tf.NewTensor([][]float64{{1, 2, 3}})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		feeds   map[string]*tf.Tensor
		fetches []string
		targets []string
		want    string
	}{
		{nil, []string{"loss"}, nil, `no node "loss" in the graph; its placeholders: X; read by no other: `},
		{nil, []string{"Top:1"}, nil, `no node "Top" in the graph; similar: top`},
		{nil, []string{"y:1"}, nil, "no tensor y:1; those of the node, a MatMul: y:0"},
		{nil, []string{"step:0"}, nil, "no tensor step:0; those of the node, a NoOp: none"},
		{nil, []string{"y:first"}, nil, `"y:first" is no tensor's name, want one such as y:0`},
		{nil, []string{"y:-1"}, nil, `"y:-1" is no tensor's name`},
		{nil, []string{"y"}, []string{"initialize"}, `no node "initialize" in the graph; similar: w/Initializer/initial_value, w/IsInitialized/VarIsInitializedOp, init`},
		{map[string]*tf.Tensor{"Z": x}, []string{"y"}, nil, `no node "Z" in the graph; its placeholders: X`},
		{map[string]*tf.Tensor{"X": wrong}, []string{"y"}, nil, `input "X" is float64 (1, 3), want float32 (-1, 3)`},
		{nil, []string{"y"}, []string{"init"}, "You must feed a value for placeholder tensor 'X' with dtype float and shape [?,3]"},
	} {
		if _, err := g.Run(test.feeds, test.fetches, test.targets); err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v: error %v, want %s", test.fetches, err, test.want)
		}
	}
	fresh, err := LoadGraph(filepath.Join(dir, "graph.pb"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer fresh.Close()
	if _, err := fresh.Run(map[string]*tf.Tensor{"X": x}, []string{"y"}, nil); err == nil || !strings.Contains(err.Error(), "Could not find variable w") || !strings.HasSuffix(err.Error(), "(node y/ReadVariableOp)") {
		t.Errorf("error %v, want one of w", err)
	}
	if _, err := fresh.Run(map[string]*tf.Tensor{"X": x}, nil, []string{"step"}); err == nil || !strings.Contains(err.Error(), "target step: ") {
		t.Errorf("error %v, want one of step", err)
	}
}
