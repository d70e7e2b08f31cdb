package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// A hashError says that something is not what pins.go names.
type hashError struct{ what, want, got string }

func (e *hashError) Error() string {
	return fmt.Sprintf("%s: wrong hash: want %s, got %s", e.what, e.want, e.got)
}

// checkFile returns a hashError unless the file has the SHA-256 want.
func checkFile(name, want string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	return checkReader(name, f, want)
}

// checkReader is checkFile for what is read from r.
func checkReader(what string, r io.Reader, want string) error {
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != want {
		return &hashError{what, want, got}
	}
	return nil
}

// downloadModule has the Go toolchain fetch a module into its own cache and
// returns the module's folder there.
func downloadModule(ctx context.Context, m goModule) (dir string, err error) {
	cmd := exec.CommandContext(ctx, "go", "mod", "download", "-json", m.String())
	cmd.Dir = os.TempDir() // in no module, so that nobody's go.mod matters
	cmd.Env = append(os.Environ(), "GO111MODULE=on", "GOFLAGS=", "GOWORK=off")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, runErr := cmd.Output()
	var got struct{ Dir, Sum, Error string }
	if err := json.Unmarshal(out, &got); err != nil || got.Error != "" || runErr != nil {
		return "", fmt.Errorf("go mod download %s: %s", m, firstOf(strings.Join(strings.Fields(got.Error), " "), lastLine(stderr.String()), fmt.Sprint(runErr)))
	}
	if got.Sum != m.h1 {
		return "", &hashError{m.String(), m.h1, got.Sum}
	}
	return got.Dir, nil
}

// downloadWheel has pip fetch a wheel into dir and returns its file.
func downloadWheel(ctx context.Context, w wheel, dir string, progress io.Writer) (file string, err error) {
	cmd := exec.CommandContext(ctx, "python3", "-m", "pip", "--disable-pip-version-check", "download",
		"--no-deps", "--only-binary=:all:", "--python-version", "3.12", "--implementation", "cp",
		"--platform", w.platform, "--dest", dir, w.String())
	var stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = progress, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("pip download %s: %s", w, firstOf(lastLine(stderr.String()), err.Error()))
	}
	prefix := strings.ReplaceAll(w.name, "-", "_") + "-" + w.version + "-"
	files, err := fs.Glob(os.DirFS(dir), prefix+"*.whl")
	if err != nil || len(files) != 1 {
		return "", fmt.Errorf("pip download %s: left %d files named %s*.whl, want 1", w, len(files), prefix)
	}
	file = filepath.Join(dir, files[0])
	return file, checkFile(file, w.sha256)
}

// lastLine returns the last line of s that says something.
func lastLine(s string) string {
	s = strings.TrimSpace(s)
	return s[strings.LastIndexByte(s, '\n')+1:]
}

// firstOf returns the first string that is not empty.
func firstOf(s ...string) string {
	for _, s := range s {
		if s != "" {
			return s
		}
	}
	return ""
}
