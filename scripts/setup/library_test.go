package main

import (
	"bytes"
	"context"
	"debug/elf"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// answers is a program that the library answers, not its link stub.
const answers = `#include <stdio.h>
const char* TF_Version(void);
int TF_Answer(void);
int TSL_Answer(void);
int main(void) { printf("%s %d %d\n", TF_Version(), TF_Answer(), TSL_Answer()); return 0; }
`

// Each source of a libtensorflow leaves one that a program links against and runs with.
func TestSources(t *testing.T) {
	installed, ofWheel := smallLibrary(t, "2.21.0", ""), smallLibrary(t, "2.21.7", "_cc")
	wheelFile := makeWheel(t, libraries[0].wheel, ofWheel, "libtensorflow_cc.so.2", "libtensorflow_framework.so.2")
	tarball := makeTarball(t, installed)
	fresh(t)
	toolbox(t, "go", "gcc", "as", "ld") // no Python, which nothing here uses
	dir := filepath.Join(t.TempDir(), "tensorflow")
	lib := filepath.Join(dir, "lib")
	for _, test := range []struct {
		name         string
		args         []string
		env          string // LD_LIBRARY_PATH
		soname, want string
	}{
		{"found", nil, installed, "libtensorflow.so.2", "2.21.0 42 43"},
		{"-libtensorflow", []string{"-libtensorflow", installed}, "", "libtensorflow.so.2", "2.21.0 42 43"},
		{"-libtensorflow of a wheel", []string{"-libtensorflow", ofWheel}, "", "libtensorflow_cc.so.2", "2.21.7 42 43"},
		{"-wheel", []string{"-wheel", wheelFile}, "", "libtensorflow_cc.so.2", "2.21.7 42 43"},
		{"-tarball", []string{"-tarball", tarball}, "", "libtensorflow.so.2", "2.21.0 42 43"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("LD_LIBRARY_PATH", test.env)
			must(t, append([]string{"-dir", dir}, test.args...)...)
			t.Setenv("LD_LIBRARY_PATH", "")
			stub, err := elf.Open(filepath.Join(lib, "libtensorflow.so"))
			if err != nil {
				t.Fatal(err)
			}
			defer stub.Close()
			if soname, err := stub.DynString(elf.DT_SONAME); err != nil || !slices.Equal(soname, []string{test.soname}) {
				t.Errorf("the link stub's soname is %q, %v, want %q", soname, err, test.soname)
			}
			names, err := cFunctions(filepath.Join(lib, "libtensorflow.so"))
			slices.Sort(names)
			if want := []string{"TF_Answer", "TF_Version", "TSL_Answer"}; err != nil || !slices.Equal(names, want) {
				t.Errorf("the link stub defines %q, %v, want %q", names, err, want)
			}
			program := filepath.Join(t.TempDir(), "answers")
			if err := compile(t.Context(), answers, program, "-L"+lib, "-ltensorflow", "-Wl,-rpath,"+lib); err != nil {
				t.Fatal(err)
			}
			if got := output(t, exec.Command(program)); got != test.want {
				t.Errorf("the program printed %q, want %q", got, test.want)
			}
		})
	}
}

// The link stub of the real library.
func TestRealLibrary(t *testing.T) {
	library := realLibrary(t)
	fresh(t)
	dir := filepath.Join(t.TempDir(), "tensorflow")
	must(t, "-dir", dir, "-libtensorflow", library)
	lib := filepath.Join(dir, "lib")
	program := filepath.Join(t.TempDir(), "program")
	const source = `#include "tensorflow/c/c_api.h"
#include "tensorflow/c/eager/c_api.h"
#include <stdio.h>
int main(void) {
  TF_Graph* graph = TF_NewGraph();
  TF_Status* status = TF_NewStatus();
  TF_ImportGraphDefOptions* options = TF_NewImportGraphDefOptions();
  TF_Buffer* junk = TF_NewBufferFromString("junk", 4);
  TF_GraphImportGraphDef(graph, junk, options, status);
  printf("%s, %s, %d, %d\n", TF_Version(), TF_Message(status), TF_AddGradients != 0, TFE_NewContext != 0);
  return 0;
}
`
	if err := compile(t.Context(), source, program, "-I"+dir, "-L"+lib, "-ltensorflow", "-Wl,-rpath,"+lib); err != nil {
		t.Fatal(err)
	}
	if got, want := output(t, exec.Command(program)), tensorFlowVersion+", Invalid GraphDef, 1, 1"; got != want {
		t.Errorf("the program printed %q, want %q", got, want)
	}
}

// A source that does not serve is named, and changes nothing.
func TestBadSources(t *testing.T) {
	good, old, torn := smallLibrary(t, "2.21.0", ""), smallLibrary(t, "2.11.0", ""), smallLibrary(t, "2.21.0", "_cc")
	w := libraries[0].wheel
	file := func(name string, data []byte) string {
		name = filepath.Join(t.TempDir(), name)
		write(t, name, string(data))
		return name
	}
	packed, err := os.ReadFile(makeTarball(t, good))
	if err != nil {
		t.Fatal(err)
	}
	spoilt := bytes.Clone(packed)
	spoilt[len(spoilt)-8] ^= 1 // in gzip's checksum
	noWheel, noTarball, cut := file("a.whl", []byte("text")), file("a.tar.gz", []byte("text")), file("cut.tar.gz", packed[:len(packed)/2])
	wrongSum, noFramework, empty := file("sum.tar.gz", spoilt), makeWheel(t, w, torn, "libtensorflow_cc.so.2"), makeWheel(t, w, torn)
	noLibrary, other := filepath.Dir(file("README", nil)), makeTarball(t, filepath.Dir(file("README", nil)))
	junk := filepath.Dir(file("libtensorflow.so.2", []byte("text")))
	if err := os.Remove(filepath.Join(torn, "libtensorflow_framework.so.2")); err != nil {
		t.Fatal(err)
	}

	dir, cache := fresh(t)
	dir = filepath.Join(dir, "../mine")
	must(t, "-dir", dir, "-libtensorflow", good)
	before := tree(t, dir, cache)
	for _, test := range []struct{ flag, source, want string }{
		{"-libtensorflow", old, " is libtensorflow 2.11.0, want 2.21.0"},
		{"-libtensorflow", noLibrary, "no libtensorflow in "},
		{"-libtensorflow", noWheel, "no libtensorflow in "},
		{"-libtensorflow", torn, "libtensorflow_framework.so.2: cannot open"},
		{"-libtensorflow", junk, "cannot be loaded: "},
		{"-wheel", noWheel, " is no wheel"},
		{"-wheel", noLibrary, " is no wheel"},
		{"-wheel", empty, " holds no libtensorflow.so.2 or libtensorflow_cc.so.2"},
		{"-wheel", noFramework, "libtensorflow_framework.so.2: cannot open"},
		{"-wheel", makeWheel(t, w, old, "libtensorflow.so.2", "libtensorflow_framework.so.2"), " is libtensorflow 2.11.0, want 2.21.0"},
		{"-tarball", noTarball, " is no .tar.gz"},
		{"-tarball", cut, "unexpected EOF"},
		{"-tarball", wrongSum, "invalid checksum"},
		{"-tarball", other, " holds no libtensorflow.so.2 or"},
		{"-tarball", makeTarball(t, old), " is libtensorflow 2.11.0, want 2.21.0"},
	} {
		fails(t, []string{"-dir", dir, test.flag, test.source}, "libtensorflow: ", test.source, test.want)
		if after := differing(before, tree(t, dir, cache)); after != nil {
			t.Errorf("%s %s changed %q", test.flag, test.source, after)
		}
	}
	must(t, "-dir", dir, "-check") // the one of before is still in place
}

// The end of a context ends the unpacking, which takes seconds.
func TestInterruptedUnpacking(t *testing.T) {
	library := smallLibrary(t, "2.21.0", "_cc")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, err := range []error{
		extractTarball(ctx, makeTarball(t, library), t.TempDir()),
		extractTensorFlow(ctx, makeWheel(t, libraries[0].wheel, library, "libtensorflow_cc.so.2"), t.TempDir()),
	} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%v, want %v", err, context.Canceled)
		}
	}
}

func TestFits(t *testing.T) {
	for version, want := range map[string]bool{
		"2.21.0": true, "2.21.1": true, "2.21.0-rc1": true,
		"2.2.0": false, "2.20.0": false, "2.210.0": false, "3.21.0": false, "": false,
	} {
		if got := fits(version); got != want {
			t.Errorf("fits(%q) = %v", version, got)
		}
	}
}

// An installed library that does not fit is passed over.
func TestInstalledOther(t *testing.T) {
	old, good := smallLibrary(t, "2.11.0", ""), smallLibrary(t, "2.21.0", "")
	fresh(t)
	t.Setenv("CC", "gcc -O1") // of two words
	toolbox(t, "go", "gcc", "as", "ld")
	if installedDirs(t.Context()) == nil { // this machine has none of its own
		t.Setenv("LD_LIBRARY_PATH", old)
		fails(t, nil, "lacks python3 (")
	}
	t.Setenv("LD_LIBRARY_PATH", old+":"+good)
	dir := filepath.Join(t.TempDir(), "tensorflow")
	_, stderr := must(t, "-dir", dir)
	if want := "setup: not using " + old + ": libtensorflow 2.11.0, want 2.21.0\n"; !strings.Contains(stderr, want) {
		t.Errorf("no %q in\n%s", want, stderr)
	}
	if !strings.Contains(stderr, "setup: taking libtensorflow from "+good+"\n") {
		t.Errorf("%s is not taken:\n%s", good, stderr)
	}
}

// An installed CUDA build finds NVIDIA's libraries where pip lays them out.
func TestInstalledCUDA(t *testing.T) {
	dir := smallLibrary(t, "2.21.0", "_cc")
	nvidia := filepath.Join(filepath.Dir(dir), "nvidia/cuda_runtime/lib")
	cuda, main := filepath.Join(nvidia, "libcudart.so.12"), filepath.Join(dir, "libtensorflow_cc.so.2.21.0")
	if err := os.MkdirAll(nvidia, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := compile(t.Context(), "int cudaAnswer(void) { return 44; }", cuda, "-shared", "-fPIC", "-Wl,-soname,libcudart.so.12"); err != nil {
		t.Fatal(err)
	}
	const source = `int cudaAnswer(void);
int TF_Answer(void) { return cudaAnswer(); }
const char* TF_Version(void) { return "2.21.0"; }
`
	if err := compile(t.Context(), source, main, "-shared", "-fPIC", "-Wl,-soname,libtensorflow_cc.so.2", "-L"+nvidia, "-l:libcudart.so.12", "-Wl,-rpath,$ORIGIN/../nvidia/cuda_runtime/lib"); err != nil {
		t.Fatal(err)
	}
	fresh(t)
	must(t, "-dir", filepath.Join(t.TempDir(), "tensorflow"), "-libtensorflow", dir)
}
