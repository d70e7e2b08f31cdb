package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

// linkFile is the one file that is added to the bindings: it says where the
// library lies, to the linker and to the program, so that nobody has to set
// LIBRARY_PATH or LD_LIBRARY_PATH. A program that is copied elsewhere also
// looks into the folder lib beside itself.
const linkFile = `package tensorflow

// #cgo LDFLAGS: -L${SRCDIR}/../../lib -Wl,-rpath,${SRCDIR}/../../lib
// #cgo linux LDFLAGS: -Wl,-rpath,$ORIGIN/lib
// #cgo darwin LDFLAGS: -Wl,-rpath,@loader_path/lib
import "C"
`

// assembleBindings writes to dir the module that TensorFlow's repository lacks:
// the unmodified packages tensorflow/go and tensorflow/go/op with their tests,
// the C headers that they include, the generated protobuf packages that they
// import, linkFile and a go.mod. src is the root of TensorFlow's repository.
func assembleBindings(ctx context.Context, src fs.FS, dir string) error {
	for _, from := range []string{"tensorflow/go", "tensorflow/go/op", "tensorflow/go/testdata", "LICENSE"} {
		if err := copyTree(src, from, dir, strings.HasSuffix(from, "testdata")); err != nil {
			return err
		}
	}
	if err := copyHeaders(src, dir, "tensorflow/c/c_api.h", "tensorflow/c/eager/c_api.h"); err != nil {
		return err
	}
	if err := generateProtos(ctx, src, dir); err != nil {
		return err
	}
	if err := writeFile(filepath.Join(dir, "tensorflow/go/link.go"), []byte(linkFile)); err != nil {
		return err
	}
	mod := "module " + tensorFlowModule.path + "\n\ngo 1.24.0\n\nrequire " + protobufModule + " " + moduleVersion(protobufModule) + "\n"
	return writeFile(filepath.Join(dir, "go.mod"), []byte(mod))
}

// copyTree copies from, a file or folder of src, to the same path below dir;
// of a folder it takes the Go files, or everything below it if deep.
func copyTree(src fs.FS, from, dir string, deep bool) error {
	return fs.WalkDir(src, from, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != from && !deep:
			return fs.SkipDir
		case d.IsDir(), name != from && !deep && path.Ext(name) != ".go":
			return nil
		}
		data, err := fs.ReadFile(src, name)
		if err != nil {
			return err
		}
		return writeFile(filepath.Join(dir, filepath.FromSlash(name)), data)
	})
}

// headerRoots are the folders of TensorFlow's repository in which its C
// headers look for each other.
var headerRoots = []string{".", "third_party/xla", "third_party/xla/third_party/tsl"}

var includeLine = regexp.MustCompile(`(?m)^#include "([^"]+)"`)

// copyHeaders copies the named headers, and all that they include, into one
// tree below dir, so that one -I finds them all.
func copyHeaders(src fs.FS, dir string, names ...string) error {
	seen := map[string]bool{}
	for len(names) > 0 {
		name := names[0]
		names = names[1:]
		if seen[name] {
			continue
		}
		seen[name] = true
		data, err := readFirst(src, headerRoots, name)
		if err != nil {
			return err
		}
		for _, m := range includeLine.FindAllSubmatch(data, -1) {
			names = append(names, string(m[1]))
		}
		if err := writeFile(filepath.Join(dir, filepath.FromSlash(name)), data); err != nil {
			return err
		}
	}
	return nil
}

// readFirst reads name from the first of roots that has it.
func readFirst(src fs.FS, roots []string, name string) ([]byte, error) {
	for _, root := range roots {
		if data, err := fs.ReadFile(src, path.Join(root, name)); err == nil {
			return data, nil
		}
	}
	return nil, fmt.Errorf("%s: %w in %s", name, fs.ErrNotExist, strings.Join(roots, ", "))
}

// writeFile writes a file and the folders above it.
func writeFile(name string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, data, 0o644)
}
