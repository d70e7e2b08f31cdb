package train_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"tfrunner/train"
)

// TestHasBFloat16 asks Linux.
func TestHasBFloat16(t *testing.T) {
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		t.Fatal(err)
	}
	flags := strings.Fields(string(info))
	if got, want := train.HasBFloat16(), slices.Contains(flags, "avx512_bf16") || slices.Contains(flags, "amx_bf16"); got != want {
		t.Errorf("%v, Linux says %v", got, want)
	}
}
