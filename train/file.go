package train

import (
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"
)

// WriteFile writes a file beside its name and renames it, so that there is
// always a whole one of that name. What is there and is no regular file, such as
// /dev/stdout, is written to as it is, and a link stays one.
func WriteFile(name string, data []byte) error {
	if target, err := filepath.EvalSymlinks(name); err == nil {
		name = target
	}
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		return os.WriteFile(name, data, 0o644)
	}
	return renameio.WriteFile(name, data, 0o644)
}
