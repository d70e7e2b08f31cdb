package main

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
)

// linkInstalled fills lib with links to the libraries in the folder from. The
// CUDA build, installed by pip, looks for NVIDIA's in the folder nvidia beside.
func linkInstalled(from, lib string) error {
	name, err := findMain(from)
	if err != nil {
		return err
	}
	for _, name := range []string{name, strings.NewReplacer("_cc", "_framework", "tensorflow.", "tensorflow_framework.").Replace(name)} {
		if err := os.Symlink(filepath.Join(from, name), filepath.Join(lib, name)); err != nil {
			return err
		}
	}
	nvidia := filepath.Join(filepath.Dir(from), "nvidia")
	if _, err := os.Stat(nvidia); err != nil {
		return nil
	}
	return os.Symlink(nvidia, filepath.Join(filepath.Dir(lib), "nvidia"))
}

// installedDirs are the folders that the dynamic linker would take a
// libtensorflow from.
func installedDirs(ctx context.Context) []string {
	dirs := append(filepath.SplitList(os.Getenv("LD_LIBRARY_PATH")), "/usr/local/lib")
	out, _ := exec.CommandContext(ctx, "/sbin/ldconfig", "-p").Output() // absent on macOS
	for line := range strings.Lines(string(out)) {
		if _, file, ok := strings.Cut(strings.TrimSpace(line), " => "); ok && strings.Contains(file, "/libtensorflow") {
			dirs = append(dirs, filepath.Dir(file))
		}
	}
	var found []string
	for _, dir := range dirs {
		if _, err := findMain(dir); err == nil && filepath.IsAbs(dir) {
			found = append(found, dir)
		}
	}
	return found
}

// extractWheel takes out of a wheel the files that keep gives a path for.
func extractWheel(ctx context.Context, file string, keep func(name string) (target string, ok bool)) error {
	z, err := zip.OpenReader(file)
	if err != nil {
		return fmt.Errorf("%s is no wheel: %w", file, err)
	}
	defer z.Close()
	for _, f := range z.File {
		target, ok := keep(f.Name)
		if !ok || f.FileInfo().IsDir() || !filepath.IsLocal(f.Name) {
			continue
		}
		r, err := f.Open()
		if err != nil {
			return fmt.Errorf("%s: %s: %w", file, f.Name, err)
		}
		err = copyFile(ctx, target, r, f.Mode()|0o644)
		r.Close()
		if err != nil {
			return fmt.Errorf("%s: %s: %w", file, f.Name, err)
		}
	}
	return nil
}

// extractTensorFlow takes the shared objects out of TensorFlow's wheel.
func extractTensorFlow(ctx context.Context, file, lib string) error {
	return extractWheel(ctx, file, func(name string) (string, bool) {
		dir, base := path.Split(name)
		return filepath.Join(lib, base), dir == "tensorflow/" && strings.HasPrefix(base, "libtensorflow")
	})
}

// extractCUDA lays a wheel of NVIDIA's out below dir as site-packages would,
// without what only compilers need.
func extractCUDA(ctx context.Context, file, dir string) error {
	return extractWheel(ctx, file, func(name string) (string, bool) {
		return filepath.Join(dir, filepath.FromSlash(name)), strings.HasPrefix(name, "nvidia/") && !strings.Contains(name, "/include/")
	})
}

// extractTarball takes the shared objects out of a libtensorflow tarball.
func extractTarball(ctx context.Context, file, lib string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return fmt.Errorf("%s is no .tar.gz: %w", file, err)
	}
	for t := tar.NewReader(z); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			_, err = io.Copy(io.Discard, z) // as far as gzip's checksum
			if err == nil {
				return nil
			}
		}
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		name := path.Base(h.Name)
		switch {
		case !strings.HasPrefix(name, "libtensorflow"):
		case h.Typeflag == tar.TypeReg:
			err = copyFile(ctx, filepath.Join(lib, name), t, 0o755)
		case h.Typeflag == tar.TypeSymlink && path.Base(h.Linkname) == h.Linkname:
			err = os.Symlink(h.Linkname, filepath.Join(lib, name))
		}
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
}

// copyFile writes a new file, until ctx ends.
func copyFile(ctx context.Context, name string, r io.Reader, mode fs.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, readerFunc(func(p []byte) (int, error) {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		return r.Read(p)
	}))
	return errors.Join(err, f.Close())
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
