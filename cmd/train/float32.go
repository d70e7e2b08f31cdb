package main

import (
	"errors"
	"flag"
	"strconv"
)

// float32Var defines a flag of TensorFlow's float32.
func float32Var(flags *flag.FlagSet, p *float32, name string, value float32, usage string) {
	*p = value
	flags.Var((*float32Value)(p), name, usage)
}

type float32Value float32

func (f *float32Value) String() string { return strconv.FormatFloat(float64(*f), 'g', -1, 32) }

func (f *float32Value) Set(s string) error {
	x, err := strconv.ParseFloat(s, 32)
	if err != nil {
		return errors.New("want a number")
	}
	*f = float32Value(x)
	return nil
}
