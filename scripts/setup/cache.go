package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// A cache is the folder that a user's clones share. Its entries are folders
// that appear whole, by a rename, or not at all.
type cache struct{ dir string }

// openCache returns the user's cache, os.UserCacheDir()/tfrunner.
func openCache() (cache, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return cache{}, err
	}
	return cache{filepath.Join(dir, "tfrunner")}, nil
}

// path returns the path of the named entry.
func (c cache) path(name string) string { return filepath.Join(c.dir, name) }

// lock waits until no other set-up runs, saying so if it has to, and clears
// away what a killed one left. The system frees the lock of a process that dies.
func (c cache) lock(ctx context.Context, progress func(string, ...any)) (unlock func() error, err error) {
	if err := os.MkdirAll(c.dir, 0o755); err != nil {
		return nil, err
	}
	l := flock.New(c.path("lock"))
	ok, err := l.TryLock()
	if err == nil && !ok {
		progress("waiting for another set-up to finish")
		_, err = l.TryLockContext(ctx, 200*time.Millisecond)
	}
	if err != nil {
		return nil, fmt.Errorf("locking %s: %w", l.Path(), err)
	}
	return l.Unlock, removeUnfinished(c.dir)
}

// unfinished begins the names of what is being written.
const unfinished = ".unfinished-"

func removeUnfinished(dir string) error {
	stale, err := fs.Glob(os.DirFS(dir), unfinished+"*")
	for _, name := range stale {
		err = errors.Join(err, os.RemoveAll(filepath.Join(dir, name)))
	}
	return err
}

// replaceDir puts the folder that fill writes in the place of target. fill
// writes into a new folder beside target; if it fails, target stays as it was.
func replaceDir(target string, fill func(dir string) error) error {
	dir, err := os.MkdirTemp(filepath.Dir(target), unfinished)
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	if err := fill(dir); err != nil {
		return err
	}
	return replace(dir, target)
}

// replace renames from to target, in the place of what was there.
func replace(from, target string) error {
	old := filepath.Join(filepath.Dir(target), unfinished+"old-"+filepath.Base(target))
	if err := os.Rename(target, old); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Rename(from, target); err != nil {
		os.Rename(old, target)
		return err
	}
	return os.RemoveAll(old)
}
