package python

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

func script(t *testing.T, source string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "script.py")
	if err := os.WriteFile(file, []byte(source), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestCommand(t *testing.T) {
	cmd, err := Command(context.Background(), os.Stderr, script(t, "import sys, tensorflow as tf\nprint(tf.__version__, sys.argv[1])"), "x")
	if err != nil {
		t.Fatal(err)
	}
	if out, err := Output(cmd); err != nil || string(out) != "2.21.0 x\n" {
		t.Errorf("printed %q, error %v", out, err)
	}
	cmd, err = Command(context.Background(), os.Stderr, script(t, "print('unfinished')\nraise SystemExit('why it ended')"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Output(cmd); err == nil || !strings.HasSuffix(err.Error(), "exit status 1: why it ended") {
		t.Errorf("error %v", err)
	}
}

// TestEnvironment wants packages of its own.
func TestEnvironment(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	six := requirements[bytes.Index(requirements, []byte("\nsix==")):bytes.Index(requirements, []byte("\ntensorboard=="))]
	var progress strings.Builder
	cmd, err := Environment{"six", six}.Command(context.Background(), &progress, script(t, "import six, importlib.util\nprint(six.PY3, importlib.util.find_spec('tensorflow'))"))
	if err != nil {
		t.Fatal(err)
	}
	if out, err := Output(cmd); err != nil || string(out) != "True None\n" || !strings.Contains(progress.String(), "with six in") {
		t.Errorf("printed %q, progress %q, error %v", out, &progress, err)
	}
}

func TestOnce(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	failed := errors.New("failed")
	if _, err := once(context.Background(), "x", func(string) error { return failed }); !errors.Is(err, failed) {
		t.Errorf("error %v", err)
	}
	var filled atomic.Int32
	var all sync.WaitGroup
	for range 4 {
		all.Add(1)
		go func() {
			defer all.Done()
			dir, err := once(context.Background(), "x", func(dir string) error {
				filled.Add(1)
				return os.WriteFile(filepath.Join(dir, "file"), []byte("whole"), 0o644)
			})
			if err != nil {
				t.Error(err)
			}
			if data, err := os.ReadFile(filepath.Join(dir, "file")); string(data) != "whole" {
				t.Errorf("%q, %v", data, err)
			}
		}()
	}
	all.Wait()
	if n := filled.Load(); n != 1 {
		t.Errorf("filled %d times", n)
	}
}

func TestFiles(t *testing.T) {
	source := script(t, "import os, sys\nopen(os.path.join(sys.argv[2], sys.argv[1]), 'w').write('made')")
	var dirs []string
	for _, arg := range []string{"a", "a", "b"} {
		dir, err := Files(context.Background(), io.Discard, source, arg)
		if err != nil {
			t.Fatal(err)
		}
		if data, err := os.ReadFile(filepath.Join(dir, arg)); string(data) != "made" {
			t.Errorf("%q, %v", data, err)
		}
		dirs = append(dirs, dir)
	}
	defer os.RemoveAll(dirs[0])
	defer os.RemoveAll(dirs[2])
	if dirs[0] != dirs[1] || dirs[0] == dirs[2] {
		t.Errorf("folders %v", dirs)
	}
}
