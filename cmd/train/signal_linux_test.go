package main

import (
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestSecondSignal interrupts a program twice whose output nobody reads, so that
// it cannot end in order.
func TestSecondSignal(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	size, err := unix.FcntlInt(r.Fd(), unix.F_SETPIPE_SZ, 4096)
	if err != nil {
		t.Fatal(err)
	}
	cmd := program("-json", "-batch", "1")
	cmd.Stdout = w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	for full := 0; full < size-100; time.Sleep(50 * time.Millisecond) {
		if full, err = unix.IoctlGetInt(int(r.Fd()), unix.TIOCINQ); err != nil {
			t.Fatal(err)
		}
	}
	ended := make(chan error)
	go func() { ended <- cmd.Wait() }()
	for i, wait := range []time.Duration{time.Second, 10 * time.Second} {
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-ended:
			if i == 0 {
				t.Errorf("the first signal ended it: %v", err)
			}
			return
		case <-time.After(wait):
		}
	}
	cmd.Process.Kill()
	t.Error("the second signal did not end it")
}
