package rows

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func npy(version byte, header string, data []byte) []byte {
	out := append([]byte(npyMagic), version, 0)
	if version == 1 {
		out = binary.LittleEndian.AppendUint16(out, uint16(len(header)))
	} else {
		out = binary.LittleEndian.AppendUint32(out, uint32(len(header)))
	}
	return append(append(out, header...), data...)
}

func npz(f testing.TB, method uint16, members map[string][]byte) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, raw := range members {
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: method})
		if err == nil {
			_, err = w.Write(raw)
		}
		if err != nil {
			f.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		f.Fatal(err)
	}
	return b.Bytes()
}

// read opens a file of a few bytes and reads some rows of it. Nothing may panic, and memory is bounded whatever the file claims.
func read(t *testing.T, name string, raw []byte) {
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f, err := open([]string{path}, Options{Skip: 3})
	if err == nil {
		for _, i := range []int{0, f.Len() - 1, f.Len() / 2} {
			row, err := f.Row(i)
			if err != nil {
				continue
			}
			for k, field := range f.Fields() {
				n, ok := elements(row[k].Shape, field.Type.Bytes())
				if !ok || row[k].Type != field.Type || int64(len(row[k].Raw)) != n*int64(field.Type.Bytes()) {
					t.Errorf("%+v has the value %+v", field, row[k])
				}
			}
			f.Where(i)
		}
	} else if !strings.Contains(err.Error(), name) {
		t.Errorf("an error without the file's name: %v", err)
	}
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > 1<<28 {
		t.Errorf("%d bytes of memory for a file of %d", used, len(raw))
	}
}

func FuzzNPY(f *testing.F) {
	head := "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }"
	f.Add(npy(1, head, make([]byte, 24)))
	f.Add(npy(2, "{'shape': (4L,), 'descr': '|b1', 'fortran_order': False}\n", make([]byte, 4)))
	f.Add(npy(3, "{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (1,)}", make([]byte, 4)))
	f.Add(npy(1, "{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, 4294967296, 4294967296)}", nil))
	f.Add(npy(1, "{'descr': '<f8', 'fortran_order': False, 'shape': (9223372036854775807, 2)}", nil))
	f.Add(npy(1, "{'descr': '<f8', 'fortran_order': True, 'shape': (0, 1000000000000)}", nil))
	f.Fuzz(func(t *testing.T, raw []byte) { read(t, "a.npy", raw) })
}

func FuzzNPZ(f *testing.F) {
	one := npy(1, "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }", make([]byte, 24))
	f.Add(npz(f, zip.Store, map[string][]byte{"a.npy": one}))
	f.Add(npz(f, zip.Deflate, map[string][]byte{"a.npy": one, "b.npy": one}))
	f.Add(npz(f, zip.Deflate, map[string][]byte{"a.txt": one}))
	f.Fuzz(func(t *testing.T, raw []byte) { read(t, "a.npz", raw) })
}

func FuzzCSV(f *testing.F) {
	f.Add("x,y\n1,2\n3,\"a\"\"b\"\n")
	f.Add("1,2\n\n3,4.5\r\n\"5\n\",6\n7\"8,9\n")
	f.Add("\ufeffa\n\"")
	f.Fuzz(func(t *testing.T, text string) {
		read(t, "a.csv", []byte(text))
		read(t, "a.tsv", []byte(text))
		read(t, "a.txt", []byte(text))
	})
}

func FuzzJSONL(f *testing.F) {
	f.Add("{\"a\": [[1, 2], [3, 4.5]], \"b\": \"text\"}\n{\"a\": [[1,2]], \"b\": \"\"}\n")
	f.Add("{\"a\": [[], 1]}\n{\"a\": [[1], [2, 3]]}\n{\"a\": [1, [2]]}\n{\"a\": 1e999}")
	f.Add("{\"a\": true}\n{\"a\": null}\n[]\n{}\n")
	f.Fuzz(func(t *testing.T, text string) { read(t, "a.jsonl", []byte(text)) })
}

// TestBadArrays: each is refused with its name and the reason.
func TestBadArrays(t *testing.T) {
	good := npy(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", make([]byte, 24))
	with := func(header string, n int) []byte { return npy(1, header, make([]byte, n)) }
	for name, c := range map[string]struct {
		raw  []byte
		want string
	}{
		"cut.npy":      {good[:len(good)-1], "cut off"},
		"longer.npy":   {append(bytes.Clone(good), 0), "more than one array"},
		"header.npy":   {good[:20], "header is cut off"},
		"text.npy":     {[]byte("hello, this is no array"), "no npy file"},
		"version.npy":  {npy(4, "", nil), "version 4"},
		"objects.npy":  {with("{'descr': '|O', 'fortran_order': False, 'shape': (2,)}", 9), `type "|O"`},
		"strings.npy":  {with("{'descr': '<U5', 'fortran_order': False, 'shape': (2,)}", 40), `type "<U5"`},
		"records.npy":  {with("{'descr': [('a', '<f4'), ('b', '<i8')], 'fortran_order': False, 'shape': (2,)}", 24), "records"},
		"scalar.npy":   {with("{'descr': '<f4', 'fortran_order': False, 'shape': ()}", 4), "one number"},
		"huge.npy":     {with("{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, 4294967296)}", 0), "cannot be"},
		"overflow.npy": {with("{'descr': '<f8', 'fortran_order': False, 'shape': (2305843009213693952, 8)}", 0), "no extent"},
		"negative.npy": {with("{'descr': '<f8', 'fortran_order': False, 'shape': (-1, 8)}", 0), "no extent"},
		"lacks.npy":    {with("{'descr': '<f8', 'shape': (1, 8)}", 64), "lacks"},
		"no.npz":       {good, "no npz file"},
		"cut.npz":      {npz(t, zip.Store, map[string][]byte{"a.npy": good})[:90], "no npz file"},
		"rows.npz":     {npz(t, zip.Store, map[string][]byte{"a.npy": good, "b.npy": with("{'descr': '|i1', 'fortran_order': False, 'shape': (3,)}", 3)}), "do not belong together"},
		"other.npz":    {npz(t, zip.Store, map[string][]byte{"a.npy": good, "b.txt": nil}), "b.txt"},
		"bomb.npz":     {npz(t, zip.Deflate, map[string][]byte{"a.npy": append(bytes.Clone(good), make([]byte, 1<<20)...)}), "more than one array"},
		"x.raw":        {nil, "does not say what it has"},
		"x.f33.2.raw":  {nil, "type"},
		"x.f32.0.raw":  {nil, "no shape"},
		"x.f32.2.raw":  {make([]byte, 9), "no whole number of rows"},
	} {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, c.raw, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := open([]string{path}, Options{}); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}
