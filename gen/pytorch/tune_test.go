package pytorch_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/autotailor/autotailor/generated/convnext"
	"github.com/autotailor/autotailor/generated/mobilenetv2"
	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/internal/onnxpb"
	"github.com/autotailor/autotailor/internal/torch"
	"github.com/autotailor/autotailor/runtime/accuracy"
	"github.com/autotailor/autotailor/runtime/engine/embedded"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/onnxfile"
	"github.com/autotailor/autotailor/runtime/supernet"
	"github.com/autotailor/autotailor/runtime/train/data"
	"github.com/autotailor/autotailor/runtime/train/sensitivity"
	"google.golang.org/protobuf/proto"
)

// tuneArgs are the arguments of a short run of tune.py.
func tuneArgs(t *testing.T, out string, more ...string) []string {
	args := []string{"tune.py", "--model", absolute(t, model("mobilenetv2")), "--data", absolute(t, images), "--out", out, "--batch", "4", "--subnets", "2",
		"--test", "-1", "--recalibrate", "16", "--save-every", "1", "--erase", "0.5", "--ema", "0.9"}
	return append(args, more...)
}

// torchrun starts two processes of a program. The redirections, of a process that is not there, are for PyTorch 1.13 with Python 3.11,
// which does not understand the default for none. Port 0 is a free one: --standalone takes the same one for all runs at once.
func torchrun(py string, args ...string) []string {
	return append([]string{py, "-m", "torch.distributed.run", "--rdzv_backend", "c10d", "--rdzv_endpoint", "localhost:0", "--nproc_per_node", "2", "--redirects", "9:1", "--tee", "9:1"}, args...)
}

// TestTune: two processes tune; stopped in between they end with the same file, and one process that was killed does too. Only floating-point
// weights of the file change.
func TestTune(t *testing.T) {
	needs.Time(t)
	needs.Clone(t)
	t.Parallel()
	py := torch.Python(t)
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

// TestTransforms: kernel transforms are learned from the middle on, stand in the tuned file, and are trained further from there.
func TestTransforms(t *testing.T) {
	needs.Time(t)
	needs.Clone(t)
	t.Parallel()
	py := torch.Python(t)
	dir, net := emit(t, "convnext"), convnext.Definition()
	from := absolute(t, model("convnext"))
	var before map[string]nn.Tensor
	for _, name := range []string{"once.onnx", "twice.onnx"} {
		out := filepath.Join(dir, name)
		args := []string{py, "tune.py", "--model", from, "--data", absolute(t, images), "--out", out, "--batch", "4", "--steps", "1", "--test", "-1", "--warmup", "0", "--strategy", "random"}
		if text, err := run(t, dir, "", args...); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		now, moved := transformsOf(t, net, out, before)
		if moved == 0 {
			t.Errorf("%s: no transform has moved", name)
		}
		from, before = out, now
	}
}

// transformsOf reads all kernel transforms of a file, and counts those that differ from what they were before, or from the middle.
func transformsOf(t *testing.T, net *supernet.Net, path string, before map[string]nn.Tensor) (out map[string]nn.Tensor, moved int) {
	t.Helper()
	m, err := onnxfile.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	windows, err := net.Windows()
	if err != nil {
		t.Fatal(err)
	}
	out = map[string]nn.Tensor{}
	for _, p := range windows {
		x, ok, err := nn.Transform(m, p)
		if !ok {
			t.Fatalf("%s has no transform for %s: %v", path, p.Name, err)
		}
		w, _ := p.Window()
		was, ok := before[w.Name]
		if !ok {
			was = w.Middle()
		}
		if !bytes.Equal(x.Raw, was.Raw) {
			moved++
		}
		out[w.Name] = x
	}
	return out, moved
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
	needs.Time(t)
	needs.Clone(t)
	t.Parallel()
	py := torch.Python(t)
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

// TestEvaluate: SubNets of a list and random ones are counted once each, in a file that the Go package goes on with.
func TestEvaluate(t *testing.T) {
	needs.Time(t)
	needs.Clone(t)
	t.Parallel()
	py := torch.Python(t)
	dir := emit(t, "mobilenetv2")
	table, list := filepath.Join(dir, "net.counts"), filepath.Join(dir, "list.txt")
	if err := os.WriteFile(list, []byte("original\nresolution=16, stage1.depth=2\noriginal\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	args := []string{py, "evaluate.py", "--model", absolute(t, model("mobilenetv2")), "--data", absolute(t, images), "--out", table, "--images", "4", "--calibrate", "4"}
	if out, err := run(t, dir, "", args...); err == nil || !strings.Contains(err.Error(), "nothing to count") {
		t.Errorf("without SubNets: %v\n%s", err, out)
	}
	if out, err := run(t, dir, "", append(args, "--subnets", list, "--random", "2")...); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	net := mobilenetv2.Definition()
	m, err := onnxfile.Open(model("mobilenetv2"))
	if err != nil {
		t.Fatal(err)
	}
	test, err := data.Open(images, "test", data.Size{})
	if err != nil {
		t.Fatal(err)
	}
	train, err := data.Open(images, "train", data.Size{})
	if err != nil {
		t.Fatal(err)
	}
	as := data.Transform{Pad: 2, Mean: []float32{0.2860}, Std: []float32{0.3530}}
	e := sensitivity.Evaluator{
		Net: net, Engine: embedded.New(embedded.Options{}), Weights: m, Samples: data.Source{Transform: as, Set: test.Slice(0, 4)},
		Options: sensitivity.Options{Split: "test", Calibration: data.Source{Transform: as, Set: train.Slice(0, 4)}},
	}
	h := e.Header()
	h.Engine = "pytorch"
	j, err := accuracy.OpenJoint(table, net, h)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	for _, text := range []string{"original", "resolution=16,stage1.depth=2"} {
		g, err := net.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if n, ok := j.Correct(g); !ok || n > 4 {
			t.Errorf("%s: %d counted, %t", text, n, ok)
		}
	}
	if rows := bytes.Count(read(t, table), []byte("\n")) - bytes.Count(read(t, table), []byte(": ")); rows != 5 { // and the empty line
		t.Errorf("%d rows, want 4:\n%s", rows-1, read(t, table))
	}
}

// TestHelp: every command explains itself with examples, and says what is wrong in one line.
func TestHelp(t *testing.T) {
	needs.Time(t)
	needs.Clone(t)
	t.Parallel()
	py := torch.Python(t)
	dir := emit(t, "vit")
	tune := func(model, data string, more ...string) []string {
		return append([]string{"tune.py", "--steps", "100", "--out", "x.onnx", "--model", absolute(t, model), "--data", absolute(t, data)}, more...)
	}
	cases := []struct {
		args []string
		code int
		want []string
	}{
		{[]string{"tune.py", "--help"}, 0, []string{"examples:", "--model", "torchrun"}},
		{[]string{"sensitivity.py", "--help"}, 0, []string{"examples:", "--model"}},
		{[]string{"evaluate.py", "--help"}, 0, []string{"examples:", "--subnets"}},
		{[]string{"export.py", "--help"}, 0, []string{"examples:", "--model"}},
		{tune(model("levit"), images), 1, []string{"these weights are of another model"}},
		{tune(model("vit"), "testdata"), 1, []string{"no split train"}},
		{tune(model("vit"), images, "--teacher", "largest"), 1, []string{"needs --strategy sandwich"}},
		{tune("tune_test.go", images), 1, []string{"no ONNX file"}},
		{tune(model("vit"), images, "--batch", "5000"), 1, []string{"do not fill a batch of 5000"}},
		{tune(model("vit"), images, "--strategy", "progressive", "--dry-run"), 0, []string{"nothing was done", "phase 0", "step 0, SubNet 3"}},
	}
	var lines bytes.Buffer
	for _, c := range cases {
		if err := json.NewEncoder(&lines).Encode(c.args); err != nil {
			t.Fatal(err)
		}
	}
	out, err := run(t, dir, lines.String(), py, absolute(t, "testdata/each.py"))
	if err != nil {
		t.Fatal(err)
	}
	results := json.NewDecoder(bytes.NewReader(out))
	for _, c := range cases {
		var got struct {
			Code int
			Text string
		}
		if err := results.Decode(&got); err != nil {
			t.Fatal(err)
		}
		for _, want := range c.want {
			if got.Code != c.code || !strings.Contains(got.Text, want) || strings.Contains(got.Text, "Traceback") {
				t.Errorf("%v: exit code %d, want %d and %q in\n%s", c.args, got.Code, c.code, want, got.Text)
			}
		}
	}
}

// TestCountsOfTwoProcesses: two processes count as one does, with statistics of the same bits, and go on where a table ends.
func TestCountsOfTwoProcesses(t *testing.T) {
	needs.Time(t)
	needs.Clone(t)
	t.Parallel()
	py := torch.Python(t)
	dir := emit(t, "mobilenetv2")
	one, two, joint, list := filepath.Join(dir, "one.acc"), filepath.Join(dir, "two.acc"), filepath.Join(dir, "two.counts"), filepath.Join(dir, "list.txt")
	args := func(program, out string, more ...string) []string {
		args := []string{program, "--model", absolute(t, model("mobilenetv2")), "--data", absolute(t, images), "--out", out, "--images", "7", "--calibrate", "6", "--batch", "4"}
		return append(args, more...)
	}
	must := func(args ...string) string {
		t.Helper()
		out, err := run(t, dir, "", args...)
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return string(out)
	}
	must(append([]string{py}, args("sensitivity.py", one)...)...)
	want := read(t, one)
	head := bytes.Index(want, []byte("\n\n")) + 2
	begun := head + len(want[head:])*9/10 // within a row
	err := errors.Join(os.WriteFile(two, want[:begun], 0o666), os.WriteFile(list, []byte("original\nresolution=20\n"), 0o666))
	if err != nil {
		t.Fatal(err)
	}
	must(torchrun(py, args("sensitivity.py", two)...)...)
	if got := read(t, two); !bytes.Equal(got, want) {
		t.Errorf("two processes, from byte %d on:\n%s\nwant\n%s", begun, got, want)
	}
	must(torchrun(py, args("evaluate.py", joint, "--split", "train", "--subnets", list)...)...)
	for _, row := range strings.Split(strings.TrimSpace(string(read(t, joint)[bytes.Index(read(t, joint), []byte("\n\n")):])), "\n") {
		if !bytes.Contains(want, []byte("\n"+row+"\n")) {
			t.Errorf("evaluate.py counts %q, which is no row of\n%s", row, want)
		}
	}
	out := must(torchrun(py, absolute(t, "testdata/statistics.py"), "mobilenetv2", absolute(t, model("mobilenetv2")), absolute(t, images))...)
	if strings.Count(out, "same bits") != 2 {
		t.Errorf("statistics of two processes: %s", out)
	}
}
