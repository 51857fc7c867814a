package conform

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/engine/ort"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/space"
)

// TestPeakMemoryIsNearONNXRuntimesArena compares predicted activations with what ONNX Runtime takes from an arena that hands out what is asked for
// (its usual one rounds up to as much as twice that). Of networks of convolutions it is the same; the others are logged, see RATIONALE.md.
func TestPeakMemoryIsNearONNXRuntimesArena(t *testing.T) {
	needs.Time(t)
	lib, err := ort.Find()
	if err != nil {
		t.Skip("ONNX Runtime is the oracle of this test: ", err)
	}
	probe := buildArena(t)
	for _, file := range modelFiles(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			c, p, w := opened(t, file)
			rng, choices := rand.New(rand.NewPCG(41, 41)), choicesOf(c)
			for k := range 4 {
				genes := make(space.Genes, len(choices))
				if k > 0 {
					genes = space.Random(choices, rng)
				}
				g, _ := described(t, p, genes)
				folded, fw, err := nn.FoldBatchNorm(g, w)
				if err != nil {
					t.Fatal(err)
				}
				path := filepath.Join(t.TempDir(), "subnet.onnx")
				writeGraph(t, path, folded, fw, w.Opset)
				session, peak := arenaOf(t, probe, lib, path)
				_, usual := arenaOf(t, probe, lib, path, "usual")
				predicted, got := worst(g), peak-session
				t.Logf("memory %s predicted=%d arena=%d ratio=%.3f usual_arena=%d", filepath.Base(file), predicted, got, float64(predicted)/float64(got), usual-session)
				inverted := strings.HasPrefix(filepath.Base(file), "mobilenet") || strings.HasPrefix(filepath.Base(file), "proxyless")
				if large := k == 0 || got > 1<<20; inverted && large && math.Abs(float64(predicted)/float64(got)-1) > 0.1 {
					t.Errorf("%s: predicted %d bytes of activations, ONNX Runtime takes %d", space.Format(choices, genes), predicted, got)
				}
			}
		})
	}
}

// buildArena compiles testdata/arena.c, or skips the test.
func buildArena(t *testing.T) string {
	t.Helper()
	compiler, err := exec.LookPath("gcc")
	if err != nil {
		t.Skip("the probe of the arena is a C program: ", err)
	}
	headers, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/yalue/onnxruntime_go").Output()
	if err != nil {
		t.Fatal(err)
	}
	probe := filepath.Join(t.TempDir(), "arena")
	if out, err := exec.Command(compiler, "-O1", "-I", strings.TrimSpace(string(headers)), "-o", probe, "testdata/arena.c", "-ldl").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return probe
}

// arenaOf runs a model and returns the bytes in use by its session, and at most in its first run.
func arenaOf(t *testing.T, probe, lib, model string, args ...string) (session, peak int64) {
	t.Helper()
	cmd := exec.Command(probe, append([]string{lib, model}, args...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscanf(string(out), "session=%d peak=%d", &session, &peak); err != nil {
		t.Fatal(err)
	}
	return session, peak
}
