// Package gorgonia is left out on this processor.
package gorgonia

import (
	"errors"

	"github.com/autotailor/autotailor/runtime/engine"
)

// errLacking is what the engines of this package return on this processor.
var errLacking = errors.New("gorgonia: the library that Gorgonia computes floats with has no form for riscv64, so this program was built without it: use the embedded engine, which trains, too")

// Open returns an error.
func Open(int) (engine.Engine, error) { return nil, errLacking }

// OpenONNXGo returns an error.
func OpenONNXGo(int) (engine.Engine, error) { return nil, errLacking }
