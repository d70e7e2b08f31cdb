package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// link is the folder from which the bindings take libtensorflow, a link into
// the cache.
func (s *setup) link() string { return filepath.Join(s.dir, "lib") }

func (s *setup) libraryPresent() (string, error) {
	lib, err := os.Readlink(s.link())
	if err != nil {
		return "", fmt.Errorf("not linked to %s", s.link())
	}
	want, err := s.wantedEntry()
	if err != nil {
		return "", err
	}
	if want != "" && filepath.Dir(lib) != s.cache.path(want) {
		return "", fmt.Errorf("%s is linked to another one, %s", s.link(), lib)
	}
	version, err := entryVersion(filepath.Dir(lib))
	if err != nil {
		return "", err
	}
	return version + " in " + lib, nil
}

// entryVersion returns the version of the library in a cache entry that is
// complete.
func entryVersion(entry string) (string, error) {
	lib := filepath.Join(entry, "lib")
	if _, err := findMain(lib); err != nil {
		return "", err
	}
	if _, err := os.Stat(filepath.Join(lib, linkName)); err != nil {
		return "", err
	}
	data, err := os.ReadFile(filepath.Join(entry, "VERSION"))
	if err != nil {
		return "", err
	}
	version := strings.TrimSpace(string(data))
	if !fits(version) {
		return "", fmt.Errorf("libtensorflow %s in %s, want %s", version, lib, tensorFlowVersion)
	}
	return version, nil
}

// wantedEntry returns the cache entry that the command line asks for; "" if
// any library will do.
func (s *setup) wantedEntry() (string, error) {
	if s.gpu != nil {
		row, err := libraryFor(*s.gpu)
		return row.entry(), err
	}
	if file := firstOf(s.library, s.wheel, s.tarball); file != "" {
		return fileEntry(file)
	}
	return "", nil
}

func (s *setup) verifyLibrary(ctx context.Context) error {
	name, err := findMain(s.link())
	if err != nil {
		return err
	}
	_, err = libraryVersion(ctx, filepath.Join(s.link(), name))
	if errors.Is(err, exec.ErrNotFound) {
		return nil // no C compiler, which is reported by itself
	}
	return err
}

// A librarySource is where a library comes from.
type librarySource struct {
	what    string // for messages
	entry   string // the cache's name for it
	extract func(ctx context.Context, lib string) error
}

// librarySource returns the library that the command line names, or usesPip
// found installed, else this machine's row of the table.
func (s *setup) librarySource() (librarySource, error) {
	given := firstOf(s.library, s.wheel, s.tarball)
	if given == "" {
		row, err := libraryFor(s.gpu != nil && *s.gpu)
		return librarySource{row.wheel.String(), row.entry(), func(ctx context.Context, lib string) error {
			return s.fetchLibrary(ctx, row, lib)
		}}, err
	}
	entry, err := fileEntry(given)
	return librarySource{given, entry, func(ctx context.Context, lib string) error {
		s.say("taking libtensorflow from %s", given)
		switch given {
		case s.wheel:
			return extractTensorFlow(ctx, given, lib)
		case s.tarball:
			return extractTarball(ctx, given, lib)
		}
		return linkInstalled(given, lib)
	}}, err
}

// installLibrary links the clone to a library in the cache, made if it is not
// there.
func (s *setup) installLibrary(ctx context.Context) error {
	src, err := s.librarySource()
	if err != nil {
		return err
	}
	entry := s.cache.path(src.entry)
	if _, err := entryVersion(entry); err != nil {
		if err := makeEntry(ctx, entry, src); err != nil {
			return err
		}
	}
	link := filepath.Join(s.dir, unfinished+"lib")
	if err := os.Symlink(filepath.Join(entry, "lib"), link); err != nil {
		return err
	}
	return os.Rename(link, s.link())
}

// makeEntry makes a cache entry of a library: it asks the library for its
// version and gives it a name to link by.
func makeEntry(ctx context.Context, entry string, src librarySource) error {
	return replaceDir(entry, func(dir string) error {
		lib := filepath.Join(dir, "lib")
		if err := os.Mkdir(lib, 0o755); err != nil {
			return err
		}
		if err := src.extract(ctx, lib); err != nil {
			return err
		}
		name, err := findMain(lib)
		if err != nil {
			return fmt.Errorf("%s holds no %s", src.what, strings.Join(libraryNames[runtime.GOOS], " or "))
		}
		version, err := libraryVersion(ctx, filepath.Join(lib, name))
		if err != nil {
			return fmt.Errorf("%s: %w", src.what, err)
		}
		if !fits(version) {
			return fmt.Errorf("%s is libtensorflow %s, want %s", src.what, version, tensorFlowVersion)
		}
		if err := makeLinkName(ctx, lib, name); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, "VERSION"), []byte(version+"\n"), 0o644)
	})
}

// fetchLibrary downloads a row's wheels and fills lib, and the folder nvidia
// beside it, with what is in them.
func (s *setup) fetchLibrary(ctx context.Context, row library, lib string) error {
	if !row.tested {
		s.say("%s on %s/%s is untested", row.wheel, row.os, row.arch)
	}
	for _, w := range append([]wheel{row.wheel}, row.cuda...) {
		s.say("fetching %s", w)
		file, err := downloadWheel(ctx, w, filepath.Dir(lib), s.progress)
		if err != nil {
			return fmt.Errorf("%w; a file serves too: -wheel FILE, -tarball FILE or -libtensorflow DIR", err)
		}
		if w == row.wheel {
			err = extractTensorFlow(ctx, file, lib)
		} else {
			err = extractCUDA(ctx, file, filepath.Dir(lib))
		}
		if err != nil {
			return err
		}
		if err := os.Remove(file); err != nil {
			return err
		}
	}
	return nil
}

// usesPip tells whether installing the missing parts means to download wheels.
// If the command line leaves the choice, an installed library is taken.
func (s *setup) usesPip(ctx context.Context, missing []part) bool {
	if !slices.ContainsFunc(missing, func(p part) bool { return p.name == "libtensorflow" }) {
		return false
	}
	if firstOf(s.library, s.wheel, s.tarball) == "" && s.gpu == nil {
		s.library = s.installed(ctx)
	}
	if firstOf(s.library, s.wheel, s.tarball) != "" {
		return false
	}
	row, err := libraryFor(s.gpu != nil && *s.gpu)
	if err != nil {
		return false // installLibrary says so
	}
	_, err = entryVersion(s.cache.path(row.entry()))
	return err != nil
}

// installed returns the folder of an installed libtensorflow that fits, or "".
func (s *setup) installed(ctx context.Context) string {
	for _, dir := range installedDirs(ctx) {
		name, err := findMain(dir)
		if err != nil {
			continue
		}
		version, err := libraryVersion(ctx, filepath.Join(dir, name))
		switch {
		case err == nil && fits(version), errors.Is(err, exec.ErrNotFound): // no C compiler, which needTools names
			return dir
		case err == nil:
			err = fmt.Errorf("libtensorflow %s, want %s", version, tensorFlowVersion)
		}
		s.say("not using %s: %v", dir, err)
	}
	return ""
}

// findMain returns the name of the library in dir that holds the C API.
func findMain(dir string) (string, error) {
	for _, name := range libraryNames[runtime.GOOS] {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			return name, nil
		}
	}
	return "", fmt.Errorf("no libtensorflow in %s: want %s", dir, strings.Join(libraryNames[runtime.GOOS], " or "))
}

// fits tells whether the bindings work with a library of this version.
func fits(version string) bool {
	minor := tensorFlowVersion[:strings.LastIndexByte(tensorFlowVersion, '.')]
	return strings.HasPrefix(version, minor+".")
}

// libraryFor returns the row of the table for this machine.
func libraryFor(gpu bool) (library, error) {
	for _, l := range libraries {
		if l.os == runtime.GOOS && l.arch == runtime.GOARCH && l.gpu == gpu {
			return l, nil
		}
	}
	kind := "a CPU"
	if gpu {
		kind = "a GPU"
	}
	return library{}, fmt.Errorf("no libtensorflow for %s/%s with %s is known: give one with -libtensorflow, -tarball or -wheel", runtime.GOOS, runtime.GOARCH, kind)
}

// entry is the cache's name for this build.
func (l library) entry() string {
	kind := "cpu"
	if l.gpu {
		kind = "gpu"
	}
	return strings.Join([]string{"libtensorflow", tensorFlowVersion, l.os, l.arch, kind}, "-")
}

// fileEntry is the cache's name for a library made from a file or folder.
func fileEntry(name string) (string, error) {
	info, err := os.Stat(name)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(fmt.Append(nil, name, info.Size(), info.ModTime()))
	return "libtensorflow-" + hex.EncodeToString(sum[:4]), nil
}
