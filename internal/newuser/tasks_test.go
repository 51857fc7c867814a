package newuser

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/internal/onnx"
	"github.com/autotailor/autotailor/internal/onnxpb"
	"github.com/autotailor/autotailor/internal/rows"
)

// tokens is the length of a row of the text models, vocabulary how many tokens there are.
const tokens, vocabulary = 12, 40

// texts is a small network for tokens: residual blocks after an embedding. It scores 3 classes of the text, or the next token at each position.
func texts(next bool) ([]byte, error) {
	d := &drawing{draw: rand.New(rand.NewPCG(5, 6))}
	y := d.node("Gather", "embedded", []string{d.weight("embedding", -1, 1, vocabulary, 16), "ids"})
	for k := range 3 {
		name := fmt.Sprintf("block%d", k)
		h := d.node("Relu", name+".relu", []string{d.node("MatMul", name+".up", []string{y, d.weight(name+".w1", -0.4, 0.4, 16, 32)})})
		y = d.node("Add", name, []string{y, d.node("MatMul", name+".down", []string{h, d.weight(name+".w2", -0.3, 0.3, 32, 16)})})
	}
	out := info("logits", 3)
	if next {
		out = info("logits", tokens, vocabulary)
		d.node("MatMul", "logits", []string{y, d.weight("head", -0.4, 0.4, 16, vocabulary)})
	} else {
		y = d.node("ReduceMean", "mean", []string{y}, ints("axes", 1), &onnxpb.AttributeProto{Name: proto.String("keepdims"), Type: onnxpb.AttributeProto_INT.Enum(), I: proto.Int64(0)})
		d.node("MatMul", "logits", []string{y, d.weight("head", -0.4, 0.4, 16, 3)})
	}
	in := info("ids", tokens)
	in.Type.GetTensorType().ElemType = proto.Int32(7)
	return d.file(in, out)
}

// masks is a small network that scores 3 classes of each pixel.
func masks() ([]byte, error) {
	d := &drawing{draw: rand.New(rand.NewPCG(7, 8))}
	y := d.node("Relu", "stem", []string{d.conv("stem.1", "image", 1, 16, 3, 1)})
	for b := range 3 {
		y = d.block(fmt.Sprintf("layer.%d", b), y, 16, 16, 1)
	}
	d.node("Conv", "scores", []string{y, d.weight("head", -0.3, 0.3, 3, 16, 1, 1)}, ints("kernel_shape", 1, 1))
	return d.file(info("image", 1, 16, 16), info("scores", 3, 16, 16))
}

func (d *drawing) file(in, out *onnxpb.ValueInfoProto) ([]byte, error) {
	d.g.Name, d.g.Input, d.g.Output = proto.String("main"), []*onnxpb.ValueInfoProto{in}, []*onnxpb.ValueInfoProto{out}
	return proto.Marshal(&onnxpb.ModelProto{IrVersion: proto.Int64(8), ProducerName: proto.String("somebody"), Graph: &d.g,
		OpsetImport: []*onnxpb.OperatorSetIdProto{{Domain: proto.String(""), Version: proto.Int64(17)}}})
}

// lines are n rows of tokens of different lengths, with a class or without.
func lines(n int, classes bool) []byte {
	draw, b := rand.New(rand.NewPCG(9, 9)), strings.Builder{}
	for range n {
		row := make([]int, 3+draw.IntN(14))
		for k := range row {
			row[k] = draw.IntN(vocabulary)
		}
		text, _ := json.Marshal(row) // numbers
		fmt.Fprintf(&b, `{"ids": %s`, text)
		if classes {
			fmt.Fprintf(&b, `, "label": %q`, []string{"ham", "spam", "unsure"}[draw.IntN(3)])
		}
		b.WriteString("}\n")
	}
	return []byte(b.String())
}

// maps are n images and masks as npy files.
func maps(t *testing.T, n int) (images, labels []byte) {
	draw := rand.New(rand.NewPCG(11, 12))
	x, y := make([]byte, n*16*16*4), make([]byte, n*16*16)
	for k := range y {
		y[k] = byte(draw.IntN(3))
		x[4*k+2], x[4*k+3] = 128, byte(62+draw.IntN(2)) // 0.25 or 1
	}
	images, err1 := rows.AppendNPY(nil, onnx.Tensor{Type: onnx.Float32, Shape: []int{n, 1, 16, 16}, Raw: x})
	labels, err2 := rows.AppendNPY(nil, onnx.Tensor{Type: onnx.Uint8, Shape: []int{n, 16, 16}, Raw: y})
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	return images, labels
}

// TestOtherTasks follows README.md with data that are no images with classes, up to a bundle.
func TestOtherTasks(t *testing.T) {
	needs.Time(t)
	needs.Clone(t)
	images, labels := maps(t, 60)
	for name, c := range map[string]struct {
		model func() ([]byte, error)
		data  map[string][]byte
		task  string // that init proposes
		says  string // what sensitivity says of the original
		asks  []int  // the shape of a request to the service
		gets  string // a part of its answer
	}{
		"text":         {func() ([]byte, error) { return texts(false) }, map[string][]byte{"data/train.jsonl": lines(60, true), "data/test.jsonl": lines(30, true)}, "", "correctly classified", []int{tokens}, `"class":`},
		"language":     {func() ([]byte, error) { return texts(true) }, map[string][]byte{"data/train.jsonl": lines(60, false), "data/test.jsonl": lines(30, false)}, "language model", "nats per token", []int{tokens}, `"shape":[12]`},
		"segmentation": {masks, map[string][]byte{"data/train_image.npy": images, "data/train_label.npy": labels, "data/test_image.npy": images, "data/test_label.npy": labels}, "segmentation", "mean IoU", []int{1, 16, 16}, `"classes":[`},
	} {
		t.Run(name, func(t *testing.T) {
			u := module(t)
			m, err := c.model()
			if err != nil {
				t.Fatal(err)
			}
			u.write("model.onnx", m)
			for file, content := range c.data {
				u.write(file, content)
			}
			u.run("go tool autotailor init --model model.onnx --data data")
			config, err := os.ReadFile(filepath.Join(u.dir, "autotailor.toml"))
			if err != nil || c.task != "" && !strings.Contains(string(config), fmt.Sprintf("task = %q", c.task)) {
				t.Errorf("%v, the config lacks the task %q:\n%s", err, c.task, config)
			}
			u.run("go generate ./...")
			u.run("go build -o bin/mynet ./cmd/mynet")
			u.run("bin/mynet profile --runs 2 --out device.lut")
			if text := u.run("bin/mynet sensitivity --model model.onnx --data data --images 20 --calibrate 20 --out net.acc"); !strings.Contains(text, c.says) {
				t.Errorf("sensitivity does not speak of %s:\n%s", c.says, text)
			}
			u.run("bin/mynet tune --model model.onnx --data data --steps 3 --batch 8 --subnets 2 --calibrate 20 --check 10 --out tuned.onnx")
			u.run("bin/mynet evaluate --model tuned.onnx --data data --images 20 --calibrate 20 --subnet original --json")
			u.run("bin/mynet sensitivity --model tuned.onnx --data data --images 20 --calibrate 20 --out tuned.acc")
			u.run("bin/mynet export --model tuned.onnx --lut device.lut --accuracy tuned.acc --front 3 --data data --dir bundle")
			u.run("bin/mynet verify --model tuned.onnx --subnet original --lut device.lut --runs 3 --json")
			u.run("bin/mynet report --lut device.lut --accuracy tuned.acc --out report")
			u.run("bin/mynet status")
			u.serve(c.asks, c.gets)
		})
	}
}

// serve starts the bundle's service and asks it once.
func (u *user) serve(shape []int, want string) {
	u.Helper()
	cmd := exec.Command(filepath.Join(u.dir, "bin", "mynet"), "serve", "--bundle", "bundle", "--addr", "localhost:0")
	cmd.Dir = u.dir
	out, err := cmd.StdoutPipe()
	if err != nil {
		u.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		u.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Signal(os.Interrupt)
		if err := cmd.Wait(); err != nil {
			u.Errorf("serve ended with %v", err)
		}
	}()
	said, lines := "", bufio.NewScanner(out)
	for !strings.Contains(said, "try ") && lines.Scan() {
		said += lines.Text() + "\n"
	}
	at := regexp.MustCompile(`http://\S+/predict`).FindString(said)
	numbers := 1
	for _, n := range shape {
		numbers *= n
	}
	body := fmt.Sprintf(`{"data": [%s0], "shape": %s}`, strings.Repeat("0, ", numbers-1), strings.ReplaceAll(fmt.Sprint(shape), " ", ", "))
	r, err := http.Post(at, "application/json", strings.NewReader(body))
	if err != nil {
		u.Fatalf("%v\n%s", err, said)
	}
	defer r.Body.Close()
	if text, err := io.ReadAll(r.Body); err != nil || r.StatusCode != http.StatusOK || !strings.Contains(string(text), want) {
		u.Errorf("status %d, %s (%v), want %s; serve said\n%s", r.StatusCode, text, err, want, said)
	}
}
