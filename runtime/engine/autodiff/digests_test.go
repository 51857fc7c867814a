package autodiff_test

import (
	"bufio"
	"crypto/sha256"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/generated/families"
	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/engine/autodiff"
	"github.com/autotailor/autotailor/runtime/engine/embedded"
	"github.com/autotailor/autotailor/runtime/engine/kernel"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/onnxfile"
	"github.com/autotailor/autotailor/runtime/supernet"
)

var update = flag.Bool("update", false, "write the digests of this machine's instruction sets")

// digestsFile has one digest a line: architecture and instruction set, package, SubNet, what is digested, SHA-256.
var digestsFile = filepath.Join("testdata", "digests.txt")

// TestDigests compares outputs and gradients of SubNets of all committed packages, bit by bit, with those that were recorded. Bits depend on the
// instruction set, so each has digests of its own. They are the same for one thread and for two.
func TestDigests(t *testing.T) {
	needs.Time(t)
	needs.Clone(t)
	known := readDigests(t)
	for _, isa := range kernel.All() {
		set := runtime.GOARCH + "/" + isa.String()
		if !*update && !slices.ContainsFunc(slices.Collect(maps.Keys(known)), func(key string) bool { return strings.HasPrefix(key, set+" ") }) {
			t.Logf("no digests are recorded for %s: run this test with -update on a revision that is known to be right", set)
			continue
		}
		for _, net := range families.All() {
			w := families.Model(t, net)
			for _, k := range []int{0, 2} {
				for threads := 1; threads <= 2; threads++ {
					if testing.Short() && threads > 1 {
						continue
					}
					for what, got := range digests(t, net, w, k, isa, threads) {
						key := fmt.Sprintf("%s %s %d %s", set, net.Package, k, what)
						if *update && threads == 1 {
							known[key] = got
						}
						if known[key] != got {
							t.Errorf("%s with %d threads: the digest is %s, want %s", key, threads, got, known[key])
						}
					}
				}
			}
		}
	}
	if *update {
		writeDigests(t, known)
	}
}

// digests returns those of the outputs of SubNet k of a package, of its outputs while it is trained, and of the gradients of one step.
func digests(t *testing.T, net *supernet.Net, w *onnxfile.Model, k int, isa *kernel.ISA, threads int) map[string]string {
	t.Helper()
	g := record(t, net, net.Samples()[k])
	rng := rand.New(rand.NewPCG(uint64(k), 11))
	in := []nn.Tensor{noise(rng, g.Values[g.Inputs[0]].Shape.Bind(2))}
	session, err := embedded.New(embedded.Options{ISA: isa, Threads: threads}).Compile(g, w)
	if err != nil {
		t.Fatalf("%s: %v", net.Package, err)
	}
	defer session.Close()
	out, err := session.Run(in...)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{"outputs": digest(out...)}

	params := families.Trainables(t, g, w)
	training, err := autodiff.New(isa, threads).Train(g, params)
	if err != nil {
		t.Fatalf("%s: %v", net.Package, err)
	}
	defer training.Close()
	if out, err = training.Forward(in...); err != nil {
		t.Fatal(err)
	}
	all["trained-outputs"] = digest(out...)
	var weights []nn.Tensor // the loss is a random linear function of the outputs
	for _, o := range out {
		weights = append(weights, noise(rng, o.Shape))
	}
	if err := training.Backward(weights...); err != nil {
		t.Fatal(err)
	}
	var grads []nn.Tensor
	for _, name := range slices.Sorted(maps.Keys(params)) {
		if p := params[name]; p.Grad != nil {
			grads = append(grads, nn.FromFloat32s(p.Shape, p.Grad))
		}
	}
	all["gradients"] = digest(grads...)
	return all
}

// digest is the SHA-256 of the bytes of tensors, one after the other.
func digest(tensors ...nn.Tensor) string {
	h := sha256.New()
	for _, x := range tensors {
		h.Write(x.Raw)
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

func readDigests(t *testing.T) map[string]string {
	t.Helper()
	known := map[string]string{}
	f, err := os.Open(digestsFile)
	if os.IsNotExist(err) && *update {
		return known
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if at := strings.LastIndex(lines.Text(), " "); at > 0 {
			known[lines.Text()[:at]] = lines.Text()[at+1:]
		}
	}
	return known
}

func writeDigests(t *testing.T, known map[string]string) {
	t.Helper()
	var text strings.Builder
	for _, key := range slices.Sorted(maps.Keys(known)) {
		fmt.Fprintf(&text, "%s %s\n", key, known[key])
	}
	if err := os.MkdirAll("testdata", 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(digestsFile, []byte(text.String()), 0o666); err != nil {
		t.Fatal(err)
	}
}
