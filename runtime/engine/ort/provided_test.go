//go:build cgo && linux

package ort

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/nn"
)

// TestProvidersOfTheLibrary: the library of the tests has no accelerator, and the error for each says what it has.
func TestProvidersOfTheLibrary(t *testing.T) {
	if _, err := Find(); err != nil {
		t.Skip(err)
	}
	e, err := OpenWith("cpu", 1)
	if err != nil || e.Info().Name != "onnxruntime" {
		t.Fatalf("cpu: %v", err)
	}
	have := Providers()
	if !slices.Contains(have, "cpu") {
		t.Errorf("the library has %v", have)
	}
	for _, p := range providers {
		if p.instead != "" || slices.Contains(have, p.name) {
			continue
		}
		if _, err := OpenWith(p.name, 1); err == nil || !strings.Contains(err.Error(), "cannot use "+p.registered) || !strings.Contains(err.Error(), "; it has cpu") || !strings.Contains(err.Error(), Variable) {
			t.Errorf("%s: %v", p.name, err)
		}
	}
}

// stubbed says in the process of TestStub that the library is the stub.
const stubbed = "AUTOTAILOR_TEST_STUB"

// TestStub: a library that pretends to have providers gets their options, and what they leave to the CPU is told. The stub has a process of its own,
// because a process loads one library.
func TestStub(t *testing.T) {
	real, err := Find()
	if err != nil {
		t.Skip(err)
	}
	cc, err := exec.LookPath("cc")
	if err != nil {
		t.Skip("there is no C compiler")
	}
	headers, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/yalue/onnxruntime_go").Output()
	if err != nil {
		t.Skip("the header of ONNX Runtime is not at hand")
	}
	if real, err = filepath.Abs(real); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	stub, log := filepath.Join(dir, "libonnxruntime.so"), filepath.Join(dir, "log")
	if out, err := exec.Command(cc, "-shared", "-fPIC", "-DREAL=\""+real+"\"", "-I", strings.TrimSpace(string(headers)), "-o", stub, "testdata/stub.c", "-ldl").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	child := exec.Command(os.Args[0], "-test.run=^TestInStub$", "-test.v")
	child.Env = append(os.Environ(), Variable+"="+stub, "STUB_LOG="+log, stubbed+"=1")
	out, err := child.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: TestInStub") {
		t.Fatalf("%v\n%s", err, out)
	}
	text, err := os.ReadFile(log)
	if err != nil || !strings.Contains(string(text), "update device_id=1 use_tf32=0\ncuda\n") || !strings.Contains(string(text), "Xnnpack intra_op_num_threads=2\n") {
		t.Errorf("the stub was asked for\n%s%v", text, err)
	}
}

// TestInStub is the part of TestStub that runs with the stub.
func TestInStub(t *testing.T) {
	if os.Getenv(stubbed) == "" {
		t.Skip("TestStub runs it")
	}
	g, err := nn.Record(func(b nn.Builder) {
		b.Output("y", b.Softmax(b.Act(b.Input("x", nn.Float32, nn.Shape{nn.Batch, 4}), nn.Sigmoid()), 1))
	})
	if err != nil {
		t.Fatal(err)
	}
	for with, want := range map[string]engine.Info{
		"cuda,use_tf32=0,device_id=1":    {Name: "onnxruntime:cuda", Precision: "fp32", Options: "device_id=1,use_tf32=0", Rules: "onnxruntime", Threads: 1},
		"xnnpack,intra_op_num_threads=2": {Name: "onnxruntime:xnnpack", Precision: "fp32", Options: "intra_op_num_threads=2", Rules: "onnxruntime", Threads: 1},
	} {
		e, err := OpenWith(with, 1)
		if err != nil {
			t.Fatal(err)
		}
		got := e.Info()
		want.Version, want.Device = got.Version, got.Device
		if got != want || got.Device == "" {
			t.Errorf("%s: %+v, want %+v", with, got, want)
		}
		if _, traces := e.(engine.Tracer); traces {
			t.Errorf("%s: an accelerator's calls are no times of kernels", with)
		}
		out, err := engine.Once(e)(g, nn.MapWeights{}, []nn.Tensor{nn.FromFloat32s(nn.Shape{1, 4}, []float32{0, 0, 0, 0})})
		if err != nil || out[0].Float32s()[0] != 0.25 {
			t.Errorf("%s: %v, %v", with, out, err)
		}
		if told := e.(*Provided).Fallbacks(); told != "1 Sigmoid, 1 Softmax" {
			t.Errorf("%s: on the CPU: %q", with, told)
		}
	}
	if have := Providers(); !slices.Contains(have, "cuda") || !slices.Contains(have, "xnnpack") || slices.Contains(have, "coreml") {
		t.Errorf("the stub has %v", have)
	}
	if _, err := OpenWith("cuda,speed=11", 1); err == nil || !strings.Contains(err.Error(), "an option is not known to it") {
		t.Errorf("an unknown option: %v", err)
	}
}
