package train_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"tfrunner/train"
)

func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	file, link, pipe := filepath.Join(dir, "file"), filepath.Join(dir, "link"), filepath.Join(dir, "pipe")
	if err := os.Symlink("file", link); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	read := make(chan string)
	go func() {
		data, err := os.ReadFile(pipe)
		if err != nil {
			t.Error(err)
		}
		read <- string(data)
	}()
	for _, write := range []struct{ name, data string }{{file, "a"}, {link, "bc"}, {pipe, "d"}} {
		if err := train.WriteFile(write.name, []byte(write.data)); err != nil {
			t.Fatal(err)
		}
	}
	if got := <-read; got != "d" {
		t.Errorf("through the pipe came %q", got)
	}
	if data, err := os.ReadFile(file); err != nil || string(data) != "bc" {
		t.Errorf("%q, error %v", data, err)
	}
	if target, err := os.Readlink(link); err != nil || target != "file" {
		t.Errorf("the link leads to %q, error %v", target, err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 3 {
		t.Errorf("left %v, error %v", left, err)
	}
}
