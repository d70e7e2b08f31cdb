package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// A choice is a flag that names one of several structs, and the flags of these
// structs' fields, which are named by the fields' JSON tags.
type choice[T interface{ Name() string }] struct {
	flag string
	what string // of the structs
	all  []T

	none    string // the name of no struct, which is T's zero value
	noneHas string // what it has of settings

	name  string
	given map[string]reflect.Value // fields by their flags
}

// addTo defines the flags, with name by default, and returns their names, the
// choice's first.
func (c *choice[T]) addTo(flags *flag.FlagSet, name, usage string) []string {
	c.given = map[string]reflect.Value{}
	flags.StringVar(&c.name, c.flag, name, usage+strings.Join(c.names(), ", "))
	types, defaults := map[string]reflect.Type{}, map[string][]string{}
	for _, x := range c.all {
		for name, field := range settings(reflect.ValueOf(x)) {
			types[name] = field.Type()
			defaults[name] = append(defaults[name], fmt.Sprint(x.Name(), " ", field))
		}
	}
	for name, of := range types {
		flags.Func(name, "the "+c.what+"'s `"+name+"`; by default "+strings.Join(defaults[name], ", "), func(text string) error {
			c.given[name] = reflect.New(of).Elem()
			return set(c.given[name], text)
		})
	}
	return append([]string{c.flag}, slices.Sorted(maps.Keys(types))...)
}

// names returns what there is to choose.
func (c *choice[T]) names() []string {
	names := []string{c.none}
	for _, x := range c.all {
		names = append(names, x.Name())
	}
	return names
}

// chosen returns the named struct with the given settings.
func (c *choice[T]) chosen() (x T, err error) {
	i := slices.IndexFunc(c.all, func(x T) bool { return x.Name() == c.name })
	if i < 0 && c.name != c.none {
		return x, usageError{fmt.Errorf("-%s %s: want one of %s", c.flag, c.name, strings.Join(c.names(), ", "))}
	}
	has := map[string]reflect.Value{}
	var copied reflect.Value
	if i >= 0 {
		copied = reflect.New(reflect.TypeOf(c.all[i])).Elem()
		copied.Set(reflect.ValueOf(c.all[i]))
		has = settings(copied)
	}
	for _, name := range slices.Sorted(maps.Keys(c.given)) {
		if !has[name].IsValid() {
			return x, usageError{fmt.Errorf("-%s: %s has %s", name, c.name, cmp.Or(strings.Join(slices.Sorted(maps.Keys(has)), ", "), c.noneHas))}
		}
		has[name].Set(c.given[name])
	}
	if i >= 0 {
		x = copied.Interface().(T)
	}
	return x, nil
}

// settings returns a struct's fields by their flags' names.
func settings(s reflect.Value) map[string]reflect.Value {
	all := map[string]reflect.Value{}
	for i := range s.NumField() {
		all[s.Type().Field(i).Tag.Get("json")] = s.Field(i)
	}
	return all
}

// set gives a field, an integer or a float, the value that a text says.
func set(field reflect.Value, text string) error {
	if field.CanInt() {
		n, err := strconv.ParseInt(text, 10, field.Type().Bits())
		if err != nil {
			return errors.New("want a whole number")
		}
		field.SetInt(n)
		return nil
	}
	x, err := strconv.ParseFloat(text, field.Type().Bits())
	if err != nil {
		return errors.New("want a number")
	}
	field.SetFloat(x)
	return nil
}
