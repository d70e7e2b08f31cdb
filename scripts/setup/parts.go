package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"
)

// A setup is one run of this program.
type setup struct {
	options
	cache    cache
	progress io.Writer
}

// A part is one of the things that a set-up puts in place.
type part struct {
	name string
	// present says what is there, or what is missing. It is quick: it looks
	// at names and sizes.
	present func() (string, error)
	// verify looks closer.
	verify  func(context.Context) error
	install func(context.Context) error
}

// parts lists what this set-up puts in place.
func (s *setup) parts() []part {
	parts := []part{
		{"bindings", s.bindingsPresent, nothing, s.installBindings},
		{"libtensorflow", s.libraryPresent, s.verifyLibrary, s.installLibrary},
	}
	if s.clone {
		parts = append(parts, part{"mnist", s.mnistPresent, s.verifyMNIST, s.installMNIST})
	}
	return parts
}

func nothing(context.Context) error { return nil }

// say writes a line of progress.
func (s *setup) say(format string, args ...any) {
	fmt.Fprintf(s.progress, "setup: "+format+"\n", args...)
}

// patience is how long a silent step may last until a line says that it goes on.
var patience = 10 * time.Second

// download has the Go toolchain fetch a module and returns its folder.
func (s *setup) download(ctx context.Context, m goModule, size string) (dir string, err error) {
	s.say("fetching %s (%s) into the module cache", m, size)
	start, ticker := time.Now(), time.NewTicker(patience)
	defer ticker.Stop()
	done := make(chan struct{})
	go func() {
		dir, err = downloadModule(ctx, m)
		close(done)
	}()
	for {
		select {
		case <-done:
			return dir, err
		case <-ticker.C:
			s.say("still fetching after %.0f s", time.Since(start).Seconds())
		}
	}
}

// missing returns the parts that are not in place.
func (s *setup) missing() (parts []part) {
	for _, p := range s.parts() {
		if _, err := p.present(); err != nil {
			parts = append(parts, p)
		}
	}
	return parts
}

// install puts in place what is missing, one set-up of the user at a time.
func (s *setup) install(ctx context.Context) error {
	if s.missing() == nil {
		return nil
	}
	unlock, err := s.cache.lock(ctx, s.say)
	if err != nil {
		return err
	}
	defer unlock()
	if err := removeUnfinished(s.dir); err != nil {
		return err
	}
	missing := s.missing() // without what the set-up that had the lock put in place
	if missing == nil {
		return nil
	}
	if err := needTools(ctx, s.usesPip(ctx, missing)); err != nil {
		return err
	}
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return err
	}
	for _, p := range missing {
		start := time.Now()
		if err := p.install(ctx); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		detail, err := p.present()
		if err != nil {
			return fmt.Errorf("%s: still not in place: %w", p.name, err)
		}
		s.say("%s in place after %.1f s: %s", p.name, time.Since(start).Seconds(), detail)
	}
	return nil
}
