package conform

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/gen"
	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/space"
)

// Models names the environment variable with the folder of the full-size models.
const Models = "AUTOTAILOR_MODELS"

// fullSize lists the files: two networks, three exporter settings each.
var fullSize = []struct {
	file, config string
	family       family
}{
	{"resnet50.ts.onnx", "timm_resnet50.toml", resNet50},
	{"resnet50.tr.onnx", "timm_resnet50.toml", resNet50},
	{"resnet50.dy.onnx", "timm_resnet50.toml", resNet50},
	{"mobilenetv2_100.tr.onnx", "timm_mobilenetv2w10.toml", mobileNetV2},
	{"mobilenetv2_100.dy.onnx", "timm_mobilenetv2w10.toml", mobileNetV2},
	{"mobilenetv2_100.dyn.onnx", "timm_mobilenetv2w10.toml", mobileNetV2},
	{"ofa_mbv3.tr.onnx", "ofa_mobilenetv3w10.toml", mobileNetV3},
	{"proxyless.tr.onnx", "ofa_proxylessnet.toml", proxyless},
	{"proxyless.dy.onnx", "ofa_proxylessnet.toml", proxyless},
}

// exporter is the program that exports SubNets with a generated package: lines of text and path on standard input.
const exporter = `package main

import (
	"bufio"
	"errors"
	"log"
	"os"
	"strings"

	"example.com/conform/net"
	"github.com/autotailor/autotailor/runtime/onnxfile"
)

func main() {
	w, err := onnxfile.Open(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		text, path, _ := strings.Cut(in.Text(), "\t")
		s, err := net.ParseSubNet(text)
		if err != nil {
			log.Fatal(err)
		}
		f, err := os.Create(path)
		if err != nil {
			log.Fatal(err)
		}
		if err := errors.Join(s.ExportONNX(f, w, net.ExportOptions{NoRecalibration: true}), f.Close()); err != nil {
			log.Fatal(err)
		}
	}
}
`

// newModule makes a module that uses this one.
func newModule(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	sum, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(mod), "module github.com/autotailor/autotailor", "module example.com/conform", 1)
	if i := strings.Index(text, "\ntool "); i >= 0 {
		end := strings.Index(text[i+1:], "\n")
		text = text[:i] + text[i+1+end:]
	}
	text += fmt.Sprintf("\nrequire github.com/autotailor/autotailor v0.0.0\n\nreplace github.com/autotailor/autotailor => %s\n", root)
	dir := t.TempDir()
	write(t, filepath.Join(dir, "go.mod"), text)
	write(t, filepath.Join(dir, "go.sum"), string(sum))
	return dir
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func goTool(t *testing.T, dir, stdin string, args ...string) {
	t.Helper()
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir, cmd.Stdin = dir, strings.NewReader(stdin)
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", args, err, out)
	}
}

// TestExportsOfFullSizeModels does for the paper's models what TestExportsOfCommittedPackages does for ours.
func TestExportsOfFullSizeModels(t *testing.T) {
	needs.Time(t)
	models := os.Getenv(Models)
	if models == "" {
		t.Skip("set " + Models + " to the folder of the full-size models to run this test")
	}
	e := runtimeEngine(t)
	for _, c := range fullSize {
		t.Run(c.file, func(t *testing.T) {
			model, err := filepath.Abs(filepath.Join(models, c.file))
			if err != nil {
				t.Fatal(err)
			}
			dir := newModule(t)
			job := gen.Job{Config: filepath.Join("testdata", c.config), Model: model, Out: filepath.Join(dir, "net"), Name: "net"}
			compiled, err := job.Compile()
			if err != nil {
				t.Fatal(err)
			}
			generate(t, job)
			write(t, filepath.Join(dir, "main.go"), exporter)
			goTool(t, dir, "", "go", "build", "-o", "exporter", ".")

			choices := choicesOf(compiled)
			rng := rand.New(rand.NewPCG(11, 11))
			worst := 0.0
			path := filepath.Join(dir, "subnet.onnx")
			for k := range randomSubNets + 1 {
				genes, bound := make(space.Genes, len(choices)), sameAsOriginal
				if k > 0 {
					genes, bound = space.Random(choices, rng), sameAsReference
				}
				text := space.Format(choices, genes)
				s := parseSetting(t, text)
				goTool(t, dir, text+"\t"+path+"\n", "./exporter", model)
				in := image(3, int(s.get("resolution", 224)))
				got := evaluate(t, e, path, in)
				reference := c.family.reference(t, model, s)
				d := distance(evaluate(t, e, reference, in), got)
				if worst = max(worst, d); d > bound {
					t.Errorf("%s: the export is %g from the reference", text, d)
				}
				if reference != model {
					if err := os.Remove(reference); err != nil {
						t.Fatal(err)
					}
				}
			}
			t.Logf("%d SubNets: exports at most %.2g from the reference", randomSubNets+1, worst)
		})
	}
}

func generate(t *testing.T, job gen.Job) {
	t.Helper()
	out, err := job.Run()
	if err != nil {
		t.Fatal(err)
	}
	changes, err := out.Changes()
	if err != nil {
		t.Fatal(err)
	}
	if err := out.Write(changes); err != nil {
		t.Fatal(err)
	}
}

// choicesOf is the space of a compiled net as its package will have it.
func choicesOf(c *gen.Compiled) []space.Choice {
	var out []space.Choice
	for _, x := range c.Net.Choices {
		v := space.Choice{Name: x.Name, Kind: string(x.Kind), Live: space.Need{Gene: uint8(x.Live.Choice), Below: x.Live.Below}}
		for _, n := range x.Candidates {
			v.Values = append(v.Values, fmt.Sprint(n))
		}
		out = append(out, v)
	}
	return out
}
