package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	tf "github.com/tensorflow/tensorflow/tensorflow/go"

	"tfrunner/graph/savedmodel/tensors"
	"tfrunner/train"
)

// outputs say where the results go.
type outputs struct {
	dir       string
	overwrite bool
	json      bool
}

func (o outputs) file(key string) string { return filepath.Join(o.dir, key+".npy") }

// check says if a file cannot be written, before the results are computed.
func (o outputs) check(keys []string) error {
	if o.dir == "" {
		return nil
	}
	for _, key := range keys {
		if !filepath.IsLocal(key + ".npy") {
			return fmt.Errorf("result %q would be written outside %s; leave -outdir out", key, o.dir)
		}
		if _, err := os.Lstat(o.file(key)); !o.overwrite && !errors.Is(err, fs.ErrNotExist) {
			if err != nil {
				return err
			}
			return fmt.Errorf("%s already exists; add -overwrite to overwrite it", o.file(key))
		}
	}
	return nil
}

// write prints the results and writes their files.
func (o outputs) write(keys []string, results map[string]*tf.Tensor, stdout, stderr io.Writer) error {
	values := map[string]json.RawMessage{}
	for _, key := range keys {
		t := results[key]
		if t == nil {
			continue // an op's
		}
		var err error
		if o.json {
			values[key], err = tensors.JSON(t)
		} else if _, err = fmt.Fprintf(stdout, "Result for output key %s: %s\n", key, tensors.Describe(t)); err == nil {
			err = tensors.Print(stdout, t)
		}
		if err != nil {
			return fmt.Errorf("result %s: %w", key, err)
		}
		if o.dir == "" {
			continue
		}
		if err := writeNPY(o.file(key), t); err != nil {
			return fmt.Errorf("result %s: %w", key, err)
		}
		fmt.Fprintf(stderr, "Output %s is saved to %s\n", key, o.file(key))
	}
	if o.json {
		return json.NewEncoder(stdout).Encode(values)
	}
	return nil
}

// writeNPY writes a .npy file.
func writeNPY(name string, t *tf.Tensor) error {
	var b bytes.Buffer
	if err := tensors.WriteNPY(&b, t); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return train.WriteFile(name, b.Bytes())
}
