package console_test

import (
	"strings"
	"testing"
	"time"

	"tfrunner/train"
	"tfrunner/train/console"
)

func TestTimes(t *testing.T) {
	var b strings.Builder
	r := console.Times(&b)
	for _, rec := range []train.Record{
		{Kind: train.Step},
		{Kind: train.Epoch, Epoch: 3, Elapsed: 20 * time.Second, Session: 19 * time.Second, Feeding: 100 * time.Millisecond, Recording: 300 * time.Millisecond, Evaluating: 600 * time.Millisecond},
		{Kind: train.Final},
	} {
		if err := r.Record(rec); err != nil {
			t.Fatal(err)
		}
	}
	if want := "epoch  3  session 95.0 %, feeding 0.5 %, recording 1.5 %, evaluating 3.0 % of 20.0s\n"; b.String() != want {
		t.Errorf("%q, want %q", b.String(), want)
	}
}
