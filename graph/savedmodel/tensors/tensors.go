// Package tensors reads tensors from NumPy's files, from Python's expressions
// and from JSON, and writes and prints them.
package tensors

import (
	"bytes"
	"fmt"
	"strings"

	tf "github.com/tensorflow/tensorflow/tensorflow/go"
	tensorpb "github.com/tensorflow/tensorflow/tensorflow/go/core/framework/tensor_go_proto"
	typespb "github.com/tensorflow/tensorflow/tensorflow/go/core/framework/types_go_proto"
	configpb "github.com/tensorflow/tensorflow/tensorflow/go/core/protobuf/for_core_protos_go_proto"
	"github.com/tensorflow/tensorflow/tensorflow/go/op"
	"google.golang.org/protobuf/proto"
)

// A dtype is one whose elements have a fixed size.
type dtype struct {
	tf    tf.DataType
	numpy string // in a .npy file, after the byte order
	size  int    // bytes of an element
	// as has elements of the same size. The bindings cannot make a tensor of
	// tf from bytes or the bytes of one, but can of as.
	as tf.DataType
}

var dtypes = []dtype{
	{tf.Bool, "b1", 1, tf.Bool},
	{tf.Int8, "i1", 1, tf.Int8}, {tf.Int16, "i2", 2, tf.Int16}, {tf.Int32, "i4", 4, tf.Int32}, {tf.Int64, "i8", 8, tf.Int64},
	{tf.Uint8, "u1", 1, tf.Uint8}, {tf.Uint16, "u2", 2, tf.Uint16}, {tf.Uint32, "u4", 4, tf.Int32}, {tf.Uint64, "u8", 8, tf.Int64},
	{tf.Half, "f2", 2, tf.Uint16}, {tf.Float, "f4", 4, tf.Float}, {tf.Double, "f8", 8, tf.Double},
	{tf.Complex64, "c8", 8, tf.Complex64}, {tf.Complex128, "c16", 16, tf.Complex128},
	{tf.Bfloat16, "V2", 2, tf.Uint16}, // so numpy writes the bfloat16 of ml_dtypes
}

func find(t tf.DataType) (dtype, error) {
	for _, d := range dtypes {
		if d.tf == t {
			return d, nil
		}
	}
	return dtype{}, fmt.Errorf("tensors of %s have no form here", Name(t))
}

// Name returns a dtype's name as Python has it, such as float32.
func Name(t tf.DataType) string {
	switch t {
	case tf.Half:
		return "float16"
	case tf.Float:
		return "float32"
	case tf.Double:
		return "float64"
	}
	return strings.ToLower(strings.TrimPrefix(typespb.DataType(t).String(), "DT_"))
}

// ShapeString returns a shape as Python has it, with -1 for a dimension of
// unknown size.
func ShapeString(shape tf.Shape) string {
	dims, err := shape.ToSlice()
	if err != nil {
		return "of any rank"
	}
	return dimsString(dims)
}

func dimsString(dims []int64) string {
	return "(" + strings.Trim(strings.ReplaceAll(fmt.Sprint(dims), " ", ", "), "[]") + ")"
}

// Describe returns a tensor's dtype and shape, such as float32 (2, 3).
func Describe(t *tf.Tensor) string {
	return Name(t.DataType()) + " " + dimsString(t.Shape())
}

// FromProto returns the tensor of a TensorProto.
func FromProto(p *tensorpb.TensorProto) (*tf.Tensor, error) {
	data, err := proto.Marshal(p)
	if err != nil {
		return nil, err
	}
	t, err := tf.NewTensor(string(data))
	if err != nil {
		return nil, err
	}
	return apply(t, func(s *op.Scope, x tf.Output) tf.Output { return op.ParseTensor(s, x, tf.DataType(p.GetDtype())) })
}

// fromBytes returns a tensor of elements as they lie in memory.
func fromBytes(d dtype, shape []int64, data []byte) (*tf.Tensor, error) {
	t, err := tf.ReadTensor(d.as, shape, bytes.NewReader(data))
	if err != nil || d.as == d.tf {
		return t, err
	}
	return apply(t, func(s *op.Scope, x tf.Output) tf.Output { return op.Bitcast(s, x, d.tf) })
}

// content returns a tensor's elements as they lie in memory. It has no form for
// strings.
func content(t *tf.Tensor) ([]byte, error) {
	d, err := find(t.DataType())
	if err != nil {
		return nil, err
	}
	if d.as != d.tf {
		if t, err = apply(t, func(s *op.Scope, x tf.Output) tf.Output { return op.Bitcast(s, x, d.as) }); err != nil {
			return nil, err
		}
	}
	var b bytes.Buffer
	_, err = t.WriteContentsTo(&b)
	return b.Bytes(), err
}

// fromStrings returns a tensor of strings.
func fromStrings(shape []int64, values []string) (*tf.Tensor, error) {
	t, err := tf.NewTensor(values)
	if err != nil {
		return nil, err
	}
	return reshape(t, shape)
}

// texts returns the elements of a tensor of strings.
func texts(t *tf.Tensor) ([]string, error) {
	t, err := reshape(t, []int64{-1})
	if err != nil {
		return nil, err
	}
	values, ok := t.Value().([]string)
	if !ok {
		return nil, fmt.Errorf("%s is no tensor of strings", Describe(t))
	}
	return values, nil
}

// reshape is TensorFlow's. The method of tf.Tensor knows neither strings nor
// scalars.
func reshape(t *tf.Tensor, shape []int64) (*tf.Tensor, error) {
	dims, err := tf.ReadTensor(tf.Int64, []int64{int64(len(shape))}, bytes.NewReader(int64Bytes(shape)))
	if err != nil {
		return nil, err
	}
	return apply(t, func(s *op.Scope, x tf.Output) tf.Output { return op.Reshape(s, x, op.Const(s, dims)) })
}

// apply runs a graph of a tensor on the CPU.
func apply(t *tf.Tensor, f func(s *op.Scope, x tf.Output) tf.Output) (*tf.Tensor, error) {
	s := op.NewScope()
	x := op.Placeholder(s, t.DataType())
	y := f(s.SubScope("f"), x)
	graph, err := s.Finalize()
	if err != nil {
		return nil, err
	}
	config, err := proto.Marshal(&configpb.ConfigProto{DeviceCount: map[string]int32{"GPU": 0}})
	if err != nil {
		return nil, err
	}
	session, err := tf.NewSession(graph, &tf.SessionOptions{Config: config})
	if err != nil {
		return nil, err
	}
	defer session.Close()
	out, err := session.Run(map[tf.Output]*tf.Tensor{x: t}, []tf.Output{y}, nil)
	if err != nil {
		return nil, err
	}
	return out[0], nil
}
