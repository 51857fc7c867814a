package cli_test

import (
	"bytes"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/generated/vit"
	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/command/cli"
)

// TestOpsetThatOperatorsDoNotFit: an opset that the user asks for is never raised silently.
func TestOpsetThatOperatorsDoNotFit(t *testing.T) {
	needs.Clone(t)
	var errs bytes.Buffer
	out := filepath.Join(t.TempDir(), "a.onnx")
	code := cli.Run(t.Context(), vit.Definition(), []string{"export", "--model", "../../../generated/models/vit.onnx", "--subnet", "original", "--out", out, "--opset", "14"}, io.Discard, &errs, cli.Options{})
	if text := errs.String(); code == 0 || !strings.Contains(text, "--opset 14: operators of the SubNet need opset") {
		t.Errorf("exit code %d: %s", code, text)
	}
}
