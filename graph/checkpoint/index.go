package checkpoint

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/syndtr/goleveldb/leveldb/storage"
	"github.com/syndtr/goleveldb/leveldb/table"
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
	name := prefix + ".index"
	f, err := os.Open(name)
	if err != nil {
		return Index{}, fmt.Errorf("no checkpoint %s: %w", prefix, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return Index{}, err
	}
	broken := func(err error) (Index, error) {
		return Index{}, fmt.Errorf("%s is no checkpoint's index: %w", name, err)
	}
	r, err := table.NewReader(f, info.Size(), storage.FileDesc{}, nil, nil, nil)
	if err != nil {
		return broken(err)
	}
	defer r.Release()
	index := Index{Prefix: prefix}
	for entries := r.NewIterator(nil, nil); ; {
		if !entries.Next() {
			if err := entries.Error(); err != nil {
				return broken(err)
			}
			return index, nil
		}
		if len(entries.Key()) == 0 {
			continue // the BundleHeaderProto
		}
		var e bundlepb.BundleEntryProto
		if err := proto.Unmarshal(entries.Value(), &e); err != nil {
			return broken(err)
		}
		if e.GetShape() == nil {
			return broken(errors.New("an entry without a shape"))
		}
		dims := []int64{}
		for _, d := range e.GetShape().GetDim() {
			dims = append(dims, d.GetSize())
		}
		index.Entries = append(index.Entries, Entry{string(entries.Key()), tf.DataType(e.GetDtype()), tf.MakeShape(dims...)})
	}
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
