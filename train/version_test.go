package train

import (
	"strings"
	"testing"

	tf "github.com/tensorflow/tensorflow/tensorflow/go"
)

func TestCheckVersion(t *testing.T) {
	if err := checkVersion(tf.Version()); err != nil {
		t.Error(err)
	}
	for _, other := range []string{"2.20.0", "2.2.1", "1.15.0", ""} {
		if err := checkVersion(other); err == nil || !strings.Contains(err.Error(), "want 2.21") {
			t.Errorf("version %q: %v", other, err)
		}
	}
}
