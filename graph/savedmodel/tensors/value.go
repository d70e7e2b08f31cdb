package tensors

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	tf "github.com/tensorflow/tensorflow/tensorflow/go"
)

// FromExpression returns the tensor of a Python expression, such as
// [[1.0, 2.0]], [[0.0]*784], b"bytes" or [i*i for i in range(3)], in the dtype
// wanted. In an empty list, the shape wanted fills in the sizes that the list
// cannot say.
func FromExpression(expression string, dtype tf.DataType, shape tf.Shape) (*tf.Tensor, error) {
	value, err := eval(expression)
	if err != nil {
		return nil, err
	}
	return fromValue(value, dtype, shape)
}

// FromJSON returns the tensor of nested lists of numbers, strings and bools in
// the dtype wanted. {"b64": "..."} is a string's bytes in base64; "NaN",
// "Infinity" and "-Infinity" are floats. In an empty list, the shape wanted
// fills in the sizes that the list cannot say.
func FromJSON(raw json.RawMessage, dtype tf.DataType, shape tf.Shape) (*tf.Tensor, error) {
	decoder := json.NewDecoder(strings.NewReader(string(raw)))
	decoder.UseNumber() // an int64 does not fit a float64
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, errors.New("more than one value")
	}
	return fromValue(value, dtype, shape)
}

// fromValue returns the tensor of nested lists.
func fromValue(value any, t tf.DataType, shape tf.Shape) (*tf.Tensor, error) {
	b := builder{want: Name(t)}
	var d dtype
	if t == tf.String {
		b.add = b.addString
	} else {
		var err error
		if d, err = find(t); err != nil {
			return nil, err
		}
		b.size = d.size
		switch d.numpy[0] {
		case 'b':
			b.add = b.addBool
		case 'i':
			b.add = b.addInt
		case 'u':
			b.add = b.addUint
		case 'c':
			return nil, fmt.Errorf("no list says a %s: give a .npy file", b.want)
		default:
			b.add = b.addFloat
		}
	}
	for v := value; ; {
		list, ok := v.([]any)
		if !ok {
			break
		}
		if len(b.shape) == maxRank {
			return nil, fmt.Errorf("more than %d lists in each other", maxRank)
		}
		b.shape = append(b.shape, int64(len(list)))
		if len(list) == 0 {
			for i := len(b.shape); i < shape.NumDimensions(); i++ {
				b.shape = append(b.shape, max(0, shape.Size(i)))
			}
			break
		}
		v = list[0]
	}
	if err := b.walk(value, nil); err != nil {
		return nil, err
	}
	if t == tf.String {
		return fromStrings(b.shape, b.strings)
	}
	return fromBytes(d, b.shape, b.data)
}

// A builder collects a tensor's elements.
type builder struct {
	want    string // the dtype's name
	size    int    // bytes of an element
	shape   []int64
	data    []byte
	strings []string
	add     func(value any) error
}

// walk adds the values of a list, which lies at the indices path.
func (b *builder) walk(value any, path []int) error {
	at := ""
	if len(path) > 0 {
		at = fmt.Sprintf("at %v: ", path)
	}
	list, isList := value.([]any)
	switch rank := len(b.shape); {
	case isList && len(path) == rank:
		return fmt.Errorf("%sa list of %d, want one value, as before it", at, len(list))
	case isList && int64(len(list)) != b.shape[len(path)]:
		return fmt.Errorf("%sa list of %d, want %d values, as before it", at, len(list), b.shape[len(path)])
	case !isList && len(path) < rank:
		return fmt.Errorf("%s%s, want a list of %d values, as before it", at, say(value), b.shape[len(path)])
	case !isList:
		if err := b.add(value); err != nil {
			return fmt.Errorf("%s%w", at, err)
		}
	}
	for i, element := range list {
		if err := b.walk(element, append(path, i)); err != nil {
			return err
		}
	}
	return nil
}

// say describes a value for an error.
func say(value any) string {
	switch v := value.(type) {
	case nil:
		return "null"
	case number, json.Number, bool:
		return fmt.Sprintf("%.40v", v)
	case float64:
		return fmt.Sprintf("the float %v", v)
	case string, []byte:
		return fmt.Sprintf("the string %.40q", v)
	}
	return "an object"
}

func (b *builder) wrong(value any) error {
	return fmt.Errorf("%s, want %s", say(value), b.want)
}

func (b *builder) overflow(value any) error {
	return fmt.Errorf("%s overflows %s", say(value), b.want)
}

func (b *builder) addString(value any) error {
	switch v := value.(type) {
	case string:
		b.strings = append(b.strings, v)
		return nil
	case []byte:
		b.strings = append(b.strings, string(v))
		return nil
	case map[string]any:
		if text, ok := v["b64"].(string); ok && len(v) == 1 {
			data, err := base64.StdEncoding.DecodeString(text)
			b.strings = append(b.strings, string(data))
			return err
		}
	}
	return b.wrong(value)
}

func (b *builder) addBool(value any) error {
	v, ok := value.(bool)
	if !ok {
		return b.wrong(value)
	}
	element := byte(0)
	if v {
		element = 1
	}
	b.data = append(b.data, element)
	return nil
}

// text returns a number in decimal.
func text(value any) (s string, ok bool) {
	switch v := value.(type) {
	case number:
		return string(v), true
	case json.Number:
		return string(v), true
	}
	return "", false
}

func (b *builder) addInt(value any) error {
	s, ok := text(value)
	if !ok {
		return b.wrong(value)
	}
	v, err := strconv.ParseInt(s, 10, 8*b.size)
	if errors.Is(err, strconv.ErrRange) {
		return b.overflow(value)
	}
	if err != nil {
		return b.wrong(value)
	}
	b.addBits(uint64(v))
	return nil
}

func (b *builder) addUint(value any) error {
	s, ok := text(value)
	if !ok {
		return b.wrong(value)
	}
	v, err := strconv.ParseUint(s, 10, 8*b.size)
	if errors.Is(err, strconv.ErrRange) || strings.HasPrefix(s, "-") {
		return b.overflow(value)
	}
	if err != nil {
		return b.wrong(value)
	}
	b.addBits(v)
	return nil
}

var notFinite = []string{"NaN", "Infinity", "-Infinity"}

// addFloat rounds to the nearest float, to the even one of two.
func (b *builder) addFloat(value any) error {
	v, ok := value.(float64)
	if s, isText := text(value); isText {
		var err error
		if v, err = strconv.ParseFloat(s, 64); err != nil {
			return b.overflow(value)
		}
		ok = true
	} else if s, isString := value.(string); isString && slices.Contains(notFinite, s) {
		v, _ = strconv.ParseFloat(s, 64) // it knows these
		ok = true
	}
	if !ok {
		return b.wrong(value)
	}
	var element uint64
	finite := true
	switch {
	case b.want == "float64":
		element = math.Float64bits(v)
	case b.want == "float32":
		element = uint64(math.Float32bits(float32(v)))
		finite = !math.IsInf(float64(float32(v)), 0)
	case b.want == "float16":
		element, finite = float16(v, 10, 15)
	default:
		element, finite = float16(v, 7, 127)
	}
	if !finite && !math.IsInf(v, 0) {
		return b.overflow(value)
	}
	b.addBits(element)
	return nil
}

// addBits adds the low bytes of an element.
func (b *builder) addBits(element uint64) {
	b.data = append(b.data, binary.LittleEndian.AppendUint64(nil, element)[:b.size]...)
}

// float16 rounds to a float of 16 bits, of which mantissa are the fraction's,
// and says whether it is finite.
func float16(v float64, mantissa, bias int) (bits uint64, finite bool) {
	infinity := uint64(2*bias+1) << mantissa
	if math.Signbit(v) {
		bits = 1 << 15
	}
	switch {
	case v == 0:
		return bits, true
	case math.IsNaN(v):
		return bits | infinity | 1<<(mantissa-1), true
	case math.IsInf(v, 0):
		return bits | infinity, false
	}
	_, exponent := math.Frexp(v)
	exponent = max(exponent-1, 1-bias) // below it, numbers are subnormal
	// The integer's leading bit adds one to the exponent's field.
	integer := uint64(math.RoundToEven(math.Ldexp(math.Abs(v), mantissa-exponent)))
	magnitude := uint64(exponent+bias-1)<<mantissa + integer
	if magnitude >= infinity {
		return bits | infinity, false
	}
	return bits | magnitude, true
}

func int64Bytes(values []int64) (data []byte) {
	for _, v := range values {
		data = binary.LittleEndian.AppendUint64(data, uint64(v))
	}
	return data
}
