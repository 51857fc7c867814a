package mobilenetv2_test

import (
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/autotailor/autotailor/generated/mobilenetv2"
	"github.com/autotailor/autotailor/runtime/accuracy"
	"github.com/autotailor/autotailor/runtime/lut"
)

// home is this package's folder.
var home string

// TestMain runs tests and examples in a folder with what a user has: tables of a made-up device and of made-up sensitivities, tuned
// weights, and images. Outside a clone of the repository there are neither weights nor images, so that the example that needs them is
// skipped.
func TestMain(m *testing.M) {
	flag.Parse()
	dir, err := os.MkdirTemp("", "mobilenetv2-*")
	if err == nil {
		home, err = os.Getwd()
	}
	if err == nil {
		err = errors.Join(tables(dir), files(dir), os.Chdir(dir))
	}
	if err != nil {
		log.Fatal(err)
	}
	code := m.Run()
	if err := errors.Join(os.Chdir(home), os.RemoveAll(dir)); err != nil {
		log.Fatal(err)
	}
	os.Exit(code)
}

// tables writes device.lut and net.acc.
func tables(dir string) error {
	net := mobilenetv2.Definition()
	h := lut.HeaderOf(net)
	h.Device, h.Engine = "made up", "none"
	l := lut.New(net, h)
	for id := range l.Rows {
		took := time.Duration(15_000 + net.Ops[id].MACs/10)
		l.Rows[id].N, l.Rows[id].Min, l.Rows[id].Median = 1, took, took
	}
	a := accuracy.New(net, accuracy.Header{Images: 10_000, Data: "made up", Resize: "none", Engine: "none"})
	a.Base = 9_450
	for i, list := range a.Correct {
		for v := 1; v < len(list); v++ {
			list[v] = a.Base - v*v*(20+7*i%30)
		}
	}
	return errors.Join(l.WriteFile(filepath.Join(dir, "device.lut")), a.WriteFile(filepath.Join(dir, "net.acc"), net))
}

// files copies tuned weights and images, or skips what needs them.
func files(dir string) error {
	weights, err := os.ReadFile(filepath.Join("..", "models", "mobilenetv2_tuned.onnx"))
	images := os.DirFS(filepath.Join("..", "data", "fashion-mnist"))
	if errors.Is(err, os.ErrNotExist) {
		fmt.Fprintln(os.Stderr, "Example_best is skipped: it needs a clone of the repository, with generated/models and generated/data")
		return flag.Set("test.skip", "^Example_best$")
	}
	return errors.Join(err, os.WriteFile(filepath.Join(dir, "tuned.onnx"), weights, 0o600), os.CopyFS(filepath.Join(dir, "fashion-mnist"), images))
}

// TestReadmeHasTheExample: the program in README.md is Example_best, as a command.
func TestReadmeHasTheExample(t *testing.T) {
	example, err := os.ReadFile(filepath.Join(home, "example_best_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile(filepath.Join(home, "..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	program := strings.NewReplacer("package mobilenetv2_test", "package main", "func Example_best()", "func main()").Replace(string(example))
	program = regexp.MustCompile(`(?s)\t// Output:.*\n}\n`).ReplaceAllString(program, "}\n")
	if !strings.Contains(string(readme), "```go\n"+program+"```\n") {
		t.Errorf("README.md lacks this program:\n%s", program)
	}
}
