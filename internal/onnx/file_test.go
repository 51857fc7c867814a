package onnx_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/autotailor/autotailor/internal/onnx"
	"github.com/autotailor/autotailor/internal/onnxpb"
)

// external is a tensor of four bytes whose data lie in another file; props are pairs of key and value.
func external(props ...string) *onnxpb.TensorProto {
	p := &onnxpb.TensorProto{Name: proto.String("w"), DataType: proto.Int32(1), Dims: []int64{1}, DataLocation: onnxpb.TensorProto_EXTERNAL.Enum()}
	for k := 0; k < len(props); k += 2 {
		p.ExternalData = append(p.ExternalData, &onnxpb.StringStringEntryProto{Key: proto.String(props[k]), Value: proto.String(props[k+1])})
	}
	return p
}

// folder has a model's folder with files that external data may name, and a file outside.
func folder(t testing.TB) (dir string) {
	t.Helper()
	root := t.TempDir()
	dir = filepath.Join(root, "inner")
	for name, text := range map[string]string{"inner/w.bin": "....1234", "inner/sub/v.bin": "5678", "outside": "secret secret"} {
		path := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for link, to := range map[string]string{
		"out": "../outside", "absolute": filepath.Join(root, "outside"), "in": "sub/v.bin", "deep": "out", "up": "..", "dangling": "none", "self": "self",
	} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Skip("this system has no symbolic links: ", err)
		}
	}
	return dir
}

// TestExternalData: data beside the model are read, also behind a link that stays in the folder. Everything else ends in an error that says
// what is wrong.
func TestExternalData(t *testing.T) {
	dir := folder(t)
	const last = "9223372036854775807"
	for _, c := range []struct {
		p          *onnxpb.TensorProto
		data, want string
	}{
		{external("location", "w.bin", "offset", "4"), "1234", ""},
		{external("location", "w.bin", "offset", "4", "length", "4", "checksum", "none"), "1234", ""},
		{external("location", "sub/v.bin", "offset", ""), "5678", ""},
		{external("location", "sub/../w.bin", "offset", "4"), "1234", ""},
		{external("location", "in"), "5678", ""},
		{external("location", "out"), "", "symbolic link"},
		{external("location", "absolute"), "", "symbolic link"},
		{external("location", "deep"), "", "symbolic link"},
		{external("location", "up/outside"), "", "escapes"},
		{external("location", "dangling"), "", "symbolic link"},
		{external("location", "self"), "", "symbolic link"},
		{external("location", "../outside"), "", "not inside"},
		{external("location", "sub/../../outside"), "", "not inside"},
		{external("location", filepath.Join(dir, "w.bin")), "", "not inside"},
		{external("location", ""), "", "does not name"},
		{external(), "", "does not name"},
		{external("location", "sub"), "", "it is a folder"},
		{external("location", "."), "", "it is a folder"},
		{external("location", "none"), "", "no such file"},
		{external("location", "w.bin\x00"), "", "w.bin"},
		{external("location", "w.bin", "offset", "5"), "", "ends before"},
		{external("location", "w.bin", "offset", last), "", "ends before"},
		{external("location", "w.bin", "offset", "-4"), "", "offset"},
		{external("location", "w.bin", "offset", "-"+last), "", "offset"},
		{external("location", "w.bin", "offset", last+"0"), "", "offset"},
		{external("location", "w.bin", "offset", "zero"), "", "offset"},
		{external("location", "w.bin", "length", "-4"), "", "length"},
		{external("location", "w.bin", "length", "8"), "", "its shape needs 4"},
		{external("location", "w.bin", "length", last), "", "its shape needs 4"},
	} {
		m, p := parse(t, c.p, dir)
		v, err := m.Tensor(p)
		if (err == nil) != (c.want == "") || string(v.Raw) != c.data || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %q, %v; want %q, %q", c.p.GetExternalData(), v.Raw, err, c.data, c.want)
		}
		if l, _, other := m.Locate(p); (other == nil) != (err == nil) || !bytes.Equal(l.Raw, v.Raw) {
			t.Errorf("%v: Locate says %q, %v", c.p.GetExternalData(), l.Raw, other)
		}
	}
	m, p := parse(t, external("location", "w.bin"), "")
	if v, err := m.Tensor(p); err == nil {
		t.Errorf("a model in memory reads %q", v.Raw)
	}
}

// TestExternalSizes: a shape that needs more than the file has is refused, however large.
func TestExternalSizes(t *testing.T) {
	dir := folder(t)
	for _, dims := range [][]int64{{3}, {1 << 30}, {1 << 30, 64}, {1 << 31}, {1 << 20, 1 << 19}, {1 << 30, 1 << 30, 1 << 30}} {
		p := external("location", "w.bin")
		p.Dims = dims
		m, q := parse(t, p, dir)
		_, err := m.Tensor(q)
		_, _, other := m.Locate(q)
		if err == nil || other == nil {
			t.Errorf("%v: %v, %v", dims, err, other)
		}
	}
}

// TestLocate: many bytes stay in their file until they are asked for.
func TestLocate(t *testing.T) {
	dir := t.TempDir()
	data := make([]byte, 1<<20)
	for k := range data {
		data[k] = byte(k * 7 >> 3)
	}
	if err := os.WriteFile(filepath.Join(dir, "w.bin"), data, 0o600); err != nil {
		t.Fatal(err)
	}
	p := external("location", "w.bin", "offset", "4096")
	p.Dims = []int64{512, 256}
	m, q := parse(t, p, dir)
	v, at, err := m.Locate(q)
	if err != nil || v.Raw != nil || at == nil || at.Offset != 4096 || at.Length != 4*512*256 {
		t.Fatalf("%v, %v: %d bytes in memory", err, at, len(v.Raw))
	}
	if got, err := at.Read(t.Context()); err != nil || !bytes.Equal(got, data[4096:][:4*512*256]) {
		t.Errorf("%d other bytes, %v", len(got), err)
	}
	if err := os.Truncate(filepath.Join(dir, "w.bin"), 8192); err != nil {
		t.Fatal(err)
	}
	if got, err := at.Read(t.Context()); err == nil {
		t.Errorf("of a file that became shorter, %d bytes", len(got))
	}
}

// TestOnlyRegularFiles: what is no file of bytes is refused by what it is. (Named pipes are in pipe_test.go.)
func TestOnlyRegularFiles(t *testing.T) {
	dir := t.TempDir()
	if _, err := onnx.Open(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "it is a folder") {
		t.Errorf("a folder: %v", err)
	}
	if _, err := onnx.Open(t.Context(), filepath.Join(dir, "none.onnx")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if _, err := os.Stat(os.DevNull); err == nil {
		if _, err := onnx.Open(t.Context(), os.DevNull); err == nil || !strings.Contains(err.Error(), "only regular files") {
			t.Errorf("a device: %v", err)
		}
	}
}

// TestTooLarge: a file that protobuf cannot hold is refused before it is read.
func TestTooLarge(t *testing.T) {
	path := filepath.Join(t.TempDir(), "large.onnx")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 3<<30); err != nil {
		t.Skip("this system has no sparse files: ", err)
	}
	if _, err := onnx.Open(t.Context(), path); err == nil || !strings.Contains(err.Error(), "3221225472 bytes") {
		t.Errorf("%v", err)
	}
}

// TestCancel: the context ends the reading of a model and of its weights.
func TestCancel(t *testing.T) {
	dir := folder(t)
	path := filepath.Join(dir, "m.onnx")
	if err := os.WriteFile(path, model(t, &onnxpb.GraphProto{Initializer: []*onnxpb.TensorProto{external("location", "w.bin")}}), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	m, err := onnx.Open(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := m.Tensor(m.Proto.Graph.Initializer[0]); !errors.Is(err, context.Canceled) {
		t.Errorf("weights: %v", err)
	}
	if _, err := onnx.Open(ctx, path); !errors.Is(err, context.Canceled) {
		t.Errorf("a model: %v", err)
	}
}

// TestSubgraphsHaveTheirData: an attribute that is carried as bytes does not name other files, wherever in it a tensor is.
func TestSubgraphsHaveTheirData(t *testing.T) {
	dir := folder(t)
	branch := func(p *onnxpb.TensorProto) *onnxpb.AttributeProto {
		inner := &onnxpb.AttributeProto{Name: proto.String("value"), Type: onnxpb.AttributeProto_TENSOR.Enum(), T: p}
		g := &onnxpb.GraphProto{Node: []*onnxpb.NodeProto{{OpType: proto.String("Constant"), Attribute: []*onnxpb.AttributeProto{inner}}}}
		loop := &onnxpb.AttributeProto{Name: proto.String("body"), Type: onnxpb.AttributeProto_GRAPH.Enum(), G: g}
		outer := &onnxpb.GraphProto{Node: []*onnxpb.NodeProto{{OpType: proto.String("Loop"), Attribute: []*onnxpb.AttributeProto{loop}}}}
		return &onnxpb.AttributeProto{Name: proto.String("then_branch"), Type: onnxpb.AttributeProto_GRAPH.Enum(), G: outer}
	}
	m, _ := parse(t, external("location", "w.bin"), dir)
	a, err := m.Attr(branch(external("location", "w.bin", "offset", "4")))
	if err != nil || !bytes.Contains(a.Raw, []byte("1234")) || bytes.Contains(a.Raw, []byte("w.bin")) {
		t.Errorf("%q, %v", a.Raw, err)
	}
	if a, err := m.Attr(branch(external("location", "../outside"))); err == nil || !strings.Contains(err.Error(), "not inside") {
		t.Errorf("%q, %v", a.Raw, err)
	}
}
