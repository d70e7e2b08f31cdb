// Package python runs Python scripts with TensorFlow for Python, which the Go
// side is held against, or with other packages. A virtual environment is made on
// first use, of packages that are pinned by hash, and kept in the user's cache.
package python

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

//go:embed requirements.txt
var requirements []byte

// An Environment is a virtual environment.
type Environment struct {
	Name         string // of what is in it, for people
	Requirements []byte // pip's requirements file, with the hashes of all packages
}

var tensorflow = Environment{"TensorFlow", requirements}

// Command returns a script as a process with TensorFlow. If the virtual
// environment is not there, it makes it first, and says so on progress.
func Command(ctx context.Context, progress io.Writer, script string, args ...string) (*exec.Cmd, error) {
	return tensorflow.Command(ctx, progress, script, args...)
}

// Command is the function Command for the environment.
func (e Environment) Command(ctx context.Context, progress io.Writer, script string, args ...string) (*exec.Cmd, error) {
	python, err := e.venv(ctx, progress)
	if err != nil {
		return nil, err
	}
	return exec.CommandContext(ctx, python, append([]string{script}, args...)...), nil
}

// Output runs a process and returns what it prints on stdout. Its error holds
// the last line that the process printed on stderr.
func Output(cmd *exec.Cmd) ([]byte, error) {
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %s", strings.Join(cmd.Args, " "), err, LastLine(stderr.Bytes()))
	}
	return out, nil
}

// Files returns a folder with what a script writes into the folder that its
// last argument names. It is made once for a script's content and arguments,
// in the user's cache.
func Files(ctx context.Context, progress io.Writer, script string, args ...string) (dir string, err error) {
	source, err := os.ReadFile(script)
	if err != nil {
		return "", err
	}
	key := key(source, requirements, []byte(strings.Join(args, "\x00")))
	return once(ctx, "files-"+key, func(dir string) error {
		fmt.Fprintf(progress, "python: running %s\n", script)
		cmd, err := Command(ctx, progress, script, append(args, dir)...)
		if err == nil {
			_, err = Output(cmd)
		}
		return err
	})
}

// venv returns the environment's Python.
func (e Environment) venv(ctx context.Context, progress io.Writer) (python string, err error) {
	version, err := exec.CommandContext(ctx, "python3", "--version").Output()
	if err != nil {
		return "", fmt.Errorf("python3: %w; %s for Python needs Python 3.10 to 3.13 with venv", err, e.Name)
	}
	dir, err := once(ctx, "python-"+key(e.Requirements, version), func(dir string) error {
		fmt.Fprintf(progress, "python: making a virtual environment with %s in %s\n", e.Name, filepath.Dir(dir))
		if _, err := Output(exec.CommandContext(ctx, "python3", "-m", "venv", dir)); err != nil {
			return err
		}
		install := exec.CommandContext(ctx, filepath.Join(dir, "bin", "python"), "-m", "pip", "--disable-pip-version-check", "install",
			"--quiet", "--require-hashes", "--only-binary=:all:", "--requirement", "/dev/stdin")
		install.Stdin = bytes.NewReader(e.Requirements)
		_, err := Output(install)
		return err
	})
	return filepath.Join(dir, "bin", "python"), err
}

// once returns the folder of a name in the user's cache. If it is not there,
// one process at a time has fill write a new folder, which then gets the name.
func once(ctx context.Context, name string, fill func(dir string) error) (dir string, err error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	cache = filepath.Join(cache, "tfrunner")
	dir = filepath.Join(cache, name)
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", err
	}
	lock := flock.New(dir + ".lock")
	if _, err := lock.TryLockContext(ctx, 200*time.Millisecond); err != nil {
		return "", fmt.Errorf("locking %s: %w", lock.Path(), err)
	}
	defer lock.Unlock()
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	temp := dir + ".unfinished" // the lock's owner's; a killed process may have left one
	if err := os.RemoveAll(temp); err != nil {
		return "", err
	}
	defer os.RemoveAll(temp)
	if err := os.Mkdir(temp, 0o755); err != nil {
		return "", err
	}
	if err := fill(temp); err != nil {
		return "", err
	}
	return dir, os.Rename(temp, dir)
}

// key returns a name for what the parts are.
func key(parts ...[]byte) string {
	h := sha256.New()
	for _, part := range parts {
		fmt.Fprintln(h, len(part))
		h.Write(part)
	}
	return fmt.Sprintf("%x", h.Sum(nil)[:4])
}

// LastLine returns the last line of what a process printed.
func LastLine(b []byte) string {
	s := strings.TrimSpace(string(b))
	return s[strings.LastIndexByte(s, '\n')+1:]
}
