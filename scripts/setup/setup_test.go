package main

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestMain lets the tests start this program as a process.
func TestMain(m *testing.M) {
	if os.Getenv("SETUP_TEST_PROCESS") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// fresh goes to the folder scripts/setup of a new clone, with a new user cache
// that keeps only Go's, and returns the folder of the bindings and that of the
// cache, neither of which is there.
func fresh(t *testing.T) (dir, cache string) {
	t.Helper()
	goCache := output(t, exec.Command("go", "env", "GOCACHE"))
	clone, user := t.TempDir(), t.TempDir()
	write(t, filepath.Join(clone, "go.mod"), "module tfrunner\n")
	write(t, filepath.Join(clone, "scripts/setup/go.mod"), "module tfrunner/scripts/setup\n")
	t.Chdir(filepath.Join(clone, "scripts/setup"))
	t.Setenv("GOCACHE", goCache)
	t.Setenv("XDG_CACHE_HOME", user)
	t.Setenv("LD_LIBRARY_PATH", "")
	return filepath.Join(clone, "third_party/tensorflow"), filepath.Join(user, "tfrunner")
}

// try runs the program.
func try(t *testing.T, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	var out, progress bytes.Buffer
	err = run(t.Context(), args, &out, &progress)
	if err != nil && strings.Contains(err.Error(), "\n") {
		t.Errorf("setup %v: an error of several lines: %v", args, err)
	}
	return out.String(), progress.String(), err
}

// must runs the program, which has to succeed.
func must(t *testing.T, args ...string) (stdout, stderr string) {
	t.Helper()
	stdout, stderr, err := try(t, args...)
	if err != nil {
		t.Fatalf("setup %v: %v\n%s", args, err, stderr)
	}
	return stdout, stderr
}

// fails runs the program, whose error has to hold the wanted parts, and returns the error's text.
func fails(t *testing.T, args []string, want ...string) string {
	t.Helper()
	_, stderr, err := try(t, args...)
	if err == nil {
		t.Fatalf("setup %v succeeded, want an error with %q\n%s", args, want, stderr)
	}
	for _, part := range want {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("setup %v: %v\nwant an error with %q", args, err, part)
		}
	}
	return err.Error()
}

// tree lists what is below the folders, with sizes and times.
func tree(t *testing.T, dirs ...string) (files []string) {
	t.Helper()
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := d.Info()
			files = append(files, fmt.Sprint(name, info.Mode(), info.Size(), info.ModTime()))
			return err
		})
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	return files
}

// wantNames fails unless the folder holds exactly these names.
func wantNames(t *testing.T, dir string, want ...string) {
	t.Helper()
	var got []string
	entries, err := os.ReadDir(dir)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s holds %q, want %q", dir, got, want)
	}
}

func write(t *testing.T, name, data string) {
	t.Helper()
	if err := writeFile(name, []byte(data)); err != nil {
		t.Fatal(err)
	}
}

func output(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v: %s", cmd.Args, err, stderr.String())
	}
	return strings.TrimSpace(string(out))
}

// realLibrary returns the folder of the libtensorflow that this clone uses.
func realLibrary(t *testing.T) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks("../../third_party/tensorflow/lib")
	if err != nil {
		t.Fatalf("%v: run `go run -C scripts/setup .` first", err)
	}
	return dir
}

// realMNIST returns the folder of the real digits.
func realMNIST(t *testing.T) string {
	t.Helper()
	c, err := openCache()
	if err != nil {
		t.Fatal(err)
	}
	dir := c.path(mnistEntry)
	if _, err := mnistFile(dir, "t10k-labels-idx1-ubyte"); err != nil {
		t.Fatalf("%v: run `go run -C scripts/setup .` first", err)
	}
	return dir
}

// smallLibrary compiles a libtensorflow of a version that has TF_Version and
// TF_Answer, and in the framework's library TSL_Answer. kind is "" for the
// names in a tarball, "_cc" for those in a wheel.
func smallLibrary(t *testing.T, version, kind string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	name := "libtensorflow" + kind + ".so.2"
	for _, lib := range []struct {
		source, name string
		flags        []string
	}{
		{"int TSL_Answer(void) { return 43; }", "libtensorflow_framework.so.2", nil},
		{`const char* TF_Version(void) { return "` + version + `"; }
			int TF_Answer(void) { return 42; }
			static int TF_Static(void) { return 0; }
			int TF_variable;
			int other(void) { return TF_Static(); }`, name, []string{"-Wl,--no-as-needed,-rpath,$ORIGIN", "-L" + dir, "-l:libtensorflow_framework.so.2"}},
	} {
		file := filepath.Join(dir, lib.name+".21.0")
		flags := append([]string{"-shared", "-fPIC", "-Wl,-soname," + lib.name}, lib.flags...)
		if err := compile(t.Context(), lib.source, file, flags...); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(filepath.Base(file), filepath.Join(dir, lib.name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(name, filepath.Join(dir, "libtensorflow.so")); err != nil {
		t.Fatal(err)
	}
	return dir
}

// makeTarball packs a folder as TensorFlow's tarballs are packed.
func makeTarball(t *testing.T, dir string) (file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "libtensorflow.tar.gz")
	output(t, exec.Command("tar", "-czf", file, "--transform", "flags=r;s,^\\.,./lib,", "-C", dir, "."))
	return file
}

// makeWheel packs the named files of a folder as TensorFlow's wheel is packed.
func makeWheel(t *testing.T, w wheel, dir string, names ...string) (file string) {
	t.Helper()
	project := strings.ReplaceAll(w.name, "-", "_")
	file = filepath.Join(t.TempDir(), strings.Join([]string{project, w.version, "cp312", "cp312", w.platform}, "-")+".whl")
	files := map[string][]byte{
		project + "-" + w.version + ".dist-info/METADATA": fmt.Appendf(nil, "Metadata-Version: 2.1\nName: %s\nVersion: %s\n", w.name, w.version),
		project + "-" + w.version + ".dist-info/WHEEL":    []byte("Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: cp312-cp312-" + w.platform + "\n"),
		"tensorflow/python/libtensorflow_elsewhere.so":    []byte("of no use"),
	}
	for _, name := range names {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		files["tensorflow/"+name] = data
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, data := range files {
		f, err := z.Create(name)
		if err == nil {
			_, err = f.Write(data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	write(t, file, b.String())
	return file
}

// toolbox makes PATH a folder that holds only the named programs.
func toolbox(t *testing.T, names ...string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for _, name := range names {
		file, err := exec.LookPath(name)
		if name == "python3" { // which may be a script that needs more programs
			file, err = output(t, exec.Command(name, "-c", "import sys; print(sys.executable)")), nil
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(file, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir)
	return dir
}

// process starts the program in the current folder.
func process(ctx context.Context, t *testing.T, args ...string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = append(os.Environ(), "SETUP_TEST_PROCESS=1")
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, &stderr
}

// differing returns what is in one of two lists of files, but for folders,
// whose times tell of the temporary ones.
func differing(before, after []string) (files []string) {
	for _, f := range slices.Concat(before, after) {
		if slices.Contains(before, f) != slices.Contains(after, f) && !strings.Contains(f, "drwx") {
			files = append(files, f)
		}
	}
	return files
}
