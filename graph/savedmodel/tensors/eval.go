package tensors

import (
	"errors"
	"fmt"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// What ends an expression that takes too long or makes too much.
const (
	maxSteps  = 20_000_000 // Starlark's, half a second's worth
	maxValues = 1 << 26
)

// A number is an integer or, from JSON, any number, in decimal.
type number string

// eval evaluates an expression in Starlark, a dialect of Python that reads no
// files, runs no programs and always ends. Its values are of bool, number for
// integers, float64, string, []byte, []any and map[string]any.
func eval(expression string) (any, error) {
	e, err := parse(expression)
	if err != nil {
		return nil, err
	}
	return evalParsed(e)
}

// evalLiteral evaluates an expression of literals only, which makes no more than
// it says.
func evalLiteral(expression string) (any, error) {
	e, err := parse(expression)
	if err != nil {
		return nil, err
	}
	literal := true
	syntax.Walk(e, func(n syntax.Node) bool {
		switch n.(type) {
		case nil, *syntax.DictExpr, *syntax.DictEntry, *syntax.ListExpr, *syntax.TupleExpr, *syntax.ParenExpr, *syntax.Literal, *syntax.Ident:
		default:
			literal = false
		}
		return literal
	})
	if !literal {
		return nil, errors.New("not only literals")
	}
	return evalParsed(e)
}

func parse(expression string) (syntax.Expr, error) {
	e, err := new(syntax.FileOptions).ParseExpr("expression", strings.TrimSpace(expression), 0)
	return e, short(err)
}

func evalParsed(e syntax.Expr) (any, error) {
	thread := &starlark.Thread{Name: "expression"}
	thread.SetMaxExecutionSteps(maxSteps)
	value, err := starlark.EvalExprOptions(new(syntax.FileOptions), thread, e, nil)
	if err != nil {
		return nil, short(err)
	}
	c := converter{maxValues}
	return c.convert(value, 0)
}

// short leaves out the name of the expression's file.
func short(err error) error {
	if err == nil {
		return nil
	}
	return errors.New(strings.TrimPrefix(err.Error(), "expression:"))
}

// A converter converts Starlark's values. A list may hold itself, so it counts
// them.
type converter struct{ left int }

func (c *converter) convert(value starlark.Value, depth int) (any, error) {
	if c.left--; c.left < 0 {
		return nil, fmt.Errorf("more than %d values: give a .npy file", maxValues)
	}
	if depth > maxRank {
		return nil, fmt.Errorf("more than %d lists in each other", maxRank)
	}
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
			if fields[key], err = c.convert(item[1], depth+1); err != nil {
				return nil, err
			}
		}
		return fields, nil
	case starlark.Iterable: // a list, a tuple, a range
		values := []any{}
		for element := range starlark.Elements(v) {
			e, err := c.convert(element, depth+1)
			if err != nil {
				return nil, err
			}
			values = append(values, e)
		}
		return values, nil
	}
	return nil, fmt.Errorf("%s makes no tensor", value.Type())
}
