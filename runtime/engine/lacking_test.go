package engine_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/autotailor/autotailor/runtime/engine"
)

// TestLacking lists operators only where an error says nothing but that they are missing.
func TestLacking(t *testing.T) {
	loop := &engine.NoOperatorError{Engine: "small", Node: "a", Op: "Loop"}
	odd := &engine.NoOperatorError{Engine: "small", Node: "b", Op: "com.example.Odd"}
	for _, c := range []struct {
		err  error
		want []string
	}{
		{nil, nil},
		{errors.New("a disk is full"), nil},
		{loop, []string{"Loop"}},
		{fmt.Errorf("small: %w", errors.Join(odd, loop, loop)), []string{"Loop", "com.example.Odd"}},
		{errors.Join(loop, errors.New("a shape does not fit")), nil},
	} {
		if got := engine.Lacking(c.err); !slices.Equal(got, c.want) {
			t.Errorf("%v lacks %v, want %v", c.err, got, c.want)
		}
	}
}
