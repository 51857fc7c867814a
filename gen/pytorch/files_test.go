package pytorch_test

import (
	"archive/tar"
	"bytes"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/internal/onnxpb"
	"github.com/autotailor/autotailor/internal/torch"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// TestONNXForms: tensors are found and replaced in place in all the forms that files store them in.
func TestONNXForms(t *testing.T) {
	needs.Time(t)
	needs.Clone(t)
	t.Parallel()
	py := torch.Python(t)
	dir := emit(t, "vit")
	loose := protowire.AppendFixed32(protowire.AppendTag(nil, 4, protowire.Fixed32Type), 0x3f800000) // an element of float_data, not packed
	tensor := func(name string, dims ...int64) *onnxpb.TensorProto {
		return &onnxpb.TensorProto{Name: proto.String(name), Dims: dims, DataType: proto.Int32(1)}
	}
	raw, packed, external, single := tensor("raw", 2), tensor("packed", 1, 2), tensor("external", 2), tensor("single", 1)
	raw.RawData, packed.FloatData = []byte{0, 0, 128, 63, 0, 0, 0, 64}, []float32{3, 4}
	location := onnxpb.TensorProto_EXTERNAL
	external.DataLocation = &location
	for k, v := range map[string]string{"location": "w.bin", "offset": "4", "length": "8"} {
		external.ExternalData = append(external.ExternalData, &onnxpb.StringStringEntryProto{Key: proto.String(k), Value: proto.String(v)})
	}
	single.ProtoReflect().SetUnknown(loose)
	m := &onnxpb.ModelProto{ProducerName: proto.String("somebody"), Graph: &onnxpb.GraphProto{Initializer: []*onnxpb.TensorProto{raw, packed, external, single}}}
	data, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	outside := []byte{9, 9, 9, 9, 0, 0, 160, 64, 0, 0, 192, 64, 9}
	for name, b := range map[string][]byte{"m.onnx": data, "w.bin": outside} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	out, err := run(t, dir, "", py, "-c", `
import os, torch
from vit.onnxfile import Model
m = Model("m.onnx")
t = m.tensors()
print({k: v.tolist() for k, v in sorted(t.items())})
os.mkdir("same"); os.mkdir("other")
m.save("same/m.onnx", t)
m.save("other/m.onnx", {k: v + 10 for k, v in t.items()})
print({k: v.tolist() for k, v in sorted(Model("other/m.onnx").tensors().items())})
for wrong in ({"nobody": t["raw"]}, {"raw": t["packed"]}):
    try:
        m.save("other/m.onnx", wrong)
    except ValueError as e:
        print(e)
`)
	want := `{'external': [5.0, 6.0], 'packed': [[3.0, 4.0]], 'raw': [1.0, 2.0], 'single': [1.0]}
{'external': [15.0, 16.0], 'packed': [[13.0, 14.0]], 'raw': [11.0, 12.0], 'single': [11.0]}
m.onnx: it has no tensor nobody that could be replaced
m.onnx: raw has the shape (2,), not (1, 2)
`
	if err != nil || string(out) != want {
		t.Fatalf("%v\n%s\nwant\n%s", err, out, want)
	}
	if !bytes.Equal(read(t, filepath.Join(dir, "same/m.onnx")), data) || !bytes.Equal(read(t, filepath.Join(dir, "same/w.bin")), outside) {
		t.Error("a model that is written back differs")
	}
}

// TestPictures: tar shards are indexed and labels found; without Pillow the error says what to install.
func TestPictures(t *testing.T) {
	needs.Time(t)
	needs.Clone(t)
	t.Parallel()
	py := torch.Python(t)
	dir := emit(t, "vit")
	var grey bytes.Buffer
	if err := png.Encode(&grey, &image.Gray{Pix: []byte{0, 64, 128, 255}, Stride: 2, Rect: image.Rect(0, 0, 2, 2)}); err != nil {
		t.Fatal(err)
	}
	picture := grey.Bytes()
	shard := func(name string, labelled bool) {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		for _, f := range []struct{ name, data string }{{"000.png", string(picture)}, {"000.cls", "3"}, {"001.png", string(picture)}, {"001.cls", "7"}} {
			if f.name == "001.cls" && !labelled {
				continue
			}
			if err := w.WriteHeader(&tar.Header{Name: f.name, Size: int64(len(f.data)), Mode: 0o644}); err != nil {
				t.Fatal(err)
			}
			if _, err := w.Write([]byte(f.data)); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, b.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	shard(filepath.Join(dir, "good", "train-0.tar"), true)
	shard(filepath.Join(dir, "good", "train-1.tar"), true)
	shard(filepath.Join(dir, "bad", "train-0.tar"), false)
	folder := filepath.Join(dir, "folder", "train", "shirt")
	if err := os.MkdirAll(folder, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "a.png"), picture, 0o666); err != nil {
		t.Fatal(err)
	}
	out, err := run(t, dir, "", py, "-c", `
from vit.data import open_split
for folder in ("good", "bad", "folder"):
    try:
        images = open_split(folder, "train", 2, 1)
        x, y = images.batch(range(len(images)))
        print(folder, tuple(x.shape), x[-1].flatten().tolist(), y.tolist())
    except (ValueError, RuntimeError) as e:
        print(folder, e)
`)
	if err != nil {
		t.Fatal(err)
	}
	_, missing := run(t, dir, "", py, "-c", "import PIL")
	wants := []string{"good (4, 1, 2, 2) [0, 64, 128, 255] [3, 7, 3, 7]", "bad bad/train-0.tar: 1 pictures have no label beside them, the first is 001; want 001.cls", "folder (1, 1, 2, 2) [0, 64, 128, 255] [0]"}
	if missing != nil {
		t.Log("Pillow is not installed: only its error is tested")
		wants = []string{"good good: pictures need the package Pillow", wants[1], "folder folder/train: pictures need the package Pillow"}
	}
	for _, want := range wants {
		if !strings.Contains(string(out), want) {
			t.Errorf("output\n%s\nlacks %q", out, want)
		}
	}
}

// TestBatches: an epoch has all images once, in another order each time; processes share them, and a run can go on in the middle of an epoch.
func TestBatches(t *testing.T) {
	needs.Time(t)
	needs.Clone(t)
	t.Parallel()
	py := torch.Python(t)
	dir := emit(t, "vit")
	out, err := run(t, dir, "", py, "-c", `
import torch
from vit.data import Batches, Images, Order, Steps, loaded
row = [int(i) for at in range(0, 2 * 41, 1) for i in Order(41, 3)(at, 1)]
print(len(set(row[:41])), len(set(row[41:])), row[:41] != row[41:], max(row) < 41)
images = Images(torch.arange(41, dtype=torch.uint8).view(41, 1, 1, 1), torch.arange(41), "")
for workers in (0, 2):
    own = lambda first, rank: [y.tolist() for _, y in loaded(Batches(images, Steps(41, 3, first, 9, 4, rank, 2)), workers)]
    print(own(0, 1)[6:] == own(6, 1), sum((a + b for a, b in zip(own(0, 0), own(0, 1))), []) == row[:72])
try:
    Steps(5, 0, 0, 4, 4, 0, 2)
except ValueError as e:
    print(e)
`)
	want := "41 41 True True\nTrue True\nTrue True\n5 images do not fill a batch of 4 on 2 processes\n"
	if err != nil || string(out) != want {
		t.Errorf("%v\n%s\nwant\n%s", err, out, want)
	}
}

// TestDivergences: with the Kullback-Leibler exponent the gradient is that of the soft cross entropy, and equal outputs have none.
func TestDivergences(t *testing.T) {
	needs.Time(t)
	needs.Clone(t)
	t.Parallel()
	py := torch.Python(t)
	out, err := run(t, emit(t, "vit"), "", py, "-c", `
import torch
from vit import losses
g = torch.Generator().manual_seed(2)
teacher = torch.randn(16, 5, generator=g, dtype=torch.float64)
def grad(f, x):
    x = x.clone().requires_grad_()
    f(x).sum().backward()
    return x.grad
x = torch.randn(16, 5, generator=g, dtype=torch.float64)
p = teacher.softmax(1)
kl = lambda x: losses.divergence(x, teacher)
cross = lambda x: -(p * x.log_softmax(1)).sum(1)
print(torch.allclose(grad(kl, x), grad(cross, x)), torch.allclose(kl(x), cross(x) - cross(teacher)))
losses.CLIP = 1e9
def exact(x):  # the larger one itself, by autograd
    q = x.softmax(1)
    return torch.maximum((q * (q / p - 1)).sum(1) / 2, kl(x))
both = lambda x: losses.divergence(x, teacher, alpha=True)
print(torch.allclose(both(x), exact(x)), torch.allclose(grad(both, x), grad(exact, x)), 0 < int((both(x) > kl(x)).sum()) < len(x))
print(float(grad(both, teacher).abs().max()) < 1e-9)
`)
	if want := "True True\nTrue True True\nTrue\n"; err != nil || string(out) != want {
		t.Errorf("%v\n%s\nwant\n%s", err, out, want)
	}
}

// TestImagesAreStratified: each run of images of folders that are sorted by class has every class in proportion, the same each time.
func TestImagesAreStratified(t *testing.T) {
	t.Parallel()
	py := torch.Python(t)
	out, err := run(t, emit(t, "vit"), "", py, "-c", `
from vit.ordering import stratified
from vit.pictures import Files, _columns, index, keys
labels = [0] * 500 + [1] * 300 + [2] * 200
named = lambda start: index("here", [], [_columns(0, [(f"{start}{k}.png", 0, 1, y) for k, y in enumerate(labels)])])
mixed = lambda x: stratified(keys(x), x.label).tolist()
order = mixed(named(""))
assert sorted(order) == list(range(1000)) and order == mixed(named("")) and order != mixed(named("x"))
for first, upto in ((0, 10), (0, 100), (400, 600), (990, 1000)):
    n = upto - first
    for y, share in enumerate((0.5, 0.3, 0.2)):
        got = sum(labels[i] == y for i in order[first:upto])
        assert abs(got - share * n) <= 2, (first, upto, y, got)
f = Files("here", named(""), 8, 1)
assert all(labels[int(f.index.name(i)[:-4])] == y for i, y in enumerate(f.labels.tolist()))
print("stratified")
`)
	if err != nil || !strings.Contains(string(out), "stratified") {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestTensorsThatAreStoredOnce: an exporter stores equal tensors once. The weights and variances of a BatchNorm that was never trained are such:
// all of them are read, and named where they cannot be tuned apart.
func TestTensorsThatAreStoredOnce(t *testing.T) {
	needs.Time(t)
	needs.Clone(t)
	t.Parallel()
	py := torch.Python(t)
	out, err := run(t, emit(t, "vit"), "", py, "-c", `
import torch
from vit.layers import BatchNorm, Net
net = Net()
net.a = BatchNorm("a", 3, names=("ones", "zeros", "zeros", "ones"))
net.b = BatchNorm("b", 3, names=("ones", "zeros", "mean", "var"))
net.load({"ones": torch.ones(3), "zeros": torch.zeros(3), "mean": torch.full((3,), 2.0), "var": torch.full((3,), 4.0)}).eval()
x = torch.randn(2, 3, 4, 4)
print(torch.allclose(net.a(x), x, atol=1e-4), torch.allclose(net.b(x), (x - 2) / 2, atol=1e-4), net.twofold())
`)
	if want := "True True ['ones', 'zeros']\n"; err != nil || string(out) != want {
		t.Errorf("%v\n%s\nwant\n%s", err, out, want)
	}
}
