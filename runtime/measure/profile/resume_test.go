package profile_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/autotailor/autotailor/internal/cpu"
	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/internal/release"
	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/engine/embedded"
	"github.com/autotailor/autotailor/runtime/lut"
	"github.com/autotailor/autotailor/runtime/measure/profile"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/space"
	"github.com/autotailor/autotailor/runtime/supernet"
)

// small returns a net of two convolutions with two choices, and of as many activations as make three groups of turns.
func small() *supernet.Net {
	n := &supernet.Net{
		Package: "small", Digest: "d",
		Choices: []space.Choice{{Name: "resolution", Values: []string{"8", "6"}}, {Name: "width", Values: []string{"4", "2"}}},
	}
	var first, second supernet.Site
	first.Deps, second.Deps = []uint8{0, 1}, []uint8{0, 1}
	add := func(op supernet.Op) supernet.ID {
		n.Ops = append(n.Ops, op)
		return supernet.ID(len(n.Ops) - 1)
	}
	for _, side := range []int{8, 6} {
		for _, width := range []int{4, 2} {
			image := func(c int) string { return fmt.Sprintf("1x%dx%dx%d", c, side, side) }
			conv := func(in, out int) supernet.ID {
				return add(supernet.Op{Steps: "Conv kernel_shape=3,3 pads=1,1,1,1", In: image(in), Params: fmt.Sprintf("%dx%dx3x3 %d", out, in, out), Out: image(out)})
			}
			first.Ops, second.Ops = append(first.Ops, conv(1, width)), append(second.Ops, conv(width, 3))
		}
	}
	sites := []supernet.Site{first, second}
	for c := range 12 {
		shape := fmt.Sprintf("1x%dx4x4", c+1)
		sites = append(sites, supernet.Site{Ops: []supernet.ID{add(supernet.Op{Steps: "Sigmoid", In: shape, Out: shape})}})
	}
	add(supernet.Op{Steps: "Conv kernel_shape=1,1", In: "1x1x1x1", Params: "1x1x1x1", Out: "1x1x1x1"}) // under no rules
	n.Rules = []supernet.Rules{{Name: "none", Sites: sites}, {Name: "embedded", Sites: sites}}
	return n
}

// unused is the number of small's operators that stand in no site.
const unused = 1

// counting is the embedded engine; it counts what it compiles.
type counting struct {
	engine.Engine // hides that it can trace
	compiled      int
}

func (c *counting) Compile(g *nn.Graph, w nn.Weights) (engine.Session, error) {
	c.compiled++
	return c.Engine.Compile(g, w)
}

func one() *counting { return &counting{Engine: embedded.New(embedded.Options{Threads: 1})} }

// TestResumeFromEveryCut: a file that ends anywhere keeps its whole rows as they are, and exactly the others are measured.
func TestResumeFromEveryCut(t *testing.T) {
	needs.Time(t)
	net, path, o := small(), filepath.Join(t.TempDir(), "a.lut"), profile.Options{Runs: 2, Warmup: 1}
	full, err := profile.Run(t.Context(), net, one(), path, o)
	if err != nil {
		t.Fatal(err)
	}
	if full.Rows[len(net.Ops)-1].N != 0 {
		t.Error("an operator that the engine's rules do not use was measured")
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	header := bytes.Index(text, []byte("\n\n")) + 2
	for cut := 0; cut <= len(text); cut += 13 {
		if err := os.WriteFile(path, text[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		kept := 0
		if cut > header {
			kept = bytes.Count(text[header:cut], []byte("\n"))
		}
		e := one()
		again, err := profile.Run(t.Context(), net, e, path, o)
		if err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		if want := len(net.Ops) - unused - kept; e.compiled != want {
			t.Errorf("cut at %d: measured %d operators, want %d", cut, e.compiled, want)
		}
		for id := range kept { // rows stand in the order of operators
			if again.Rows[id] != full.Rows[id] {
				t.Errorf("cut at %d: %+v became %+v", cut, full.Rows[id], again.Rows[id])
			}
		}
		if _, err := again.Sum(net); err != nil {
			t.Errorf("cut at %d: %v", cut, err)
		}
	}
}

// killed names the file of the process that TestResumeAfterKill starts and that kills itself.
const killed = "AUTOTAILOR_TEST_KILLED"

// TestResumeAfterKill: what was reported as done survives a process that ends without a chance to tidy up.
func TestResumeAfterKill(t *testing.T) {
	net, o := small(), profile.Options{Runs: 1, Warmup: 1}
	if path := os.Getenv(killed); path != "" {
		o.Progress = func(profile.Progress) {
			self, err := os.FindProcess(os.Getpid())
			if err == nil {
				err = self.Kill()
			}
			t.Error(err)
			select {} // until the signal is delivered
		}
		_, err := profile.Run(t.Context(), net, one(), path, o)
		t.Fatalf("still alive: %v", err)
	}
	path := filepath.Join(t.TempDir(), "a.lut")
	child := exec.Command(os.Args[0], "-test.run=^TestResumeAfterKill$")
	child.Env = append(os.Environ(), killed+"="+path)
	if out, err := child.CombinedOutput(); err == nil || child.ProcessState.Exited() {
		t.Skipf("this system's processes cannot kill themselves: %v\n%s", err, out)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	done := bytes.Count(text, []byte(" -> "))
	e := one()
	table, err := profile.Run(t.Context(), net, e, path, o)
	if err != nil {
		t.Fatal(err)
	}
	if want := len(net.Ops) - unused - done; done == 0 || e.compiled != want {
		t.Errorf("%d rows survived, then %d operators were measured, want %d", done, e.compiled, want)
	}
	if _, err := table.Sum(net); err != nil {
		t.Error(err)
	}
}

// plain hides that a session tells how long it took.
type plain struct{ engine.Engine }

func (p plain) Compile(g *nn.Graph, w nn.Weights) (engine.Session, error) {
	s, err := p.Engine.Compile(g, w)
	return struct{ engine.Session }{s}, err
}

// TestNumberOfRuns: numbers that make no sense mean the usual ones, and an operator that takes too long keeps a run.
func TestNumberOfRuns(t *testing.T) {
	net, e := small(), plain{embedded.New(embedded.Options{Threads: 1})}
	for _, c := range []struct {
		o    profile.Options
		want int
	}{
		{profile.Options{Runs: -1, Warmup: -1, MaxPerOp: -1}, 30},
		{profile.Options{Runs: 3}, 3},
		{profile.Options{MaxPerOp: time.Nanosecond}, 1},
	} {
		table, err := profile.Run(t.Context(), net, e, filepath.Join(t.TempDir(), "a.lut"), c.o)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range table.Rows[:len(net.Ops)-unused] {
			if r.N != c.want || r.Min <= 0 || r.Median < r.Min || r.Failed != "" {
				t.Errorf("%+v: %+v, want %d runs", c.o, r, c.want)
			}
		}
	}
}

// TestHeaderTellsTheProtocol: measurements by another protocol do not mix.
func TestHeaderTellsTheProtocol(t *testing.T) {
	net, e := small(), one()
	h := profile.Header(net, e, profile.Options{})
	i := e.Info()
	want := lut.Header{
		Package: "small", Digest: "d", Device: i.Device, Engine: i.Name, Version: i.Version, Threads: 1, Precision: i.Precision,
		Cores: cpu.Cores(), Governor: cpu.Governor(), Rules: i.Rules, Method: lut.Isolated, Protocol: h.Protocol, Tool: release.Version, Date: h.Date,
	}
	if h != want || h.Date == "" {
		t.Errorf("%+v, want %+v", h, want)
	}
	seen := map[string]bool{}
	for _, o := range []profile.Options{{}, {Runs: 31}, {Warmup: 6}, {MaxPerOp: time.Second}} {
		if p := profile.Header(net, e, o).Protocol; seen[p] {
			t.Errorf("%+v: protocol %q a second time", o, p)
		} else {
			seen[p] = true
		}
	}
}
