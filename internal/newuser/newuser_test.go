package newuser

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/onnxfile"
)

// user is somebody with a folder.
type user struct {
	*testing.T
	dir string
}

func (u *user) write(name string, data []byte) {
	u.Helper()
	if err := os.MkdirAll(filepath.Dir(filepath.Join(u.dir, name)), 0o777); err != nil {
		u.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(u.dir, name), data, 0o600); err != nil {
		u.Fatal(err)
	}
}

// run types a command, which must work, and returns what it prints.
func (u *user) run(line string) string {
	u.Helper()
	args := strings.Fields(line)
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir = u.dir
	cmd.Env = append(os.Environ(), "GOFLAGS="+os.Getenv("GOFLAGS")+" -mod=mod")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	start := time.Now()
	out, err := cmd.Output()
	u.Logf("%s (%.1f s)\n%s", line, time.Since(start).Seconds(), errs.String())
	if err != nil {
		u.Fatalf("%s: %v\n%s\n%s", line, err, out, errs.String())
	}
	return string(out)
}

// module is a fresh module that uses this one in its working copy: with its requirements, so that nothing has to be looked up.
func module(t *testing.T) *user {
	t.Helper()
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	mod, err1 := os.ReadFile(filepath.Join(root, "go.mod"))
	sum, err2 := os.ReadFile(filepath.Join(root, "go.sum"))
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	text := regexp.MustCompile(`(?m)^module .*$`).ReplaceAllString(string(mod), "module example.com/mynet")
	text += fmt.Sprintf("\nrequire github.com/autotailor/autotailor v0.0.0\n\nreplace github.com/autotailor/autotailor => %s\n", root)
	u := &user{t, filepath.Join(t.TempDir(), "mynet")}
	u.write("go.mod", []byte(text))
	u.write("go.sum", sum)
	return u
}

// TestFromAModelToAnExportedSubNet follows README.md. Only the module itself is set up in another way, without the network.
func TestFromAModelToAnExportedSubNet(t *testing.T) {
	needs.Time(t)
	needs.Clone(t)
	u := module(t)
	m, err := model()
	if err != nil {
		t.Fatal(err)
	}
	u.write("model.onnx", m)
	for split, n := range map[string]int{"train": 60, "t10k": 40} {
		pixels, labels := images(n)
		u.write("data/"+split+"-images-idx3-ubyte", pixels)
		u.write("data/"+split+"-labels-idx1-ubyte", labels)
	}
	u.run("go tool autotailor init --model model.onnx --data data")
	config, err := os.ReadFile(filepath.Join(u.dir, "autotailor.toml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"package = \"mynet\"", "pad = 2", "mean = [0.5", "depth = "} {
		if !strings.Contains(string(config), want) {
			t.Errorf("the config lacks %s:\n%s", want, config)
		}
	}
	if text := u.run("go tool autotailor inspect"); !strings.Contains(text, "frozen axes") {
		t.Errorf("inspect prints\n%s", text)
	}
	u.run("go generate ./...")
	u.run("go tool autotailor gen --check")
	u.run("go test ./...")
	u.run("go build -o bin/mynet ./cmd/mynet")
	u.run("bin/mynet profile --runs 2 --out device.lut")
	u.run("bin/mynet sensitivity --model model.onnx --data data --images 20 --calibrate 20 --out net.acc")
	u.export()
}

// export takes the fastest SubNet of the front, and exports and measures it.
func (u *user) export() {
	u.Helper()
	var found struct {
		Certificate struct{ Exact bool }
		Points      []struct{ SubNet string }
	}
	text := u.run("bin/mynet search --lut device.lut --accuracy net.acc --json")
	if err := json.Unmarshal([]byte(text), &found); err != nil || !found.Certificate.Exact || len(found.Points) == 0 {
		u.Fatalf("%v\n%s", err, text)
	}
	subnet := found.Points[0].SubNet
	u.run("bin/mynet report --lut device.lut --accuracy net.acc --out report")
	u.run("bin/mynet export --model model.onnx --subnet " + subnet + " --recalibrate data --calibrate 20 --out small.onnx")
	u.run("bin/mynet export --model model.onnx --subnet " + subnet + " --format ncnn --out small")
	small, err := onnxfile.Open(filepath.Join(u.dir, "small.onnx"))
	if err != nil || small == nil {
		u.Fatal(err)
	}
	for _, name := range []string{"report/report.html", "report/front.png", "small.param", "small.bin"} {
		if i, err := os.Stat(filepath.Join(u.dir, name)); err != nil || i.Size() < 100 {
			u.Errorf("%s: %v", name, err)
		}
	}
	var v struct {
		SubNet    string
		Predicted float64 `json:"predicted_ms"`
	}
	text = u.run("bin/mynet verify --model model.onnx --subnet " + subnet + " --lut device.lut --runs 3 --json")
	if err := json.Unmarshal([]byte(text), &v); err != nil || v.SubNet != subnet || v.Predicted <= 0 {
		u.Errorf("%v\n%s", err, text)
	}
}
