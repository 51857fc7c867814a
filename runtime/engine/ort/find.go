// Package ort runs networks on ONNX Runtime, whose shared library is loaded when the engine is made.
// Calling the library takes cgo; in builds without it New returns ErrNoCgo.
package ort

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Options configure an Engine.
type Options struct {
	Threads int // 0 means all processors
}

// ErrNoCgo is what New returns in programs built with CGO_ENABLED=0.
var ErrNoCgo = errors.New("onnxruntime: this program was built without cgo; build it with CGO_ENABLED=1 and a C compiler, or use the embedded engine")

// Variable names the environment variable that tells where the library is.
const Variable = "AUTOTAILOR_ORT"

// Find returns the path of the ONNX Runtime library: what the environment says, or what `make onnxruntime` put into
// build/onnxruntime of the working directory or one above it.
func Find() (string, error) {
	if path := os.Getenv(Variable); path != "" {
		if _, err := os.Stat(path); err != nil {
			return "", fmt.Errorf("onnxruntime: %s: %w", Variable, err)
		}
		return path, nil
	}
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("onnxruntime: %w", err)
	}
	for {
		for _, pattern := range []string{"libonnxruntime.so*", "libonnxruntime*.dylib", "onnxruntime.dll"} {
			if found, _ := filepath.Glob(filepath.Join(dir, "build", "onnxruntime", pattern)); len(found) > 0 {
				return found[0], nil
			}
		}
		above := filepath.Dir(dir)
		if above == dir {
			return "", fmt.Errorf("onnxruntime: no library found; set %s to the path of libonnxruntime, which is in ONNX Runtime's releases and, as onnxruntime/capi, in its Python package", Variable)
		}
		dir = above
	}
}
