package main

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"

	"github.com/felixge/fgprof"
)

// profile begins time.pprof in a folder: where the goroutines are, waiting and
// calls of libtensorflow included. stop ends it and writes heap.pprof.
//
// It does not use runtime/pprof's CPU profile: under its signals, libtensorflow
// corrupts its heap and aborts.
func profile(dir string) (stop func() error, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	file, err := os.Create(filepath.Join(dir, "time.pprof"))
	if err != nil {
		return nil, err
	}
	end := fgprof.Start(file, fgprof.FormatPprof)
	return func() error {
		if err := errors.Join(end(), file.Close()); err != nil {
			return err
		}
		heap, err := os.Create(filepath.Join(dir, "heap.pprof"))
		if err != nil {
			return err
		}
		runtime.GC() // so that it shows what is in use
		return errors.Join(pprof.WriteHeapProfile(heap), heap.Close())
	}, nil
}
