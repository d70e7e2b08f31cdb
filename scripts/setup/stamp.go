package main

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// sources are what the assembled module depends on, beside TensorFlow's.
//
//go:embed *.go go.mod go.sum
var sources embed.FS

// A stamp is left beside the assembled bindings.
type stamp struct {
	Key   string           // of the sources that assembled them
	Files map[string]int64 // names and sizes
}

const stampFile = ".assembled.json"

// bindingsKey changes with whatever the assembled module depends on.
func bindingsKey() (string, error) {
	h := sha256.New()
	err := fs.WalkDir(sources, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(name, "_test.go") {
			return err
		}
		data, err := sources.ReadFile(name)
		fmt.Fprintln(h, name, len(data))
		h.Write(data)
		return err
	})
	return hex.EncodeToString(h.Sum(nil)), err
}

func (s *setup) bindingsPresent() (string, error) {
	key, err := bindingsKey()
	if err != nil {
		return "", err
	}
	data, err := os.ReadFile(filepath.Join(s.dir, stampFile))
	if err != nil {
		return "", fmt.Errorf("not assembled in %s", s.dir)
	}
	var have stamp
	if err := json.Unmarshal(data, &have); err != nil || have.Key != key {
		return "", errors.New("assembled by another version of scripts/setup")
	}
	for name, size := range have.Files {
		if info, err := os.Stat(filepath.Join(s.dir, name)); err != nil || info.Size() != size {
			return "", fmt.Errorf("%s is missing or was changed", filepath.Join(s.dir, name))
		}
	}
	return tensorFlowVersion + " in " + s.dir, nil
}

func (s *setup) installBindings(ctx context.Context) error {
	module, err := s.download(ctx, tensorFlowModule, "119 MB")
	if err != nil {
		return fmt.Errorf("%w; the Go toolchain takes modules from files too: GOPROXY=file://DIR", err)
	}
	s.say("assembling them and generating their protobuf packages")
	key, err := bindingsKey()
	if err != nil {
		return err
	}
	made := stamp{Key: key, Files: map[string]int64{}}
	dir, err := os.MkdirTemp(s.dir, unfinished)
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := assembleBindings(ctx, os.DirFS(module), dir); err != nil {
		return err
	}
	err = fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		made.Files[name] = info.Size()
		return err
	})
	if err != nil {
		return err
	}
	data, err := json.Marshal(made)
	if err != nil {
		return err
	}
	// The stamp goes first and comes last; go.mod, by which the folder is known, comes first.
	stampPath := filepath.Join(s.dir, stampFile)
	if err := os.RemoveAll(stampPath); err != nil {
		return err
	}
	if err := os.Rename(filepath.Join(dir, "go.mod"), filepath.Join(s.dir, "go.mod")); err != nil {
		return err
	}
	tops, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, top := range tops {
		if err := replace(filepath.Join(dir, top.Name()), filepath.Join(s.dir, top.Name())); err != nil {
			return err
		}
	}
	return os.WriteFile(stampPath, data, 0o644)
}
