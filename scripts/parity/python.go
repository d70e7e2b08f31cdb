package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// The reference and the packages that it runs with.
const (
	tutorial     = "scripts/tutorial.py"
	requirements = "scripts/requirements.txt"
)

// venv returns the Python of a virtual environment that has the required
// packages. It is made once, in the user's cache.
func (p *parity) venv(ctx context.Context) (python string, err error) {
	required, err := os.ReadFile(requirements)
	if err != nil {
		return "", err
	}
	version, err := exec.CommandContext(ctx, "python3", "--version").Output()
	if err != nil {
		return "", fmt.Errorf("python3: %w; the reference needs Python 3.10 to 3.13 with venv", err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(append(required, version...))
	dir := filepath.Join(cache, "tfrunner", fmt.Sprintf("python-%x", sum[:4]))
	python = filepath.Join(dir, "bin", "python")
	if _, err := os.Stat(python); err == nil {
		return python, nil
	}
	p.progress("making a venv with TensorFlow for Python in %s", dir)
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return "", err
	}
	temp, err := os.MkdirTemp(filepath.Dir(dir), ".unfinished-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(temp)
	for _, args := range [][]string{
		{"python3", "-m", "venv", temp},
		{filepath.Join(temp, "bin", "python"), "-m", "pip", "--disable-pip-version-check", "install", "--quiet",
			"--require-hashes", "--only-binary=:all:", "--requirement", requirements},
	} {
		if out, err := exec.CommandContext(ctx, args[0], args[1:]...).CombinedOutput(); err != nil {
			return "", fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, lastLine(out))
		}
	}
	// Another run may have been quicker.
	if err := os.Rename(temp, dir); err != nil && !errors.Is(err, os.ErrExist) {
		return "", err
	}
	return python, nil
}

// reference returns the reference as a process.
func (p *parity) reference(ctx context.Context, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, p.python, append([]string{tutorial, "-data", p.dataDir}, args...)...)
}

// output runs a process and returns what it prints.
func output(cmd *exec.Cmd) ([]byte, error) {
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %s", strings.Join(cmd.Args, " "), err, lastLine(stderr.Bytes()))
	}
	return out, nil
}

func lastLine(b []byte) string {
	s := strings.TrimSpace(string(b))
	return s[strings.LastIndexByte(s, '\n')+1:]
}
