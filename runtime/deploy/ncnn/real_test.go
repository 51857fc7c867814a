package ncnn_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/autotailor/autotailor/runtime/deploy/ncnn"
	"github.com/autotailor/autotailor/runtime/nn"
)

// envNCNN is the folder in which NCNN was installed (include/ncnn, lib/libncnn.a); doc.go says how to build it.
const envNCNN = "AUTOTAILOR_NCNN"

// real runs exports in NCNN itself, where there is a program.
type real struct {
	t       *testing.T
	program string

	worst, worstHalf, worstPacked float64
}

// buildReal compiles testdata/run.c against NCNN and returns the program, "" where there is no NCNN.
func buildReal(t *testing.T) string {
	t.Helper()
	root := os.Getenv(envNCNN)
	if root == "" {
		return ""
	}
	program := filepath.Join(t.TempDir(), "run")
	libs, err := filepath.Glob(filepath.Join(root, "lib*", "libncnn.a"))
	if err != nil || len(libs) != 1 {
		t.Fatalf("%s=%s: there is no lib/libncnn.a (%v)", envNCNN, root, err)
	}
	for _, c := range []*exec.Cmd{
		exec.Command("gcc", "-O1", "-I"+filepath.Join(root, "include"), "-c", "-o", program+".o", filepath.Join("testdata", "run.c")),
		exec.Command("g++", "-o", program, program+".o", libs[0], "-lpthread"),
	} {
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", c, err, out)
		}
	}
	return program
}

// compare runs an export, with float16 weights and with packed layouts, too.
func (r *real) compare(subnet string, m *ncnn.Model, in nn.Tensor, want []float32) {
	if r.program == "" {
		return
	}
	r.t.Helper()
	for _, c := range []struct {
		name         string
		half, packed bool
		bound        float64
		worst        *float64
	}{{"", false, false, sameAsSubNet, &r.worst}, {" with float16 weights", true, false, sameAsHalf, &r.worstHalf}, {" with packed layouts", false, true, samePacked, &r.worstPacked}} {
		d := distance(want, r.run(m, c.half, c.packed, in))
		if !(d < c.bound) {
			r.t.Errorf("%s: NCNN itself%s is %g from the SubNet", subnet, c.name, d)
		}
		*c.worst = max(*c.worst, d)
	}
}

// String is the end of a family's line.
func (r *real) String() string {
	if r.program == "" {
		return ""
	}
	return fmt.Sprintf(" itself=%.2g itself_fp16=%.2g itself_packed=%.2g", r.worst, r.worstHalf, r.worstPacked)
}

// run writes an export and returns what NCNN computes of it, with or without its packed layouts.
func (r *real) run(m *ncnn.Model, half, packed bool, in nn.Tensor) []float32 {
	r.t.Helper()
	param, bin, err := m.Encode(half)
	if err != nil {
		r.t.Fatal(err)
	}
	dir := r.t.TempDir()
	args := []string{filepath.Join(dir, "m.param"), filepath.Join(dir, "m.bin")}
	for k, data := range [][]byte{param, bin} {
		if err := os.WriteFile(args[k], data, 0o600); err != nil {
			r.t.Fatal(err)
		}
	}
	args = append(args, map[bool]string{true: "1", false: "0"}[packed])
	for _, n := range in.Shape[1:] {
		args = append(args, strconv.Itoa(n))
	}
	cmd := exec.Command(r.program, args...)
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in.Raw), &stderr
	out, err := cmd.Output()
	if err != nil || len(out)%4 != 0 {
		r.t.Fatalf("NCNN: %v\n%s\n%s", err, stderr.Bytes(), param)
	}
	return nn.Tensor{Type: nn.Float32, Shape: nn.Shape{len(out) / 4}, Raw: out}.Float32s()
}
