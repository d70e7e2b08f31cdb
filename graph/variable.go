package graph

import (
	tf "github.com/tensorflow/tensorflow/tensorflow/go"
	"github.com/tensorflow/tensorflow/tensorflow/go/op"
)

// A Variable is a resource variable of the graph.
type Variable struct {
	Name    string        // of the resource, and in checkpoints
	Handle  tf.Output     // of VarHandleOp
	Initial tf.Output     // the initial value; Init assigns another one if this is fed
	Init    *tf.Operation // AssignVariableOp of Initial
	Value   tf.Output     // a ReadVariableOp, to fetch; Read adds others
}

// NewVariable adds a variable of initial's dtype and shape, which must be
// fully known, in a scope of its own.
func NewVariable(s *op.Scope, name string, initial tf.Output) Variable {
	v := Variable{Name: name, Initial: initial}
	if s.Err() != nil {
		return v
	}
	// Without a shared name, all variables would be one resource.
	v.Handle = op.VarHandleOp(s, initial.DataType(), initial.Shape(), op.VarHandleOpSharedName(name))
	v.Init = op.AssignVariableOp(s, v.Handle, initial)
	v.Value = op.ReadVariableOp(s, v.Handle, initial.DataType())
	return v
}

// NewConstant adds a constant in the place of a variable: it has a Value only.
func NewConstant(s *op.Scope, name string, value *tf.Tensor) Variable {
	return Variable{Name: name, Value: op.Const(s, value)}
}

// Read adds a read of the variable to the graph. As Python does, each use of a
// variable has its own; that of a constant is its Value.
func (v Variable) Read(s *op.Scope) tf.Output {
	if s.Err() != nil || v.Handle.Op == nil {
		return v.Value
	}
	return op.ReadVariableOp(s, v.Handle, v.Value.DataType())
}

// dim returns the size of a variable's dimension, 0 if the scope has an error.
func dim(v Variable, i int) int64 {
	if v.Value.Op == nil || v.Value.Shape().NumDimensions() <= i {
		return 0
	}
	return v.Value.Shape().Size(i)
}

// newSlot adds a variable NAME/SLOT of v's shape, every element x at first.
func newSlot(s *op.Scope, v Variable, slot string, x float32) Variable {
	name := v.Name + "/" + slot
	s = s.SubScope(name)
	return NewVariable(s, name, filled(s.SubScope("initial"), v, x))
}

// filled returns a float32 tensor of v's shape, every element x, built as
// Python's tf.ones and tf.zeros build it: a constant if small, else a Fill.
func filled(s *op.Scope, v Variable, x float32) tf.Output {
	if s.Err() != nil {
		return tf.Output{}
	}
	shape, err := v.Value.Shape().ToSlice()
	if err != nil {
		s.UpdateErr("Fill", err)
		return tf.Output{}
	}
	n := elements(v.Value.Shape())
	if n >= 1000 {
		return op.Fill(s, constShape(s.SubScope("shape"), shape), op.Const(s, x))
	}
	values := make([]float32, n)
	for i := range values {
		values[i] = x
	}
	return constTensor(s, values, shape)
}
