package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	tf "github.com/tensorflow/tensorflow/tensorflow/go"
	graphpb "github.com/tensorflow/tensorflow/tensorflow/go/core/framework/graph_go_proto"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"

	"tfrunner/mnist"
)

// TestMain runs main instead of the tests if asked to, so that the tests can
// start the program as a process.
func TestMain(m *testing.M) {
	if os.Getenv("TFRUNNER_TEST_MAIN") != "" {
		main()
		os.Exit(0)
	}
	flag.Parse()
	os.Exit(m.Run())
}

// program returns the program as a process.
func program(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), "TFRUNNER_TEST_MAIN=1")
	return cmd
}

// try runs the program in this process.
func try(t *testing.T, args ...string) (code int, stdout, message string) {
	t.Helper()
	var out, stderr bytes.Buffer
	err := run(context.Background(), args, &out, &stderr)
	if err != nil {
		message = err.Error()
	}
	return exitCode(err), out.String(), message
}

func TestUsage(t *testing.T) {
	for _, test := range []struct{ args, want string }{
		{"-batch 0", "-batch 0: want at least 1"},
		{"-fast -batch 1", "-batch 1: want at least 2 of a fast model, whose towers have an image each"},
		{"-batch x", `invalid value "x" for flag -batch`},
		{"-batch 55001", "-batch 55001: want at most 55000"},
		{"-epochs -1", "-epochs -1: want at least 1"},
		{"-epochs 0", "-epochs 0: want at least 1"},
		{"-steps -1", "-steps -1: want at least 0"},
		{"-keep-conv 0", "-keep-conv 0: want more than 0, at most 1"},
		{"-keep-conv 1.5", "-keep-conv 1.5: want more than 0, at most 1"},
		{"-keep-hidden 0", "-keep-hidden 0: want more than 0, at most 1"},
		{"-keep-hidden NaN", "-keep-hidden NaN: want more than 0, at most 1"},
		{"-lr -1", "-lr -1: want more than 0"},
		{"-lr much", `invalid value "much" for flag -lr: want a number`},
		{"-lr 1e99", `invalid value "1e99" for flag -lr: want a number`},
		{"-decay 2", "-decay 2: want 0 to 1"},
		{"-momentum -1", "-momentum -1: want 0 to 1"},
		{"-epsilon -1", "-epsilon -1: want at least 0"},
		{"-target 1.1", "-target 1.1: want 0 to 1"},
		{"-optimizer adam -lr 0", "-lr 0: want more than 0"},
		{"-optimizer adam -momentum 0.5", "-momentum: adam has beta1, beta2, epsilon, lr"},
		{"-rho 0.5", "-rho: rmsprop has decay, epsilon, lr, momentum"},
		{"-optimizer lion", "-optimizer lion: want one of all, sgd, momentum, nesterov, "},
		{"-lr-decay-steps 9", "-lr-decay-steps: constant has no settings"},
		{"-lr-schedule cosine -lr-decay-rate 0.9", "-lr-decay-rate: cosine has lr-alpha, lr-decay-steps"},
		{"-lr-schedule step -lr-alpha 0.1", "-lr-alpha: step has lr-decay-rate, lr-decay-steps"},
		{"-lr-schedule step -lr-decay-steps 0", "-lr-decay-steps 0: want at least 1"},
		{"-lr-schedule step -lr-decay-steps 1e3", `invalid value "1e3" for flag -lr-decay-steps: want a whole number`},
		{"-lr-schedule exponential -lr-decay-rate 0", "-lr-decay-rate 0: want more than 0"},
		{"-lr-schedule cosine -lr-alpha 2", "-lr-alpha 2: want 0 to 1"},
		{"-lr-schedule linear", "-lr-schedule linear: want one of constant, exponential, step, cosine"},
		{"-optimizer all -lr 0.1", "-lr: all has each optimizer's defaults, which differ"},
		{"-optimizer all -export model", "-export: want one optimizer, not all"},
		{"-optimizer all -print X", "-print: want one optimizer, not all"},
		{"-optimizer all -batch 0", "-batch 0: want at least 1"},
		{"-optimizer all -resume", "-resume true: want -out"},
		{"-precision float16", "-precision float16: want float32 or bfloat16"},
		{"-precision bfloat16 -device gpu:0", "-precision bfloat16: want -device cpu"},
		{"-intra-op -1", "-intra-op -1: want at least 0"},
		{"-inter-op -2", "-inter-op -2: want at least -1"},
		{"-digit 5", "-digit: want -print"},
		{"-seed x", `invalid value "x" for flag -seed`},
		{"-device gpu:9", "-device gpu:9: want auto, cpu or one of those that libtensorflow sees: cpu:0"},
		{"-device moon", "-device moon: want auto, cpu or one of those that libtensorflow sees: cpu:0"},
		{"-nonsense", "flag provided but not defined: -nonsense"},
		{"train", `unexpected argument "train"`},
	} {
		code, stdout, message := try(t, strings.Fields(test.args)...)
		if code != 2 || !strings.Contains(message, test.want) || strings.Contains(message, "\n") || stdout != "" {
			t.Errorf("%s: exit code %d, error %q, stdout %q; want 2, %q", test.args, code, message, stdout, test.want)
		}
	}
}

func TestHelp(t *testing.T) {
	var stdout, stderr bytes.Buffer
	if code := exitCode(run(context.Background(), []string{"-help"}, &stdout, &stderr)); code != 0 {
		t.Errorf("exit code %d", code)
	}
	for _, want := range []string{"-keep-hidden part", "(default 0.5)", "adam 1e-08", "by default exponential 0.95, step 0.95", "NAME is one of all, sgd, ", "(default 0.992)", "-dump-graph FILE"} {
		if !strings.Contains(stderr.String(), want) {
			t.Errorf("no %q in:\n%s", want, &stderr)
		}
	}
}

// TestData breaks one of MNIST's files at a time.
func TestData(t *testing.T) {
	source, err := mnist.Dir()
	if err != nil {
		t.Fatal(err)
	}
	const trainImages, trainLabels, testImages = "train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte"
	for _, test := range []struct {
		name, file string
		change     func(data []byte) []byte // nil: no file
		want       string
	}{
		{"missing", testImages, nil, "file does not exist"},
		{"empty", trainLabels, func([]byte) []byte { return []byte{} }, "truncated"},
		{"truncated", trainImages, func(data []byte) []byte { return data[:len(data)-1] }, "truncated"},
		{"wrong magic", trainImages, func(data []byte) []byte { data[2] = 9; return data }, "magic"},
		{"oversized header", testImages, func(data []byte) []byte {
			binary.BigEndian.PutUint32(data[4:], 1<<32-1)
			return data
		}, "4294967295"},
		{"swapped", trainImages, func([]byte) []byte { return unpack(t, source, trainLabels) }, "label file"},
		{"label 11", trainLabels, func(data []byte) []byte { data[8+5] = 11; return data }, "11"},
		{"trailing bytes", testImages, func(data []byte) []byte { return append(data, 0) }, "more bytes"},
		{"no images", "", nil, "file does not exist"},
	} {
		dir := t.TempDir()
		for _, name := range []string{trainImages, trainLabels, testImages, "t10k-labels-idx1-ubyte"} {
			data := unpack(t, source, name)
			if name == test.file || test.file == "" {
				if test.change == nil {
					continue
				}
				data = test.change(data)
			}
			if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		code, stdout, message := try(t, "-data", dir, "-steps", "1")
		if code != 1 || !strings.Contains(message, test.want) || !strings.Contains(message, filepath.Join(dir, test.file)) || strings.Contains(message, "\n") || stdout != "" {
			t.Errorf("%s: exit code %d, error %q, stdout %q", test.name, code, message, stdout)
		}
	}
}

// unpack returns the contents of one of MNIST's files.
func unpack(t *testing.T, dir, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err == nil {
		return data
	}
	f, err := os.Open(filepath.Join(dir, name+".gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := b.ReadFrom(z); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestConsole(t *testing.T) {
	code, stdout, message := try(t, "-steps", "2", "-seed", "7")
	if code != 0 || !strings.HasPrefix(stdout, "test accuracy 0.") || !strings.Contains(stdout, " of 10000) after 2 steps, ") || strings.Count(stdout, "\n") != 1 {
		t.Errorf("exit code %d, error %q, stdout %q", code, message, stdout)
	}
}

// TestJSON wants nothing but JSON on stdout, the same twice but for the times.
func TestJSON(t *testing.T) {
	var before string
	for range 2 {
		code, stdout, message := try(t, "-steps", "3", "-seed", "7", "-json")
		if code != 0 {
			t.Fatalf("exit code %d, error %q", code, message)
		}
		lines := strings.Split(strings.TrimSuffix(stdout, "\n"), "\n")
		if len(lines) != 4 {
			t.Fatalf("%d lines, want 3 steps and the end: %q", len(lines), stdout)
		}
		for _, line := range lines {
			if !json.Valid([]byte(line)) {
				t.Errorf("no JSON: %q", line)
			}
		}
		losses := strings.Join(lines[:3], "\n")
		if before != "" && losses != before {
			t.Errorf("first\n%s\nthen\n%s", before, losses)
		}
		before = losses
	}
	if !strings.HasPrefix(before, `{"kind":"step","epoch":0,"step":1,"loss":2.30`) {
		t.Errorf("losses %s", before)
	}
}

func TestShapes(t *testing.T) {
	code, stdout, _ := try(t, "-shapes")
	if code != 0 {
		t.Errorf("exit code %d", code)
	}
	for _, want := range []string{
		"op                      name                     shape            parameters",
		"Conv2D                  conv3/Conv2D             [?, 7, 7, 128]   73728",
		"total                                                             1378698",
	} {
		if !strings.Contains(stdout, want) {
			t.Errorf("no %q in:\n%s", want, stdout)
		}
	}
}

// TestDumpGraph reads both forms back.
func TestDumpGraph(t *testing.T) {
	dir := t.TempDir()
	binaryFile, textFile := filepath.Join(dir, "g.pb"), filepath.Join(dir, "g.pbtxt")
	for _, file := range []string{binaryFile, textFile} {
		if code, stdout, message := try(t, "-dump-graph", file, "-seed", "7"); code != 0 || stdout != "" {
			t.Fatalf("exit code %d, error %q, stdout %q", code, message, stdout)
		}
	}
	data, err := os.ReadFile(binaryFile)
	if err != nil {
		t.Fatal(err)
	}
	g := tf.NewGraph()
	if err := g.Import(data, ""); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"X", "Y", "p_keep_conv", "p_keep_hidden", "train_op/NoOp"} {
		if g.Operation(name) == nil {
			t.Errorf("no op %s", name)
		}
	}
	text, err := os.ReadFile(textFile)
	if err != nil {
		t.Fatal(err)
	}
	var fromBinary, fromText graphpb.GraphDef
	if err := proto.Unmarshal(data, &fromBinary); err != nil {
		t.Fatal(err)
	}
	if err := prototext.Unmarshal(text, &fromText); err != nil {
		t.Fatal(err)
	}
	if !proto.Equal(&fromBinary, &fromText) {
		t.Error("the text is another graph")
	}
	if left, _ := os.ReadDir(dir); len(left) != 2 {
		t.Errorf("files left: %v", left)
	}
	missing := filepath.Join(dir, "missing", "g.pb")
	if code, _, message := try(t, "-dump-graph", missing); code != 1 || !strings.Contains(message, filepath.Dir(missing)) {
		t.Errorf("exit code %d, error %q", code, message)
	}
}

// TestInterrupt sends Ctrl-C's signal to the program while it trains.
func TestInterrupt(t *testing.T) {
	cmd := program("-json")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stdout)
	for i := 0; lines.Scan(); i++ {
		if i == 2 {
			if err := cmd.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
		}
		if !json.Valid(lines.Bytes()) {
			t.Errorf("no JSON: %q", lines.Text())
		}
	}
	cmd.Wait()
	last := lastLine(stderr.String())
	if code := cmd.ProcessState.ExitCode(); code != 130 || !strings.HasPrefix(last, "train: interrupted in epoch 0 after ") {
		t.Errorf("exit code %d, last line %q", code, last)
	}
}

// TestOtherVersion has the dynamic linker give the program a TF_Version of
// another TensorFlow.
func TestOtherVersion(t *testing.T) {
	other := filepath.Join(t.TempDir(), "other.so")
	cc := exec.Command("gcc", "-shared", "-fPIC", "-x", "c", "-o", other, "-")
	cc.Stdin = strings.NewReader(`const char* TF_Version(void) { return "2.11.0"; }`)
	if out, err := cc.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	cmd := program("-steps", "1")
	cmd.Env = append(cmd.Env, "LD_PRELOAD="+other)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.Run()
	want := "train: this is libtensorflow 2.11.0, want 2.21: run `make setup`, and look at LD_LIBRARY_PATH"
	if last := lastLine(stderr.String()); cmd.ProcessState.ExitCode() != 1 || last != want || stdout.Len() != 0 {
		t.Errorf("exit code %d, last line %q, stdout %q; want 1, %q", cmd.ProcessState.ExitCode(), last, &stdout, want)
	}
}

// TestFullDisk wants an error when stdout cannot be written.
func TestFullDisk(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	var stderr bytes.Buffer
	err = run(context.Background(), []string{"-steps", "1", "-json"}, full, &stderr)
	if exitCode(err) != 1 || !strings.Contains(err.Error(), syscall.ENOSPC.Error()) {
		t.Errorf("exit code %d, error %v", exitCode(err), err)
	}
}

func lastLine(s string) string {
	s = strings.TrimSpace(s)
	return s[strings.LastIndexByte(s, '\n')+1:]
}
