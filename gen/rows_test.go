//go:build linux

package gen

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dave/jennifer/jen"

	"github.com/autotailor/autotailor/gen/view"
	"github.com/autotailor/autotailor/runtime/supernet"
)

// manyOps are n operators of a net whose widths, sides and kernels can all be chosen, sorted as a table has them.
func manyOps(n int) []supernet.Op {
	var out []supernet.Op
	for k := 0; len(out) < n; k++ {
		in, side, size := 8*(1+k%60), []int{7, 14, 28, 56, 112}[k/60%5], []int{1, 3, 5, 7}[k/300%4]
		x := fmt.Sprintf("1x%dx%dx%d", in, side, side)
		if k < 300 {
			out = append(out, supernet.Op{Steps: "Add", In: x + " " + x, Out: x}, supernet.Op{Steps: "Relu", In: x, Out: x})
		}
		width := 8 * (1 + k/1200%60)
		o := supernet.Op{
			Steps: fmt.Sprintf("Conv kernel_shape=%d,%d", size, size), In: x, Params: fmt.Sprintf("%dx%dx%dx%d %d", width, in, size, size, width),
			Out: fmt.Sprintf("1x%dx%dx%d", width, side, side), MACs: int64(width * in * size * size * side * side),
		}
		if k >= 1200*60 {
			o.Steps += " (i0 p0 p1) | Relu (%0)"
		}
		out = append(out, o)
	}
	slices.SortFunc(out, func(a, b supernet.Op) int {
		return slices.Compare([]string{a.Steps, a.In, a.Params, a.Out}, []string{b.Steps, b.In, b.Params, b.Out})
	})
	return out
}

// rowsPackage is the generated file for a table of operators only.
func rowsPackage(tb testing.TB, ops []supernet.Op) []byte {
	tb.Helper()
	p := &view.Package{Name: "rows"}
	if err := p.SetOps(ops); err != nil {
		tb.Fatal(err)
	}
	f := jen.NewFilePathName(root+"gen/rows", "rows")
	if err := opsFile(f, p); err != nil {
		tb.Fatal(err)
	}
	var b bytes.Buffer
	if err := f.Render(&b); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// asStrings is the same table with every operator written out, to compare with.
func asStrings(ops []supernet.Op) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "package rows\n\nimport %q\n\nvar ops = [...]supernet.Op{\n", root+"runtime/supernet")
	for _, o := range ops {
		fmt.Fprintf(&b, "\t{Steps: %q, In: %q, Params: %q, Out: %q, MACs: %d},\n", o.Steps, o.In, o.Params, o.Out, o.MACs)
	}
	b.WriteString("}\n")
	return b.Bytes()
}

// built compiles a file as a package of this module, which it is only laid over, and returns the compiler's processor time and memory.
func built(tb testing.TB, data []byte) (time.Duration, int64) {
	tb.Helper()
	dir := tb.TempDir()
	at, err := filepath.Abs(filepath.Join("rows", "rows.go"))
	if err != nil {
		tb.Fatal(err)
	}
	file, overlay := filepath.Join(dir, "rows.go"), filepath.Join(dir, "overlay.json")
	text, err := json.Marshal(map[string]any{"Replace": map[string]string{at: file}})
	if err != nil {
		tb.Fatal(err)
	}
	data = fmt.Appendf(data, "\n// %s\n", dir) // no build of another run is this one
	for name, content := range map[string][]byte{file: data, overlay: text} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	cmd := exec.CommandContext(tb.Context(), "go", "build", "-overlay", overlay, "./rows")
	if out, err := cmd.CombinedOutput(); err != nil {
		tb.Fatalf("%v: %s", err, out)
	}
	use, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		tb.Fatal("no usage of the compiler")
	}
	return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), int64(use.Maxrss) >> 10
}

// BenchmarkRows builds tables of 50,000 operators, as they are generated and with every operator written out.
func BenchmarkRows(b *testing.B) {
	ops := manyOps(50000)
	for name, data := range map[string][]byte{"generated": rowsPackage(b, ops), "strings": asStrings(ops)} {
		b.Run(name, func(b *testing.B) {
			built(b, []byte("package rows\n\nimport _ \""+root+"runtime/supernet\"\n"))
			for b.Loop() {
				t, mb := built(b, data)
				b.ReportMetric(t.Seconds(), "cpu-s/build")
				b.ReportMetric(float64(mb), "MB")
			}
		})
	}
}

// TestRows: a table of some hundred operators compiles, and its file has every shape and every kernel once.
func TestRows(t *testing.T) {
	ops := manyOps(500)
	data := rowsPackage(t, ops)
	built(t, data)
	text := strings.Join(strings.Fields(string(data)), " ")
	for _, once := range []string{`Steps: "Add"`, `s1x8x7x7: {Dims: []nn.Shape{{1, 8, 7, 7}}}`, `s8x8x1x1_8: {Dims: []nn.Shape{{8, 8, 1, 1}, {8}}}`} {
		if n := strings.Count(text, once); n != 1 {
			t.Errorf("%q is there %d times", once, n)
		}
	}
	if n := strings.Count(text, "{In: "); n != len(ops) {
		t.Errorf("%d rows of %d operators", n, len(ops))
	}
}
