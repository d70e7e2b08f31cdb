package main

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"tfrunner/graph"
)

// An optimizerFlag is -optimizer and what it has of settings.
type optimizerFlag struct {
	name  string
	given map[string]float32 // settings by their flags' names
}

// addTo defines the flags.
func (f *optimizerFlag) addTo(flags *flag.FlagSet) {
	f.given = map[string]float32{}
	var names []string
	for _, o := range graph.Optimizers() {
		names = append(names, o.Name())
	}
	flags.StringVar(&f.name, "optimizer", "rmsprop", "train with `NAME`: "+strings.Join(names, ", "))
	for setting, of := range optimizerSettings() {
		flags.Func(setting, "the optimizer's `"+setting+"`; by default "+strings.Join(of, ", "), func(text string) error {
			x, err := strconv.ParseFloat(text, 32)
			if err != nil {
				return errors.New("want a number")
			}
			f.given[setting] = float32(x)
			return nil
		})
	}
}

// optimizer returns the optimizer with its settings.
func (f *optimizerFlag) optimizer() (graph.Optimizer, error) {
	all := graph.Optimizers()
	i := slices.IndexFunc(all, func(o graph.Optimizer) bool { return o.Name() == f.name })
	if i < 0 {
		var names []string
		for _, o := range all {
			names = append(names, o.Name())
		}
		return nil, usageError{fmt.Errorf("-optimizer %s: want one of %s", f.name, strings.Join(names, ", "))}
	}
	o := reflect.New(reflect.TypeOf(all[i])).Elem()
	o.Set(reflect.ValueOf(all[i]))
	has := settings(o)
	for _, name := range slices.Sorted(maps.Keys(f.given)) {
		if !has[name].IsValid() {
			return nil, usageError{fmt.Errorf("-%s: %s has %s", name, f.name, strings.Join(slices.Sorted(maps.Keys(has)), ", "))}
		}
		has[name].SetFloat(float64(f.given[name]))
	}
	return o.Interface().(graph.Optimizer), nil
}

// settings returns an optimizer's fields by their flags' names.
func settings(optimizer reflect.Value) map[string]reflect.Value {
	all := map[string]reflect.Value{}
	for i := range optimizer.NumField() {
		all[optimizer.Type().Field(i).Tag.Get("json")] = optimizer.Field(i)
	}
	return all
}

// optimizerSettings returns the settings that optimizers have, each with the
// default of every optimizer that has it.
func optimizerSettings() map[string][]string {
	all := map[string][]string{}
	for _, o := range graph.Optimizers() {
		for name, value := range settings(reflect.ValueOf(o)) {
			all[name] = append(all[name], fmt.Sprintf("%s %s", o.Name(), strconv.FormatFloat(value.Float(), 'g', -1, 32)))
		}
	}
	return all
}
