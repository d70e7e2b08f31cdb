package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestReplaceDir(t *testing.T) {
	dir := t.TempDir()
	target := filepath.Join(dir, "entry")
	fill := func(data string, err error) func(string) error {
		return func(dir string) error {
			return errors.Join(os.WriteFile(filepath.Join(dir, "file"), []byte(data), 0o644), err)
		}
	}
	failed := errors.New("failed")
	for _, test := range []struct {
		data string
		err  error
		want string
	}{
		{"half", failed, ""},
		{"first", nil, "first"},
		{"half", failed, "first"},
		{"second", nil, "second"},
	} {
		if err := replaceDir(target, fill(test.data, test.err)); !errors.Is(err, test.err) {
			t.Errorf("%s: %v, want %v", test.data, err, test.err)
		}
		if got, _ := os.ReadFile(filepath.Join(target, "file")); string(got) != test.want {
			t.Errorf("%s: the entry holds %q, want %q", test.data, got, test.want)
		}
		if test.want == "" {
			wantNames(t, dir)
		} else {
			wantNames(t, dir, "entry")
		}
	}
	// A new folder that cannot be put in place leaves the old one there.
	if err := replace(filepath.Join(dir, "nothing"), target); err == nil {
		t.Error("replace by nothing succeeded")
	}
	wantNames(t, target, "file")
}

// slowCompiler puts a gcc first in PATH that waits, before it makes a link
// stub, until the file go is there; it makes the file reached first.
func slowCompiler(t *testing.T) (reached, goOn string) {
	t.Helper()
	gcc, err := exec.LookPath("gcc")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	reached, goOn = filepath.Join(dir, "reached"), filepath.Join(dir, "go-on")
	script := "#!/bin/sh\ncase \"$*\" in *-shared*)\n: >" + reached + "\nwhile ! [ -e " + goOn + " ]; do sleep 0.02; done ;;\nesac\nexec " + gcc + " \"$@\"\n"
	if err := os.WriteFile(filepath.Join(dir, "gcc"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	return reached, goOn
}

// await waits until something is so.
func await(t *testing.T, what string, so func() bool) {
	t.Helper()
	for range 1000 {
		if so() {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("waited 20 s for %s", what)
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

// A set-up that is killed or interrupted while it makes an entry leaves the
// library of before in place, and the next one clears up.
func TestStopped(t *testing.T) {
	first, second := smallLibrary(t, "2.21.0", ""), makeTarball(t, smallLibrary(t, "2.21.1", ""))
	_, cache := fresh(t)
	dir := filepath.Join(t.TempDir(), "tensorflow")
	must(t, "-dir", dir, "-libtensorflow", first)
	before := tree(t, dir, cache)
	toolbox(t, "go", "gcc", "as", "ld", "sleep")
	reached, goOn := slowCompiler(t)
	for _, test := range []struct {
		signal syscall.Signal
		code   int // -1: ended by the signal
		stderr string
	}{
		{syscall.SIGKILL, -1, ""},
		{syscall.SIGINT, 130, "setup: interrupted; what was complete is kept\n"},
		{syscall.SIGTERM, 130, "setup: interrupted; what was complete is kept\n"},
	} {
		cmd, stderr := process(t.Context(), t, "-dir", dir, "-tarball", second)
		await(t, "the compiler", func() bool { return exists(reached) })
		if err := cmd.Process.Signal(test.signal); err != nil {
			t.Fatal(err)
		}
		cmd.Wait()
		if code := cmd.ProcessState.ExitCode(); code != test.code || !strings.HasSuffix(stderr.String(), test.stderr) {
			t.Errorf("%v: exit code %d and %q, want %d and %q", test.signal, code, stderr, test.code, test.stderr)
		}
		if err := os.Remove(reached); err != nil {
			t.Fatal(err)
		}
		after := differing(before, tree(t, dir, cache))
		if killed := test.signal == syscall.SIGKILL; killed != (after != nil) {
			t.Errorf("%v left %q", test.signal, after)
		}
		for _, file := range after {
			if !strings.HasPrefix(file, filepath.Join(cache, unfinished)) {
				t.Errorf("%v changed %s", test.signal, file)
			}
		}
		must(t, "-dir", dir, "-check")
	}

	// So does the end of a context, without a signal.
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		await(t, "the compiler", func() bool { return exists(reached) })
		cancel()
	}()
	var none strings.Builder
	if err := run(ctx, []string{"-dir", dir, "-tarball", second}, &none, &none); err == nil {
		t.Error("a set-up ended well though its context did not")
	}
	if after := differing(before, tree(t, dir, cache)); after != nil {
		t.Errorf("the end of the context left %q", after)
	}

	write(t, goOn, "")
	write(t, filepath.Join(dir, unfinished+"1", "go.mod"), "") // as left by a kill while the bindings are assembled
	must(t, "-dir", dir, "-tarball", second)
	wantNames(t, dir, ".assembled.json", "LICENSE", "go.mod", "lib", "tensorflow", "tsl", "xla")
	if stdout, _ := must(t, "-dir", dir, "-check"); !strings.Contains(stdout, "2.21.1 in ") {
		t.Errorf("the second library is not in place:\n%s", stdout)
	}
}

// Of two set-ups at once the second waits for the first.
func TestTwoAtOnce(t *testing.T) {
	tarball := makeTarball(t, smallLibrary(t, "2.21.0", ""))
	_, cache := fresh(t)
	one, two := filepath.Join(t.TempDir(), "tensorflow"), filepath.Join(t.TempDir(), "tensorflow")
	toolbox(t, "go", "gcc", "as", "ld", "sleep")
	reached, goOn := slowCompiler(t)
	defer write(t, goOn, "")
	first, _ := process(t.Context(), t, "-dir", one, "-tarball", tarball)
	await(t, "the compiler", func() bool { return exists(reached) })

	// A third one is interrupted while it waits.
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	var progress strings.Builder
	if err := run(ctx, []string{"-dir", two, "-tarball", tarball}, &progress, &progress); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("an interrupted wait: %v", err)
	}
	if want := "setup: waiting for another set-up to finish\n"; progress.String() != want {
		t.Errorf("while it waits it says %q, want %q", &progress, want)
	}

	second, stderr := process(t.Context(), t, "-dir", two, "-tarball", tarball)
	time.Sleep(300 * time.Millisecond)
	write(t, goOn, "")
	if err := first.Wait(); err != nil {
		t.Errorf("the first: %v", err)
	}
	if err := second.Wait(); err != nil {
		t.Errorf("the second: %v: %s", err, stderr)
	}
	if !strings.Contains(stderr.String(), "waiting for another") || strings.Contains(stderr.String(), "taking libtensorflow") {
		t.Errorf("the second did not wait, or did the first's work: %s", stderr)
	}
	entries, err := filepath.Glob(filepath.Join(cache, "*"))
	if err != nil || len(entries) != 2 { // the library and the lock
		t.Errorf("the cache holds %q, %v", entries, err)
	}
	must(t, "-dir", one, "-check")
	must(t, "-dir", two, "-check")
}
