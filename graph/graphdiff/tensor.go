package graphdiff

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	tensorpb "github.com/tensorflow/tensorflow/tensorflow/go/core/framework/tensor_go_proto"
	typespb "github.com/tensorflow/tensorflow/tensorflow/go/core/framework/types_go_proto"
	"google.golang.org/protobuf/proto"
)

// elementSize are the bytes of an element, of the dtypes whose elements have
// a fixed size.
var elementSize = map[typespb.DataType]int{
	typespb.DataType_DT_BOOL: 1, typespb.DataType_DT_INT8: 1, typespb.DataType_DT_UINT8: 1,
	typespb.DataType_DT_HALF: 2, typespb.DataType_DT_BFLOAT16: 2, typespb.DataType_DT_INT16: 2, typespb.DataType_DT_UINT16: 2,
	typespb.DataType_DT_FLOAT: 4, typespb.DataType_DT_INT32: 4, typespb.DataType_DT_UINT32: 4,
	typespb.DataType_DT_DOUBLE: 8, typespb.DataType_DT_INT64: 8, typespb.DataType_DT_UINT64: 8,
}

// tensorString returns a string that is equal for equal tensors, however their
// elements are stored.
func tensorString(t *tensorpb.TensorProto) string {
	if elementSize[t.GetDtype()] == 0 {
		wire, err := proto.MarshalOptions{Deterministic: true}.Marshal(t)
		if err != nil {
			return err.Error()
		}
		return string(wire)
	}
	head := fmt.Sprint(t.GetDtype())
	for _, d := range t.GetTensorShape().GetDim() {
		head += fmt.Sprint(" ", d.GetSize())
	}
	return head + ":" + string(bytes.Join(elements(t), nil))
}

// elements returns a tensor's elements as they lie in memory. The last one
// stands for all that follow: a TensorProto may store elements so, as bytes or
// as a list of numbers, none of which stand for zeros.
func elements(t *tensorpb.TensorProto) [][]byte {
	size := elementSize[t.GetDtype()]
	all := slices.Collect(slices.Chunk(t.GetTensorContent(), size))
	add := func(bits uint64) {
		all = append(all, binary.LittleEndian.AppendUint64(nil, bits)[:size])
	}
	for _, x := range t.GetFloatVal() {
		add(uint64(math.Float32bits(x)))
	}
	for _, x := range t.GetDoubleVal() {
		add(math.Float64bits(x))
	}
	for _, x := range slices.Concat(t.GetIntVal(), t.GetHalfVal()) {
		add(uint64(x))
	}
	for _, x := range t.GetInt64Val() {
		add(uint64(x))
	}
	for _, x := range t.GetUint32Val() {
		add(uint64(x))
	}
	for _, x := range t.GetUint64Val() {
		add(x)
	}
	for _, x := range t.GetBoolVal() {
		if x {
			add(1)
		} else {
			add(0)
		}
	}
	if len(all) == 0 {
		add(0)
	}
	n := len(all)
	for n > 1 && bytes.Equal(all[n-1], all[n-2]) {
		n--
	}
	return all[:n]
}

// intValues returns the elements of an int32 or int64 tensor of at most one
// dimension.
func intValues(t *tensorpb.TensorProto) (values []int64, ok bool) {
	n := int64(1)
	switch shape := t.GetTensorShape().GetDim(); {
	case len(shape) == 1:
		n = shape[0].GetSize()
	case len(shape) > 1:
		return nil, false
	}
	const most = 1 << 10 // the rank of no tensor
	if n > most || t.GetDtype() != typespb.DataType_DT_INT32 && t.GetDtype() != typespb.DataType_DT_INT64 {
		return nil, false
	}
	all := elements(t)
	for i := range n {
		element := all[min(int(i), len(all)-1)]
		if len(element) == 4 {
			values = append(values, int64(int32(binary.LittleEndian.Uint32(element))))
		} else {
			values = append(values, int64(binary.LittleEndian.Uint64(element)))
		}
	}
	return values, true
}
