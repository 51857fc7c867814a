// Package attack makes models that would make a reader which trusts them hang, take all memory, or read foreign files. Only tests import it.
package attack

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/autotailor/autotailor/internal/onnx"
	"github.com/autotailor/autotailor/internal/onnxpb"
)

// Model is a bad model file.
type Model struct {
	Name, Path string
	Want       string // part of the error
}

// What a refusal may take at most.
const (
	Time   = time.Second
	Memory = 100 << 20 // bytes
)

// hang is how long a command may take before it counts as one that never ends.
const hang = 30 * time.Second

// lie is what a model says of a tensor's external data.
type lie struct {
	name, location, offset, length string
	dims                           []int64 // nil for the true ones
	want                           string
}

const most = "9223372036854775807"

func lies(dir string) []lie {
	return []lie{
		{"ovf", "w.bin", most, "", []int64{1 << 30, 64, 1, 1}, "more than"},
		{"sym", "link", "", "", nil, "symbolic link"},
		{"fifo", "fifo", "", "", nil, "it is a named pipe"},
		{"offset overflows", "w.bin", most, "", nil, "ends before"},
		{"offset beyond the end", "w.bin", "1048576", "", nil, "ends before"},
		{"negative offset", "w.bin", "-1", "", nil, "offset"},
		{"negative length", "w.bin", "", "-1", nil, "length"},
		{"another length", "w.bin", "", "4", nil, "its shape needs"},
		{"length overflows", "w.bin", "4", most, nil, "its shape needs"},
		{"no number", "w.bin", "many", "", nil, "offset"},
		{"extents overflow", "w.bin", "", "", []int64{1 << 30, 1 << 30, 1 << 30, 1 << 30}, "not possible"},
		{"64 GiB", "w.bin", "", "", []int64{1 << 17, 1 << 17, 1, 1}, "more than"},
		{"8 GiB", "w.bin", "", "", []int64{1 << 16, 1 << 15, 1, 1}, "ends before"},
		{"negative extent", "w.bin", "", "", []int64{-1, 1, 3, 3}, "not possible"},
		{"absolute path", filepath.Join(dir, "w.bin"), "", "", nil, "not inside"},
		{"parent", "../secret", "", "", nil, "not inside"},
		{"parent of a folder", "sub/../../secret", "", "", nil, "not inside"},
		{"behind a linked folder", "up/secret", "", "", nil, "escapes"},
		{"folder", "sub", "", "", nil, "it is a folder"},
		{"link to a pipe", "piped", "", "", nil, "it is a named pipe"},
		{"link to nothing", "dangling", "", "", nil, "symbolic link"},
		{"link to itself", "self", "", "", nil, "symbolic link"},
		{"missing", "none.bin", "", "", nil, "none.bin"},
		{"no location", "", "", "", nil, "does not name"},
	}
}

// Models writes bad models into a new folder: copies of base whose first weights of four axes are not what the model says, and files that are no
// models. It skips the test on systems that have no named pipes or symbolic links.
func Models(t *testing.T, base []byte) []Model {
	t.Helper()
	dir := folder(t)
	var out []Model
	for _, l := range lies(dir) {
		path := filepath.Join(dir, l.name+".onnx")
		write(t, path, l.tell(t, base))
		out = append(out, Model{l.name, path, l.want})
	}
	for name, text := range map[string][]byte{"empty": nil, "text": []byte("no model at all"), "half": base[:len(base)/2]} {
		path := filepath.Join(dir, name+".onnx")
		write(t, path, text)
		out = append(out, Model{name, path, "not an ONNX model"})
	}
	large := filepath.Join(dir, "large.onnx")
	write(t, large, nil)
	if err := os.Truncate(large, 3<<30); err != nil {
		t.Fatal(err)
	}
	return append(out, Model{"large", large, "more than an ONNX file can have"}, Model{"pipe as a model", filepath.Join(dir, "fifo"), "it is a named pipe"},
		Model{"folder as a model", filepath.Join(dir, "sub"), "it is a folder"}, Model{"device as a model", os.DevNull, "it is a device"})
}

// folder is a model's folder with what the lies name, in one that has a secret.
func folder(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	dir := filepath.Join(root, "model")
	if err := os.MkdirAll(filepath.Join(dir, "sub"), 0o777); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "w.bin"), make([]byte, 4096))
	write(t, filepath.Join(root, "secret"), make([]byte, 1<<20))
	if err := pipe(filepath.Join(dir, "fifo")); err != nil {
		t.Skip("this system has no named pipes: ", err)
	}
	for link, to := range map[string]string{"link": "../secret", "up": "..", "piped": "fifo", "dangling": "none", "self": "self"} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Skip("this system has no symbolic links: ", err)
		}
	}
	return dir
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// tell returns the model with the lie in it.
func (l lie) tell(t *testing.T, base []byte) []byte {
	t.Helper()
	m, err := onnx.Unmarshal(base)
	if err != nil {
		t.Fatal(err)
	}
	all := m.GetGraph().GetInitializer()
	k := slices.IndexFunc(all, func(p *onnxpb.TensorProto) bool { return len(p.GetDims()) == 4 })
	if k < 0 {
		t.Fatal("the model has no weights of four axes")
	}
	p := &onnxpb.TensorProto{Name: all[k].Name, DataType: all[k].DataType, Dims: all[k].Dims, DataLocation: onnxpb.TensorProto_EXTERNAL.Enum()}
	if l.dims != nil {
		p.Dims = l.dims
	}
	for _, e := range [][2]string{{"location", l.location}, {"offset", l.offset}, {"length", l.length}} {
		if e[1] != "" {
			p.ExternalData = append(p.ExternalData, &onnxpb.StringStringEntryProto{Key: proto.String(e[0]), Value: proto.String(e[1])})
		}
	}
	all[k] = p
	data, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// Refused runs a command that must refuse m: exit code 1, an error that says what is wrong, within Time and Memory. The best of three runs counts, as
// others may use the machine.
func Refused(t *testing.T, m Model, command func() (code int, out, errs string)) {
	t.Helper()
	took, used := time.Duration(math.MaxInt64), uint64(math.MaxUint64)
	for try := 0; try < 3 && (took > Time || used > Memory); try++ {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		code, out, errs, err := within(command)
		took = min(took, time.Since(start))
		runtime.ReadMemStats(&after)
		used = min(used, after.TotalAlloc-before.TotalAlloc)
		switch {
		case err != nil:
			t.Fatalf("%s: %v", m.Name, err)
		case bytes.Contains([]byte(errs), []byte("which no node")) || bytes.Contains([]byte(errs), []byte("neither the model")):
			t.Errorf("%s: %q does not name the cause alone", m.Name, errs)
			return
		case code != 1 || out != "" || !bytes.Contains([]byte(errs), []byte(m.Want)):
			t.Errorf("%s: exit code %d, %q, %q; want 1 and %q", m.Name, code, out, errs, m.Want)
			return
		}
	}
	if took > Time || used > Memory {
		t.Errorf("%s: refused after %v and %s bytes", m.Name, took, strconv.FormatUint(used, 10))
	}
}

// within runs a command until it ends, or never does.
func within(command func() (int, string, string)) (code int, out, errs string, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("panic: %v", p)
			}
		}()
		code, out, errs = command()
	}()
	select {
	case <-done:
		return code, out, errs, err
	case <-time.After(hang):
		return 0, "", "", errors.New("it does not end")
	}
}
