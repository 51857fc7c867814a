package profile

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/generated/families"
	"github.com/autotailor/autotailor/generated/mobilenetv2"
	"github.com/autotailor/autotailor/generated/resnet50"
	"github.com/autotailor/autotailor/generated/vit"
	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/engine/embedded"
	"github.com/autotailor/autotailor/runtime/lut"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/space"
	"github.com/autotailor/autotailor/runtime/supernet"
)

// TestLocate: under every rule set, every node of the largest, the smallest and random SubNets is at a site, and every site that the SubNet
// has is found: locate compares keys.
func TestLocate(t *testing.T) {
	needs.Time(t)
	for _, net := range families.All() {
		for _, r := range net.Rules {
			p, err := placesOf(net, r.Name)
			if err != nil {
				t.Fatal(err)
			}
			for _, g := range net.Samples() {
				graph, err := net.Record(g)
				if err != nil {
					t.Fatal(err)
				}
				site, err := p.locate(graph.Bind(1), g)
				if err != nil {
					t.Fatalf("%s, rules %s, %s: %v", net.Package, r.Name, space.Format(net.Choices, g), err)
				}
				found := map[int]bool{}
				for _, s := range site {
					found[s] = true
				}
				if live := p.live(g); len(found) != len(live) {
					t.Errorf("%s, rules %s, %s: %d sites of %d", net.Package, r.Name, space.Format(net.Choices, g), len(found), len(live))
				}
			}
		}
	}
}

// TestLocateRefusesOtherRules: a package whose sites are not those of its rules is found out, not summed up wrongly.
func TestLocateRefusesOtherRules(t *testing.T) {
	net := *mobilenetv2.Definition()
	net.Rules = []supernet.Rules{{Name: "mine", Patterns: []string{"Conv Clip"}, Sites: net.Rules[0].Sites}}
	p, err := placesOf(&net, "mine")
	if err != nil {
		t.Fatal(err)
	}
	g := make(space.Genes, len(net.Choices))
	graph, err := net.Record(g)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.locate(graph.Bind(1), g); err == nil || !strings.Contains(err.Error(), "regenerate") {
		t.Errorf("%v", err)
	}
}

// TestDesignCovers: every operator is in as many SubNets as asked for, of fewer than a tenth of as many as there are operators.
func TestDesignCovers(t *testing.T) {
	needs.Time(t)
	for _, net := range families.All() {
		p, err := placesOf(net, "onnxruntime")
		if err != nil {
			t.Fatal(err)
		}
		ids, err := lut.New(net, lut.Header{Rules: "onnxruntime"}).Missing(net)
		if err != nil {
			t.Fatal(err)
		}
		const contexts = 2
		seen := map[supernet.ID]int{}
		d := &designer{places: p}
		list := p.design(ids, contexts)
		for _, g := range list {
			for _, id := range d.ops(g) {
				seen[id]++
			}
		}
		for _, id := range ids {
			if seen[id] < contexts {
				t.Errorf("%s: %d SubNets have %s", net.Package, seen[id], net.Ops[id].Key())
			}
		}
		t.Logf("%s: %d SubNets for %d operators", net.Package, len(list), len(ids))
		if 5*len(list) > len(ids) {
			t.Errorf("%s: %d SubNets for %d operators", net.Package, len(list), len(ids))
		}
	}
}

// counter is an engine that counts traces and can fail at one.
type counter struct {
	engine.Tracer
	traced int
	hook   func(traced int) error
}

func (c *counter) Trace(ctx context.Context, g *nn.Graph, w nn.Weights, runs int, before func(int) error) (*engine.Trace, error) {
	c.traced++
	if c.hook != nil {
		if err := c.hook(c.traced); err != nil {
			return nil, err
		}
	}
	return c.Tracer.Trace(ctx, g, w, runs, before)
}

func tracer() *counter { return &counter{Tracer: embedded.New(embedded.Options{Threads: 1})} }

// TestCoveringTable: all operators have rows, the table is calibrated, its file reads back, and a second run measures nothing, into the same file or
// from it into another, which is written all the same.
func TestCoveringTable(t *testing.T) {
	needs.Time(t)
	net, path, e := vit.Definition(), filepath.Join(t.TempDir(), "a.lut"), tracer()
	o := Options{Contexts: 1, Rounds: 2}
	table, err := Run(t.Context(), net, e, path, o)
	if err != nil {
		t.Fatal(err)
	}
	if h := table.Header; h.Method != lut.Covering || h.Calibration.Networks != calibrationNetworks || h.Reference == "" || h.Tool == "" {
		t.Errorf("%+v", h)
	}
	read := func(path string) *lut.Table {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		again, err := lut.Read(f, net)
		if err != nil {
			t.Fatal(err)
		}
		return again
	}
	again := read(path)
	for id := range table.Rows {
		if table.Rows[id] != again.Rows[id] {
			t.Errorf("%+v, read as %+v", table.Rows[id], again.Rows[id])
		}
	}
	if _, err := os.Stat(path + ".part"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file of what was measured is still there: %v", err)
	}
	before := e.traced
	if _, err := Run(t.Context(), net, e, path, o); err != nil || e.traced != before {
		t.Errorf("%d traces for a complete table, %v", e.traced-before, err)
	}
	second := filepath.Join(t.TempDir(), "second.lut")
	o.From = again
	if _, err := Run(t.Context(), net, e, second, o); err != nil || e.traced != before {
		t.Errorf("%d traces when another file has all rows, %v", e.traced-before, err)
	}
	if got := read(second); !reflect.DeepEqual(got, again) {
		t.Errorf("the second file has %+v, want %+v", got.Header, again.Header)
	}
	f, err := Fusion(again, net)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range f {
		if s.Joined && s.Differs() {
			t.Errorf("the embedded engine joins %v, its rules do not", s.Operators)
		}
	}
}

// TestGrownTable: rows of an older table are taken by key, and only the others are measured.
func TestGrownTable(t *testing.T) {
	needs.Time(t)
	net, dir := resnet50.Definition(), t.TempDir()
	o := Options{Contexts: 1, Rounds: 2}
	old, err := Run(t.Context(), net, tracer(), filepath.Join(dir, "old.lut"), o)
	if err != nil {
		t.Fatal(err)
	}
	missing := 0
	for id := range old.Rows { // as if the package had grown by every seventh operator
		if old.Rows[id].Measured() && id%7 == 0 {
			old.Rows[id] = lut.Row{Key: "formerly " + old.Rows[id].Key, N: 1}
			missing++
		}
	}
	old.Header.Digest = "older"
	o.From = old
	e, all := tracer(), tracer()
	grown, err := Run(t.Context(), net, e, filepath.Join(dir, "new.lut"), o)
	if err != nil {
		t.Fatal(err)
	}
	kept := 0
	for id, r := range grown.Rows {
		if r.N > 0 && r == old.Rows[id] {
			kept++
		}
	}
	if ids, _ := grown.Missing(net); len(ids) > 0 || missing == 0 || kept == 0 || grown.Header.Reference != old.Header.Reference {
		t.Errorf("%d rows are still missing, %d were, %d kept; reference %q was %q", len(ids), missing, kept, grown.Header.Reference, old.Header.Reference)
	}
	o.From = nil
	if _, err := Run(t.Context(), net, all, filepath.Join(dir, "all.lut"), o); err != nil {
		t.Fatal(err)
	}
	if e.traced >= all.traced {
		t.Errorf("%d networks for what was missing, %d for all", e.traced, all.traced)
	}
	o.From = old
	o.From.Header.Version = "another"
	if _, err := Run(t.Context(), net, tracer(), filepath.Join(dir, "other.lut"), o); err == nil || !strings.Contains(err.Error(), "version") {
		t.Errorf("rows of another version of the engine: %v", err)
	}
}

// killedCovering names the file of the process that TestCoveringResumesAfterKill starts and that kills itself.
const killedCovering = "AUTOTAILOR_TEST_KILLED_COVERING"

// TestCoveringResumesAfterKill: a process that ends without a chance to tidy up loses the SubNet that it was at, and nothing else.
func TestCoveringResumesAfterKill(t *testing.T) {
	needs.Time(t)
	net, o := resnet50.Definition(), Options{Contexts: 1, Rounds: 2}
	const enough = 7
	if path := os.Getenv(killedCovering); path != "" {
		e := tracer()
		e.hook = func(traced int) error {
			if traced == enough+2 { // two samples decide on the plan
				self, err := os.FindProcess(os.Getpid())
				if err == nil {
					err = self.Kill()
				}
				t.Error(err)
				select {}
			}
			return nil
		}
		_, err := Run(t.Context(), net, e, path, o)
		t.Fatalf("still alive: %v", err)
	}
	path := filepath.Join(t.TempDir(), "a.lut")
	child := exec.Command(os.Args[0], "-test.run=^TestCoveringResumesAfterKill$")
	child.Env = append(os.Environ(), killedCovering+"="+path)
	if out, err := child.CombinedOutput(); err == nil || child.ProcessState.Exited() {
		t.Skipf("this system's processes cannot kill themselves: %v\n%s", err, out)
	}
	part, err := os.ReadFile(path + ".part")
	if err != nil {
		t.Fatal(err)
	}
	if _, rows, _ := strings.Cut(string(part), "\n\n"); strings.Count(rows, "\n") != enough {
		t.Errorf("%d lines survived, want the plan and %d SubNets:\n%s", strings.Count(rows, "\n"), enough-1, part)
	}
	whole, resumed := tracer(), tracer()
	if _, err := Run(t.Context(), net, whole, filepath.Join(t.TempDir(), "b.lut"), o); err != nil {
		t.Fatal(err)
	}
	table, err := Run(t.Context(), net, resumed, path, o)
	if err != nil {
		t.Fatal(err)
	}
	if want := whole.traced - 2 - (enough - 1); resumed.traced != want {
		t.Errorf("%d networks were traced after the kill, want %d of %d", resumed.traced, want, whole.traced-2)
	}
	if _, err := table.Sum(net); err != nil {
		t.Error(err)
	}
}

// TestCancelledCoveringResumes: what was measured when a run is cancelled is kept, and another plan is refused.
func TestCancelledCoveringResumes(t *testing.T) {
	needs.Time(t)
	net, path, e := resnet50.Definition(), filepath.Join(t.TempDir(), "a.lut"), tracer()
	ctx, cancel := context.WithCancel(t.Context())
	o := Options{Contexts: 1, Rounds: 2, Progress: func(p Progress) {
		if p.Done == 5 {
			cancel()
		}
	}}
	if _, err := Run(ctx, net, e, path, o); !errors.Is(err, context.Canceled) {
		t.Fatalf("%v", err)
	}
	o.Progress, o.Contexts = nil, 3
	if _, err := Run(t.Context(), net, e, path, o); err == nil || !strings.Contains(err.Error(), "begun with 1") {
		t.Errorf("another plan: %v", err)
	}
}
