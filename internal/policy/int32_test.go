package policy

import (
	"os"
	"os/exec"
	"runtime"
	"testing"
)

// TestIntOf32Bits: what applications and the agent need compiles where int has 32 bits, and what reads models and counts costs
// passes its tests there. Linux on amd64 runs programs for 386.
func TestIntOf32Bits(t *testing.T) {
	if testing.Short() {
		t.Skip("it compiles everything twice; make check-32bit does more")
	}
	for arch, args := range map[string][]string{
		"arm": {"build", module + "/runtime/...", module + "/ir/...", module + "/gen/..."},
		"386": {"test", module + "/ir/dim", module + "/ir/onnx", module + "/ir/op", module + "/runtime/space", module + "/runtime/nn"},
	} {
		if args[0] == "test" && runtime.GOOS+"/"+runtime.GOARCH != "linux/amd64" {
			args[0] = "vet"
		}
		cmd := exec.Command("go", args...)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: go %v: %v\n%s", arch, args, err, out)
		}
	}
}
