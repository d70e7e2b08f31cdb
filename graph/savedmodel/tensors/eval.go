package tensors

import (
	"errors"
	"fmt"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// maxSteps ends an expression: Starlark's steps, half a second's worth.
const maxSteps = 20_000_000

// A number is an integer or, from JSON, any number, in decimal.
type number string

// eval evaluates an expression in Starlark, a dialect of Python that reads no
// files, runs no programs and always ends. Its values are of bool, number for
// integers, float64, string, []byte, []any and map[string]any.
func eval(expression string) (any, error) {
	thread := &starlark.Thread{Name: "expression"}
	thread.SetMaxExecutionSteps(maxSteps)
	value, err := starlark.EvalOptions(&syntax.FileOptions{}, thread, "expression", strings.TrimSpace(expression), nil)
	if err != nil {
		return nil, errors.New(strings.TrimPrefix(err.Error(), "expression:"))
	}
	return fromStarlark(value)
}

func fromStarlark(value starlark.Value) (any, error) {
	switch v := value.(type) {
	case starlark.Bool:
		return bool(v), nil
	case starlark.Int:
		return number(v.String()), nil
	case starlark.Float:
		return float64(v), nil
	case starlark.String:
		return string(v), nil
	case starlark.Bytes:
		return []byte(v), nil
	case *starlark.Dict:
		fields := map[string]any{}
		for _, item := range v.Items() {
			key, ok := starlark.AsString(item[0])
			if !ok {
				return nil, fmt.Errorf("a key is of %s, want a string", item[0].Type())
			}
			var err error
			if fields[key], err = fromStarlark(item[1]); err != nil {
				return nil, err
			}
		}
		return fields, nil
	case starlark.Iterable: // a list, a tuple, a range
		values := []any{}
		for element := range starlark.Elements(v) {
			e, err := fromStarlark(element)
			if err != nil {
				return nil, err
			}
			values = append(values, e)
		}
		return values, nil
	}
	return nil, fmt.Errorf("%s makes no tensor", value.Type())
}
