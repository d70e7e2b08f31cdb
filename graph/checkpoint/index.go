package checkpoint

import (
	"fmt"
	"os"
	"slices"
	"strings"

	tf "github.com/tensorflow/tensorflow/tensorflow/go"
	bundlepb "github.com/tensorflow/tensorflow/tensorflow/go/core/protobuf/for_core_protos_go_proto"
	"google.golang.org/protobuf/proto"
)

// An Index lists what a checkpoint holds.
type Index struct {
	Prefix  string
	Entries []Entry // in the order of their names
}

// An Entry is a tensor in a checkpoint.
type Entry struct {
	Name     string
	DataType tf.DataType
	Shape    tf.Shape
}

// ReadIndex reads PREFIX.index, a table in the format of LevelDB from the
// tensors' names to BundleEntryProtos, after tensorflow/core/util/tensor_bundle.
func ReadIndex(prefix string) (Index, error) {
	index := Index{Prefix: prefix}
	name := prefix + ".index"
	data, err := os.ReadFile(name)
	if err != nil {
		return index, fmt.Errorf("no checkpoint %s: %w", prefix, err)
	}
	err = readTable(data, func(key, value []byte) error {
		if len(key) == 0 {
			return nil // the BundleHeaderProto
		}
		var e bundlepb.BundleEntryProto
		if err := proto.Unmarshal(value, &e); err != nil {
			return err
		}
		dims := []int64{}
		for _, d := range e.GetShape().GetDim() {
			dims = append(dims, d.GetSize())
		}
		index.Entries = append(index.Entries, Entry{string(key), tf.DataType(e.GetDtype()), tf.MakeShape(dims...)})
		return nil
	})
	if err != nil {
		return index, fmt.Errorf("%s is no checkpoint's index: %w", name, err)
	}
	return index, nil
}

// Find returns the entry of a name. The error of one that is not there lists
// those that are.
func (x Index) Find(name string) (Entry, error) {
	i := slices.IndexFunc(x.Entries, func(e Entry) bool { return e.Name == name })
	if i >= 0 {
		return x.Entries[i], nil
	}
	var there []string
	for _, e := range x.Entries {
		there = append(there, fmt.Sprint(e.Name, " ", e.Shape))
	}
	return Entry{}, fmt.Errorf("no %s in the checkpoint %s; it holds %s", name, x.Prefix, strings.Join(there, ", "))
}
