package ort

import (
	"fmt"
	"regexp"

	"github.com/autotailor/autotailor/runtime/engine"
)

// Open is Find and New for command lines: threads 0 means all processors.
func Open(threads int) (engine.Engine, error) {
	lib, err := Find()
	if err != nil {
		return nil, err
	}
	return New(lib, Options{Threads: threads})
}

// newer matches what the library says of models that were written for a later version.
var newer = regexp.MustCompile(`(?i)opset \d+ is under development|no op registered|opset_version|ir version|not a registered function/op`)

// tooNew adds to an error that a network cannot be loaded what the reason may be: the library is older than the opset of the model.
func tooNew(err error, opset int, version string) error {
	if err == nil || opset == 0 || !newer.MatchString(err.Error()) {
		return err
	}
	return fmt.Errorf("%w\nthe model has opset %d, which ONNX Runtime %s may not know: name a newer one in %s, or use the embedded engine", err, opset, version, Variable)
}
