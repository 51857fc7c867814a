package gen

import (
	"strings"
	"testing"

	"github.com/autotailor/autotailor/gen/config"
	"github.com/autotailor/autotailor/ir/testgraph"
)

// TestPictures: what cannot become the model's input is refused, with its line.
func TestPictures(t *testing.T) {
	for text, want := range map[string]string{
		"mean = [1, 2, 3, 4]":             "t.toml:2: data.mean has 4 numbers, the model's input has 3 channels",
		"mean = [1, 2, 3]\nstd = [1]":     "t.toml:3: data.std has 1 numbers",
		"pad = 16":                        "t.toml:2: data.pad is 16",
		"resize = 2":                      "t.toml:2: data.resize is 2",
		"pad = 2\nresize = 27":            "t.toml:3: data.resize is 27",
		"pad = 2\nresize = 28":            "",
		"mean = [1, 2, 3]\nstd = [1,1,1]": "",
	} {
		g, err := testgraph.Parse("input x 1x3x32x32\ny = Relu x\noutput y")
		if err != nil {
			t.Fatal(err)
		}
		c, err := config.Read("t.toml", []byte("[data]\n"+text))
		if err != nil {
			t.Fatal(err)
		}
		if err := pictures(g, c); (err == nil) != (want == "") || err != nil && !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// TestKnownTask: a task or a metric that there is not is refused, with its line.
func TestKnownTask(t *testing.T) {
	for text, want := range map[string]string{
		"":                        "",
		`task = "classification"`: "",
		`task = "clasification"`:  `t.toml:1: there is no task "clasification"; did you mean classification?`,
		"task = \"classification\"\nmetric = \"x\"": `t.toml:2: task "classification" has no metric "x"`,
	} {
		c, err := config.Read("t.toml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if err := knownTask(c); (err == nil) != (want == "") || err != nil && !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// TestFixedInputs: a config sets open axes of an input, and no others.
func TestFixedInputs(t *testing.T) {
	for text, want := range map[string]string{
		"1x3x64x64": `t.toml:2: input "x" has the extent 32 in axis 2`, "3x32": `t.toml:2: input "x" has 4 axes`, "1x3x32x32": "", "2x3x32x32": "",
	} {
		g, err := testgraph.Parse("input x Nx3x32x32\ny = Relu x\noutput y")
		if err != nil {
			t.Fatal(err)
		}
		c, err := config.Read("t.toml", []byte("\ninput.x = \""+text+"\""))
		if err != nil {
			t.Fatal(err)
		}
		if err := (Job{}).fixInputs(g, "m.onnx", c); (err == nil) != (want == "") || err != nil && !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
