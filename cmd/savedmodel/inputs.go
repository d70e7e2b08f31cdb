package main

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"

	tf "github.com/tensorflow/tensorflow/tensorflow/go"

	"tfrunner/graph/savedmodel/tensors"
)

// inputs are those of the command line, each still to be read.
type inputs []input

type input struct {
	key  string
	read func(want tf.TensorInfo) (*tf.Tensor, error)
}

// An array has the form of saved_model_cli: a key, a file and, in a .npz file,
// the array's name.
var array = regexp.MustCompile(`^([^=]+)=([^\[\]]+)(?:\[([^\[\]]+)\])?$`)

// files adds the inputs of x=file.npy;y=file.npz[key].
func (in *inputs) files(s string) error {
	for _, part := range split(s, ';') {
		match := array.FindStringSubmatch(part)
		if match == nil {
			return fmt.Errorf("want x=file.npy;y=file.npz[key], got %q", part)
		}
		*in = append(*in, input{match[1], func(tf.TensorInfo) (*tf.Tensor, error) {
			return tensors.ReadFile(match[2], match[3])
		}})
	}
	return nil
}

// expressions adds the inputs of x=[1, 2];y="a;b".
func (in *inputs) expressions(s string) error {
	for _, part := range split(s, ';') {
		key, expression, ok := strings.Cut(part, "=")
		if !ok || key == "" {
			return fmt.Errorf("want x=[1.0, 2.0];y=..., got %q", part)
		}
		*in = append(*in, input{key, func(want tf.TensorInfo) (*tf.Tensor, error) {
			return tensors.FromExpression(expression, want.DType, want.Shape)
		}})
	}
	return nil
}

// json adds the inputs of a file.
func (in *inputs) json(file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var values map[string]json.RawMessage
	if err := json.Unmarshal(data, &values); err != nil {
		return fmt.Errorf("%s: %w; want {\"x\": [1.0, 2.0], ...}", file, err)
	}
	for key, value := range values {
		*in = append(*in, input{key, func(want tf.TensorInfo) (*tf.Tensor, error) {
			return tensors.FromJSON(value, want.DType, want.Shape)
		}})
	}
	return nil
}

// tensors reads all inputs.
func (in inputs) tensors(info func(key string) (tf.TensorInfo, error)) (map[string]*tf.Tensor, error) {
	all := map[string]*tf.Tensor{}
	for _, i := range in {
		if all[i.key] != nil {
			return nil, fmt.Errorf("input %q is given twice", i.key)
		}
		want, err := info(i.key)
		if err != nil {
			return nil, err
		}
		if all[i.key], err = i.read(want); err != nil {
			return nil, fmt.Errorf("input %q: %w", i.key, err)
		}
	}
	return all, nil
}

// split splits a list of the command line at a separator, but not within the
// quotes of a Python string, and leaves out what is empty.
func split(s string, separator byte) (parts []string) {
	begin, quote := 0, byte(0)
	for i := 0; i <= len(s); i++ {
		switch {
		case i == len(s) || quote == 0 && s[i] == separator:
			if part := strings.TrimSpace(s[begin:i]); part != "" {
				parts = append(parts, part)
			}
			begin = i + 1
		case quote != 0 && s[i] == '\\':
			i++
		case s[i] == quote:
			quote = 0
		case quote == 0 && (s[i] == '"' || s[i] == '\''):
			quote = s[i]
		}
	}
	return parts
}
