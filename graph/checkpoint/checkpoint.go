// Package checkpoint reads and writes TensorFlow's checkpoints, the files
// PREFIX.index and PREFIX.data-00000-of-00001 of tf.compat.v1.train.Saver, with
// TensorFlow's own ops SaveV2 and RestoreV2.
package checkpoint

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	tf "github.com/tensorflow/tensorflow/tensorflow/go"
	"github.com/tensorflow/tensorflow/tensorflow/go/op"
)

// A Value is a tensor in a checkpoint.
type Value struct {
	Name   string
	Tensor *tf.Tensor
}

// Write writes a checkpoint. What its files are called already must not exist:
// TensorFlow replaces the two one after the other, so that a crash between
// them would leave neither the old checkpoint nor the new one. The files are
// on the disk when it returns; after an error there are none.
func Write(prefix string, values []Value) (err error) {
	there, err := Files(prefix)
	if err == nil && there != nil {
		err = fmt.Errorf("%s: %w", strings.Join(there, ", "), os.ErrExist)
	}
	if err != nil {
		return fmt.Errorf("writing the checkpoint %s: %w", prefix, err)
	}
	defer func() {
		if err != nil {
			removeAll(prefix)
		}
	}()
	s := op.NewScope()
	file := op.Placeholder(s.SubScope("prefix"), tf.String, op.PlaceholderShape(tf.ScalarShape()))
	var names, slices []string
	var tensors []tf.Output
	feeds := map[tf.Output]*tf.Tensor{}
	for i, v := range values {
		x := op.Placeholder(s.SubScope(fmt.Sprint("tensor", i)), v.Tensor.DataType())
		names, slices, tensors = append(names, v.Name), append(slices, ""), append(tensors, x)
		feeds[x] = v.Tensor
	}
	save := op.SaveV2(s, file, op.Const(s.SubScope("names"), names), op.Const(s.SubScope("slices"), slices), tensors)
	if feeds[file], err = tf.NewTensor(prefix); err != nil {
		return err
	}
	if _, err := run(s, feeds, nil, []*tf.Operation{save}); err != nil {
		return fmt.Errorf("writing the checkpoint %s: %s", prefix, oneLine(err))
	}
	return sync(prefix)
}

// Read returns the values of tensors in a checkpoint.
func Read(prefix string, names ...string) ([]*tf.Tensor, error) {
	index, err := ReadIndex(prefix)
	if err != nil {
		return nil, err
	}
	var types []tf.DataType
	for _, name := range names {
		entry, err := index.Find(name)
		if err != nil {
			return nil, err
		}
		types = append(types, entry.DataType)
	}
	s := op.NewScope()
	read := op.RestoreV2(s, op.Const(s.SubScope("prefix"), prefix), op.Const(s.SubScope("names"), names),
		op.Const(s.SubScope("slices"), make([]string, len(names))), types)
	tensors, err := run(s, nil, read, nil)
	if err != nil {
		return nil, fmt.Errorf("reading the checkpoint %s: %s", prefix, oneLine(err))
	}
	return tensors, nil
}

// run runs a graph once, on the CPU.
func run(s *op.Scope, feeds map[tf.Output]*tf.Tensor, fetches []tf.Output, targets []*tf.Operation) ([]*tf.Tensor, error) {
	g, err := s.Finalize()
	if err != nil {
		return nil, err
	}
	session, err := tf.NewSession(g, nil)
	if err != nil {
		return nil, err
	}
	defer session.Close()
	return session.Run(feeds, fetches, targets)
}

// oneLine cuts off where in the graph TensorFlow met an error.
func oneLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	line, _, _ = strings.Cut(line, " [[{{node")
	return strings.TrimSpace(line)
}

// Files returns the files of a checkpoint, also of an unfinished one.
func Files(prefix string) ([]string, error) {
	dir, base := filepath.Split(prefix)
	entries, err := os.ReadDir(filepath.Clean(dir))
	if err != nil {
		return nil, err
	}
	var files []string
	for _, e := range entries {
		if rest, ok := strings.CutPrefix(e.Name(), base+"."); ok && (strings.HasPrefix(rest, "index") || strings.HasPrefix(rest, "data-")) {
			files = append(files, filepath.Join(dir, e.Name()))
		}
	}
	return files, nil
}

// sync waits until a checkpoint is on the disk.
func sync(prefix string) error {
	files, err := Files(prefix)
	for _, file := range append(files, filepath.Dir(prefix)) {
		if err != nil {
			return err
		}
		var f *os.File
		if f, err = os.Open(file); err == nil {
			err = f.Sync()
			f.Close()
		}
	}
	return err
}

// removeAll removes a checkpoint that was not finished.
func removeAll(prefix string) {
	files, _ := Files(prefix)
	for _, file := range files {
		os.Remove(file)
	}
}
