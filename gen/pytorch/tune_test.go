package pytorch_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/autotailor/autotailor/generated/mobilenetv2"
	"github.com/autotailor/autotailor/internal/onnxpb"
	"github.com/autotailor/autotailor/runtime/accuracy"
	"github.com/autotailor/autotailor/runtime/onnxfile"
	"google.golang.org/protobuf/proto"
)

// tuneArgs are the arguments of a short run of tune.py.
func tuneArgs(t *testing.T, out string, more ...string) []string {
	args := []string{"tune.py", "--model", absolute(t, model("mobilenetv2")), "--data", absolute(t, images), "--out", out, "--batch", "4", "--subnets", "2",
		"--test", "-1", "--recalibrate", "16", "--save-every", "1", "--erase", "0.5", "--ema", "0.9"}
	return append(args, more...)
}

// torchrun starts two processes of a program. The redirections, of a process that is not there, are for PyTorch 1.13 with Python 3.11,
// which does not understand the default for none.
func torchrun(py string, args ...string) []string {
	return append([]string{py, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", "--redirects", "9:1", "--tee", "9:1"}, args...)
}

// TestTune: two processes tune; stopped in between they end with the same file, and one process that was killed does too. Only floating-point
// weights of the file change.
func TestTune(t *testing.T) {
	t.Parallel()
	py := python(t)
	dir := emit(t, "mobilenetv2")
	whole, parts := filepath.Join(dir, "whole.onnx"), filepath.Join(dir, "parts.onnx")
	sandwich := []string{"--strategy", "sandwich", "--teacher", "both", "--alpha-divergence", "--steps", "2"}
	must := func(args ...string) string {
		t.Helper()
		out, err := run(t, dir, "", args...)
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return string(out)
	}
	if out := must(torchrun(py, tuneArgs(t, whole, sandwich...)...)...); !strings.Contains(out, "wrote "+whole) {
		t.Errorf("output\n%s", out)
	}
	if out, err := run(t, dir, "", torchrun(py, tuneArgs(t, parts, append(sandwich, "--stop-after", "1")...)...)...); err == nil || !strings.Contains(string(out), "stopped after step 1") {
		t.Errorf("stopping: %v\n%s", err, out)
	}
	if out := must(torchrun(py, tuneArgs(t, parts, sandwich...)...)...); !strings.Contains(out, "goes on from step 1") {
		t.Errorf("going on:\n%s", out)
	}
	if !bytes.Equal(read(t, whole), read(t, parts)) {
		t.Error("a run of two processes that was stopped ends with other weights than one that was not")
	}
	onlyWeights(t, whole)
	exported := filepath.Join(dir, "exported.onnx")
	must(py, "export.py", "--model", absolute(t, model("mobilenetv2")), "--checkpoint", whole+".ckpt", "--out", exported, "--recalibrate", "16", "--data", absolute(t, images))
	if !bytes.Equal(read(t, whole), read(t, exported)) {
		t.Error("export.py writes other bytes than tune.py")
	}
	killed(t, py, dir)
	if out, err := run(t, dir, "", append([]string{py}, tuneArgs(t, whole, "--steps", "9")...)...); err == nil || !strings.Contains(err.Error(), "begun with other settings: steps 2, now 9") {
		t.Errorf("other settings: %v\n%s", err, out)
	}
}

// killed kills a run once it has a checkpoint, and compares its end with that of a run in peace.
func killed(t *testing.T, py, dir string) {
	t.Helper()
	whole, parts := filepath.Join(dir, "peace.onnx"), filepath.Join(dir, "killed.onnx")
	if out, err := run(t, dir, "", append([]string{py}, tuneArgs(t, whole, "--steps", "6", "--optimizer", "sgd")...)...); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	args := tuneArgs(t, parts, "--steps", "6", "--optimizer", "sgd")
	cmd := exec.Command(py, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "OMP_NUM_THREADS=1")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for start := time.Now(); time.Since(start) < time.Minute; time.Sleep(time.Millisecond) {
		if _, err := os.Stat(parts + ".ckpt"); err == nil {
			break
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Log("the run ended before it was killed")
	}
	if out, err := run(t, dir, "", append([]string{py}, args...)...); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if !bytes.Equal(read(t, whole), read(t, parts)) {
		t.Error("a run that was killed ends with other weights than one that was not")
	}
}

// onlyWeights checks that a tuned model differs from the original in the data of its tensors only, and is read by us.
func onlyWeights(t *testing.T, path string) {
	t.Helper()
	if _, err := onnxfile.Open(path); err != nil {
		t.Fatal(err)
	}
	var a, b onnxpb.ModelProto
	for p, m := range map[string]*onnxpb.ModelProto{path: &a, model("mobilenetv2"): &b} {
		if err := onnxpb.Unmarshal(read(t, p), m); err != nil {
			t.Fatal(err)
		}
	}
	changed := 0
	for k, x := range a.GetGraph().GetInitializer() {
		if !bytes.Equal(x.RawData, b.GetGraph().GetInitializer()[k].RawData) {
			changed++
		}
		x.RawData = b.GetGraph().GetInitializer()[k].RawData
	}
	if !proto.Equal(&a, &b) || changed < 200 {
		t.Errorf("%d tensors changed, and something else: %t", changed, !proto.Equal(&a, &b))
	}
}

// TestSensitivity: the table is one that the package reads, and a second run has nothing to do.
func TestSensitivity(t *testing.T) {
	t.Parallel()
	py := python(t)
	dir := emit(t, "mobilenetv2")
	table := filepath.Join(dir, "net.acc")
	args := []string{py, "sensitivity.py", "--model", absolute(t, model("mobilenetv2")), "--data", absolute(t, images), "--out", table, "--images", "4", "--calibrate", "4"}
	if out, err := run(t, dir, "", args...); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	first := read(t, table)
	a, err := accuracy.Read(bytes.NewReader(first), mobilenetv2.Definition())
	if err != nil {
		t.Fatal(err)
	}
	if a.Header.Images != 4 || a.Header.Recalibration != 4 || a.Base < 3 {
		t.Errorf("header %+v, the original classifies %d of 4", a.Header, a.Base)
	}
	cut := bytes.LastIndexByte(bytes.TrimSuffix(first, []byte("\n")), '\n') + 3 // within the last row
	if err := os.WriteFile(table, first[:cut], 0o666); err != nil {
		t.Fatal(err)
	}
	if out, err := run(t, dir, "", args...); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if got := read(t, table); !bytes.Equal(got, first) {
		t.Errorf("after a row that was cut off:\n%s\nwant\n%s", got, first)
	}
	if out, err := run(t, dir, "", append(args, "--images", "5")...); err == nil || !strings.Contains(err.Error(), "another header") {
		t.Errorf("other images: %v\n%s", err, out)
	}
}

// TestHelp: every command explains itself with examples, and says what is wrong in one line.
func TestHelp(t *testing.T) {
	t.Parallel()
	py := python(t)
	dir := emit(t, "vit")
	for _, name := range []string{"tune.py", "sensitivity.py", "export.py"} {
		out, err := run(t, dir, "", py, name, "--help")
		if err != nil || !strings.Contains(string(out), "examples:") || !strings.Contains(string(out), "--model") {
			t.Errorf("%s --help: %v\n%s", name, err, out)
		}
	}
	for want, args := range map[string][]string{
		"these weights are of another model": {"--model", absolute(t, model("levit")), "--data", absolute(t, images)},
		"no split train":                     {"--model", absolute(t, model("vit")), "--data", dir},
		"needs --strategy sandwich":          {"--model", absolute(t, model("vit")), "--data", absolute(t, images), "--teacher", "largest"},
		"no ONNX file":                       {"--model", absolute(t, "tune_test.go"), "--data", absolute(t, images)},
	} {
		_, err := run(t, dir, "", append([]string{py, "tune.py", "--steps", "1", "--out", "x.onnx"}, args...)...)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "Traceback") {
			t.Errorf("%v: want %q in one line, got %v", args, want, err)
		}
	}
	out, err := run(t, dir, "", py, "tune.py", "--steps", "100", "--out", "x.onnx", "--model", absolute(t, model("vit")), "--data", absolute(t, images), "--strategy", "progressive", "--dry-run")
	if err != nil || !strings.Contains(string(out), "nothing was done") || !strings.Contains(string(out), "phase 0") {
		t.Errorf("--dry-run: %v\n%s", err, out)
	}
}
