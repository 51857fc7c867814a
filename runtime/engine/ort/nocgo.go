//go:build !cgo

package ort

import (
	"time"

	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/nn"
)

// Engine is ONNX Runtime on the CPU; there is none in a program without cgo.
type Engine struct{}

// New returns ErrNoCgo.
func New(string, Options) (*Engine, error) { return nil, ErrNoCgo }

// OpenWith returns ErrNoCgo.
func OpenWith(with string, _ int) (engine.Engine, error) {
	if _, err := choose(with); err != nil {
		return nil, err
	}
	return nil, ErrNoCgo
}

// Info describes no engine.
func (*Engine) Info() engine.Info { return engine.Info{Name: "onnxruntime"} }

// Compile returns ErrNoCgo.
func (*Engine) Compile(*nn.Graph, nn.Weights) (engine.Session, error) { return nil, ErrNoCgo }

// OpenModel returns ErrNoCgo.
func (*Engine) OpenModel(string) (*Session, error) { return nil, ErrNoCgo }

// Session is a loaded model; there is none in a program without cgo.
type Session struct {
	Inputs, Outputs []nn.Info
}

// Run returns ErrNoCgo.
func (*Session) Run(...nn.Tensor) ([]nn.Tensor, error) { return nil, ErrNoCgo }

// Elapsed returns 0.
func (*Session) Elapsed() time.Duration { return 0 }

// Close does nothing.
func (*Session) Close() error { return nil }
