package main

import (
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestUsage(t *testing.T) {
	dir, cache := fresh(t)
	file := filepath.Join(t.TempDir(), "file")
	write(t, file, "something")
	module := t.TempDir()
	write(t, filepath.Join(module, "go.mod"), "module example.com/mine\n")
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"-wheel", file, "-tarball", file}, "exclude each other"},
		{[]string{"-libtensorflow", file, "-gpu"}, "exclude each other"},
		{[]string{"-gpu=false", "-wheel", file}, "exclude each other"},
		{[]string{"-gpu=perhaps"}, "want true or false"},
		{[]string{"all"}, `unexpected argument "all"`},
		{[]string{"-cpu"}, "-cpu"},
		{[]string{"-dir", dir, "-mnist", module}, "without -mnist"},
		{[]string{"-wheel", file + "2"}, file + "2: no such file"},
		{[]string{"-tarball", file + "2"}, file + "2: no such file"},
		{[]string{"-libtensorflow", file + "2"}, file + "2: no such file"},
		{[]string{"-mnist", file + "2"}, file + "2: no such file"},
		{[]string{"-dir", module}, module + " holds go.mod: want a folder for the bindings alone"},
		{[]string{"-dir", file}, file},
	} {
		_, stderr, err := try(t, test.args...)
		if !errors.As(err, new(usageError)) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("setup %v: %v, want a usageError with %q", test.args, err, test.want)
		}
		if stderr != "" { // main prints the error
			t.Errorf("setup %v: %q on stderr", test.args, stderr)
		}
	}
	_, stderr, err := try(t, "-help")
	if !errors.Is(err, flag.ErrHelp) || !strings.Contains(stderr, "-libtensorflow DIR") {
		t.Errorf("setup -help: %v, %q", err, stderr)
	}
	t.Chdir(module)
	if _, _, err := try(t); !errors.As(err, new(usageError)) || !strings.Contains(err.Error(), "not in a clone") {
		t.Errorf("outside of a clone: %v", err)
	}
	wantNames(t, module, "go.mod")
	if files := tree(t, dir, cache); files != nil {
		t.Errorf("left %q", files)
	}
}

// A set-up puts all in place, -check says so, and a second one does nothing.
func TestRun(t *testing.T) {
	digits, library := realMNIST(t), smallLibrary(t, "2.21.3", "")
	dir, cache := fresh(t)
	toolbox(t, "go", "gcc", "as", "ld", "python3")

	stdout, _, err := try(t, "-check")
	if err == nil || err.Error() != "missing: bindings, libtensorflow, mnist" {
		t.Errorf("-check before: %v, want the three parts missing", err)
	}
	for _, want := range []string{"bindings       missing: not assembled in " + dir, "libtensorflow  missing: ", "mnist          missing: ", "go             go version go1."} {
		if !strings.Contains(stdout, want) {
			t.Errorf("-check before: no %q in\n%s", want, stdout)
		}
	}
	if files := tree(t, dir, cache); files != nil {
		t.Errorf("-check left %q", files)
	}

	replaced(t, &patience, time.Millisecond)
	stdout, stderr := must(t, "-libtensorflow", library, "-mnist", digits)
	if want := "MB) into the module cache\nsetup: still fetching after 0 s\n"; !strings.Contains(stderr, want) {
		t.Errorf("no %q in\n%s", want, stderr)
	}
	for _, part := range []string{"bindings", "libtensorflow", "mnist"} {
		if !strings.Contains(stderr, "setup: "+part+" in place after ") {
			t.Errorf("no word of %s in\n%s", part, stderr)
		}
	}
	if stdout != "" {
		t.Errorf("%q on stdout", stdout)
	}

	before := tree(t, dir, cache)
	stdout, _ = must(t, "-check")
	for _, want := range []string{"bindings       2.21.0 in " + dir, "libtensorflow  2.21.3 in " + cache, "mnist          4 files in " + cache} {
		if !strings.Contains(stdout, want) {
			t.Errorf("-check after: no %q in\n%s", want, stdout)
		}
	}
	start := time.Now()
	for _, args := range [][]string{nil, {"-libtensorflow", library}, {"-mnist", digits}} {
		if stdout, stderr := must(t, args...); stdout+stderr != "" {
			t.Errorf("a second setup %v printed %q", args, stdout+stderr)
		}
	}
	if took := time.Since(start); took > 3*time.Second {
		t.Errorf("three more set-ups took %v, want less than a second each", took)
	}
	if after := tree(t, dir, cache); !slices.Equal(after, before) {
		t.Errorf("-check or a second set-up changed %q to %q", before, after)
	}
}

// What is damaged is named by -check, and mended.
func TestDamage(t *testing.T) {
	library := smallLibrary(t, "2.21.0", "")
	fresh(t)
	toolbox(t, "go", "gcc", "as", "ld")
	dir := filepath.Join(t.TempDir(), "tensorflow")
	args := []string{"-dir", dir, "-libtensorflow", library}
	must(t, args...)
	entry, err := filepath.EvalSymlinks(filepath.Join(dir, "lib"))
	if err != nil {
		t.Fatal(err)
	}
	entry = filepath.Dir(entry)
	for _, test := range []struct {
		name    string
		damage  func() error
		check   string // -check's error
		because string // in what it prints
	}{
		{"a header", func() error { return os.Truncate(filepath.Join(dir, "tensorflow/c/c_api.h"), 9) }, "missing: bindings", "c_api.h is missing or was changed"},
		{"go.mod", func() error { return os.Remove(filepath.Join(dir, "go.mod")) }, "missing: bindings", "go.mod is missing or was changed"},
		{"the stamp", func() error { return os.Truncate(filepath.Join(dir, stampFile), 20) }, "missing: bindings", "another version"},
		{"the link", func() error { return os.Remove(filepath.Join(dir, "lib")) }, "missing: libtensorflow", "not linked"},
		{"the link stub", func() error { return os.Remove(filepath.Join(dir, "lib/libtensorflow.so")) }, "missing: libtensorflow", "lib/libtensorflow.so: no such file"},
		{"the version", func() error { return os.WriteFile(filepath.Join(entry, "VERSION"), []byte("2.20.0\n"), 0o644) }, "missing: libtensorflow", "libtensorflow 2.20.0 in " + entry},
	} {
		t.Run(test.name, func(t *testing.T) {
			if err := test.damage(); err != nil {
				t.Fatal(err)
			}
			stdout, _, err := try(t, append(args, "-check")...)
			if got := errString(err); got != test.check || !strings.Contains(stdout, test.because) {
				t.Errorf("-check: %q, want %q with %q in\n%s", got, test.check, test.because, stdout)
			}
			must(t, args...)
		})
	}
	must(t, append(args, "-check")...)
}

func errString(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// The bindings serve any Go module: two lines in its go.mod are all.
func TestDir(t *testing.T) {
	library := realLibrary(t)
	sums, err := os.ReadFile("go.sum")
	if err != nil {
		t.Fatal(err)
	}
	_, cache := fresh(t)
	module := filepath.Join(t.TempDir(), "a module")
	dir := filepath.Join(module, "third_party/tensorflow")
	stdout, _ := must(t, "-dir", dir, "-libtensorflow", library)
	want := `require github.com/tensorflow/tensorflow v2.21.0+incompatible
replace github.com/tensorflow/tensorflow => "` + dir + "\"\n"
	if stdout != want {
		t.Errorf("printed %q, want %q", stdout, want)
	}
	if again, stderr := must(t, "-dir", dir); again != want || stderr != "setup: add these lines to your go.mod, then run `go mod tidy`:\n" {
		t.Errorf("a second set-up printed %q and %q", again, stderr)
	}
	if _, err := os.Stat(filepath.Join(cache, mnistEntry)); err == nil {
		t.Error("MNIST was installed too")
	}

	write(t, filepath.Join(module, "go.mod"), "module example.com/mine\n\ngo 1.24.0\n\n"+stdout)
	write(t, filepath.Join(module, "go.sum"), string(sums)) // as `go mod tidy` fetches it
	write(t, filepath.Join(module, "main.go"), `package main

import tf "github.com/tensorflow/tensorflow/tensorflow/go"

func main() { print(tf.Version()) }
`)
	build := exec.Command("go", "build", "-mod=mod", "-o", "mine", ".")
	build.Dir = module
	output(t, build)
	mine := exec.Command(filepath.Join(module, "mine"))
	if out, err := mine.CombinedOutput(); err != nil || !strings.HasSuffix(string(out), tensorFlowVersion) {
		t.Errorf("a program with the bindings: %v, printed %q, want %s", err, out, tensorFlowVersion)
	}
}
