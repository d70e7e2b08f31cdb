package main

import (
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// versionProgram prints the version of the libtensorflow that its argument names.
const versionProgram = `#include <dlfcn.h>
#include <stdio.h>
int main(int argc, char** argv) {
  void* lib = dlopen(argv[1], RTLD_LAZY);
  const char* (*version)(void) = lib ? (const char* (*)(void))dlsym(lib, "TF_Version") : 0;
  if (!version) { fprintf(stderr, "%s\n", dlerror()); return 1; }
  puts(version());
  return 0;
}
`

// libraryVersion asks a libtensorflow for its version.
func libraryVersion(ctx context.Context, file string) (string, error) {
	dir, err := os.MkdirTemp("", "tfrunner-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	program := filepath.Join(dir, "version")
	if err := compile(ctx, versionProgram, program, "-ldl"); err != nil {
		return "", err
	}
	var stderr strings.Builder
	cmd := exec.CommandContext(ctx, program, file)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("cannot be loaded: %s", firstOf(lastLine(stderr.String()), err.Error()))
	}
	return strings.TrimSpace(string(out)), nil
}

// makeLinkName gives the library in lib the name by which -ltensorflow finds
// it. For ELF that is a link stub: a tiny library of the same soname that
// defines the C API's functions as empty ones. Linking against the real one
// takes ten seconds for every binary; the program loads the real one all the same.
func makeLinkName(ctx context.Context, lib, name string) error {
	if runtime.GOOS != "linux" {
		return os.Symlink(name, filepath.Join(lib, linkName))
	}
	stub := filepath.Join(lib, linkName)
	if err := os.Remove(stub); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err // a tarball brings a link of this name
	}
	libraries, err := fs.Glob(os.DirFS(lib), "libtensorflow*.so.2")
	if err != nil {
		return err
	}
	defined := map[string]bool{}
	var source strings.Builder
	for _, file := range libraries {
		names, err := cFunctions(filepath.Join(lib, file))
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		for _, name := range names {
			if !defined[name] {
				fmt.Fprintf(&source, "void %s(void) {}\n", name)
			}
			defined[name] = true
		}
	}
	return compile(ctx, source.String(), stub, "-shared", "-fPIC", "-Wl,-soname,"+name)
}

// cFunctions returns the names of the C API's functions that a library defines.
func cFunctions(file string) ([]string, error) {
	f, err := elf.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	symbols, err := f.DynamicSymbols()
	if err != nil {
		return nil, err
	}
	var names []string
	for _, s := range symbols {
		c := strings.HasPrefix(s.Name, "TF_") || strings.HasPrefix(s.Name, "TFE_") || strings.HasPrefix(s.Name, "TSL_")
		if c && elf.ST_TYPE(s.Info) == elf.STT_FUNC && s.Section != elf.SHN_UNDEF {
			names = append(names, s.Name)
		}
	}
	return names, nil
}

// compile compiles C source with the compiler that cgo uses.
func compile(ctx context.Context, source, target string, flags ...string) error {
	cmd := cCompiler(ctx, append([]string{"-x", "c", "-w", "-o", target, "-"}, flags...)...)
	cmd.Stdin = strings.NewReader(source)
	out, err := cmd.CombinedOutput()
	if err == nil {
		return nil
	}
	err = fmt.Errorf("%s: %w", strings.Join(cmd.Args, " "), err)
	if first, _, _ := strings.Cut(string(out), "\n"); first != "" {
		err = fmt.Errorf("%w: %s", err, first)
	}
	return err
}

// cCompiler returns a run of the compiler that cgo uses.
func cCompiler(ctx context.Context, args ...string) *exec.Cmd {
	out, _ := exec.CommandContext(ctx, "go", "env", "CC").Output()
	cc := strings.Fields(firstOf(strings.TrimSpace(string(out)), "gcc")) // "ccache gcc", say
	return exec.CommandContext(ctx, cc[0], append(cc[1:], args...)...)
}
