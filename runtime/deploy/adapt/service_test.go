package adapt_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/autotailor/autotailor/generated/mobilenetv2"
	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/deploy/adapt"
	"github.com/autotailor/autotailor/runtime/deploy/bundle"
	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/engine/embedded"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/onnxfile"
	"github.com/autotailor/autotailor/runtime/supernet"
	"github.com/autotailor/autotailor/runtime/train/data"
)

var (
	net       = mobilenetv2.Definition()
	root      = filepath.Join("..", "..", "..", "generated")
	transform = data.Transform{Pad: 2, Mean: []float32{0.286}, Std: []float32{0.353}}
)

// ladder is the SubNets that tests serve, fastest first.
var ladder = []bundle.SubNet{
	{SubNet: "resolution=16,stage1.depth=2,stage2.depth=2,stage3.depth=2,stage4.depth=2", LatencyMS: 1, Accuracy: 0.80},
	{SubNet: "resolution=20,stage2.depth=2,stage3.1.expand=3", LatencyMS: 2, Accuracy: 0.84},
	{SubNet: "resolution=24,stage3.0.expand=3", LatencyMS: 3, Accuracy: 0.87},
	{SubNet: "resolution=28", LatencyMS: 4, Accuracy: 0.89},
	{SubNet: "original", LatencyMS: 5, Accuracy: 0.91},
}

func images(t testing.TB, n int) *data.Set {
	t.Helper()
	s, err := data.Open(filepath.Join(root, "data", "fashion-mnist"), "test", data.Size{})
	if err != nil {
		t.Fatal(err)
	}
	return s.Slice(0, n)
}

func record(t testing.TB, net *supernet.Net, text string) *nn.Graph {
	t.Helper()
	genes, err := net.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	g, err := net.Record(genes)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

var model = filepath.Join(root, "models", "mobilenetv2.onnx")

// recalibrated is the weights with the statistics of each SubNet of the ladder.
var recalibrated = sync.OnceValues(func() (all []nn.Weights, err error) {
	w, err := onnxfile.Open(model)
	if err != nil {
		return nil, err
	}
	set, err := data.Open(filepath.Join(root, "data", "fashion-mnist"), "test", data.Size{})
	if err != nil {
		return nil, err
	}
	for _, s := range ladder {
		genes, err := net.Parse(s.SubNet)
		if err != nil {
			return nil, err
		}
		g, err := net.Record(genes)
		if err != nil {
			return nil, err
		}
		own, err := embedded.New(embedded.Options{}).Recalibrate(context.Background(), g, w, transform.Batches(set.Slice(0, 60), 20, g.Values[g.Inputs[0]].Shape[2]), nil)
		if err != nil {
			return nil, err
		}
		all = append(all, own)
	}
	return all, nil
})

// open writes a bundle of the ladder with recalibrated statistics and reads it.
func open(t testing.TB) *bundle.Bundle {
	t.Helper()
	all, err := recalibrated()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if _, err := bundle.Write(dir, model, net, bundle.Manifest{Device: "test", SubNets: ladder, Classes: clothes}, all); err != nil {
		t.Fatal(err)
	}
	b, err := bundle.Open(dir, net)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// clothes are the classes of the images.
var clothes = []string{"top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "boot"}

func service(t testing.TB, o adapt.Options) (*adapt.Service, *bundle.Bundle) {
	t.Helper()
	b := open(t)
	s, err := adapt.New(net, b, embedded.New(embedded.Options{Threads: 1}), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return s, b
}

func pixels(s *data.Set, k int) adapt.Input {
	size := s.Channels * s.Height * s.Width
	return adapt.Pixels(s.Pixels[k*size:(k+1)*size], s.Channels, s.Height, s.Width, transform)
}

// offline computes every image with every SubNet alone: the answers to expect.
func offline(t testing.TB, b *bundle.Bundle, s *data.Set) (scores [][][]float32) {
	t.Helper()
	for k, sub := range b.SubNets {
		g := record(t, net, sub.SubNet)
		w, err := b.Recalibrated(net, k)
		if err != nil {
			t.Fatal(err)
		}
		e, err := embedded.New(embedded.Options{}).Compile(g, w)
		if err != nil {
			t.Fatal(err)
		}
		var own [][]float32
		for i := range s.N {
			x, err := transform.Batch(s, i, i+1, g.Values[g.Inputs[0]].Shape[2])
			if err != nil {
				t.Fatal(err)
			}
			out, err := e.Run(x)
			if err != nil {
				t.Fatal(err)
			}
			own = append(own, out[0].Float32s())
		}
		scores = append(scores, own)
	}
	return scores
}

func distance(got, want []float32) float64 {
	if len(got) != len(want) {
		return math.Inf(1)
	}
	var d, n float64
	for i, v := range want {
		d += (float64(got[i]) - float64(v)) * (float64(got[i]) - float64(v))
		n += float64(v) * float64(v)
	}
	return math.Sqrt(d / n)
}

// count is a number from the environment.
func count(name string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return otherwise
}

// TestSwitch changes SubNets under eight clients: every answer is that of the SubNet which it names. AUTOTAILOR_SWITCHES sets how often.
func TestSwitch(t *testing.T) {
	needs.Clone(t)
	const clients = 8
	n := count("AUTOTAILOR_SWITCHES", 400)
	s, b := service(t, adapt.Options{})
	set := images(t, 16)
	want := offline(t, b, set)
	var wrong, answers, seen atomic.Int64
	var mu sync.Mutex
	var totals []time.Duration
	ctx, stop := context.WithCancel(t.Context())
	var wait sync.WaitGroup
	for c := range clients {
		wait.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(c), 1))
			var own []time.Duration
			for ctx.Err() == nil {
				i := rng.IntN(set.N)
				a, err := s.Infer(context.Background(), pixels(set, i))
				if err != nil {
					t.Error(err)
					return
				}
				if a.SubNet != ladder[a.Level].SubNet || distance(a.Outputs[0].Float32s(), want[a.Level][i]) > 1e-5 {
					wrong.Add(1)
				}
				seen.Or(1 << a.Level)
				answers.Add(1)
				own = append(own, a.Total)
			}
			mu.Lock()
			totals = append(totals, own...)
			mu.Unlock()
		})
	}
	rng, switches := rand.New(rand.NewPCG(5, 5)), make([]time.Duration, n)
	for i := range switches {
		level, before := rng.IntN(len(ladder)), answers.Load()
		start := time.Now()
		if err := s.Serve(level); err != nil {
			t.Fatal(err)
		}
		switches[i] = time.Since(start)
		for answers.Load() == before && !t.Failed() {
			time.Sleep(20 * time.Microsecond)
		}
	}
	stop()
	wait.Wait()
	slices.Sort(switches)
	slices.Sort(totals)
	t.Logf("switch %s n=%d clients=%d wrong=%d p50_us=%.1f p99_ms=%.2f answers=%d first_us=%.0f", net.Package, n, clients, wrong.Load(),
		float64(switches[n/2].Nanoseconds())/1e3, totals[len(totals)*99/100].Seconds()*1e3, answers.Load(), first(t, s, set).Seconds()*1e6)
	if wrong.Load() > 0 || seen.Load() != 1<<len(ladder)-1 {
		t.Errorf("%d of %d answers are not of the SubNet that they name; SubNets %b served", wrong.Load(), answers.Load(), seen.Load())
	}
}

// first is how much longer than others the first answer after a change takes, with the change: the median, without load.
func first(t *testing.T, s *adapt.Service, set *data.Set) time.Duration {
	infer := func() time.Duration {
		start := time.Now()
		if _, err := s.Infer(t.Context(), pixels(set, 0)); err != nil {
			t.Fatal(err)
		}
		return time.Since(start)
	}
	var extra []time.Duration
	for i := range 100 {
		level := (i*3 + 1) % len(ladder)
		start := time.Now()
		if err := s.Serve(level); err != nil {
			t.Fatal(err)
		}
		switching := time.Since(start)
		one := infer()
		steady := []time.Duration{infer(), infer(), infer()}
		extra = append(extra, switching+one-slices.Min(steady))
	}
	slices.Sort(extra)
	return extra[len(extra)/2]
}

// TestClose: requests inside come to an end, new ones are refused.
func TestClose(t *testing.T) {
	needs.Clone(t)
	s, _ := service(t, adapt.Options{Workers: 1})
	set := images(t, 1)
	entered, release, done := make(chan bool), make(chan bool), make(chan error)
	go func() {
		_, err := s.Infer(context.Background(), func(shape nn.Shape) (nn.Tensor, error) {
			close(entered)
			<-release
			return pixels(set, 0)(shape)
		})
		done <- err
	}()
	<-entered
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := s.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a request is inside, Close returned %v", err)
	}
	if _, err := s.Infer(t.Context(), pixels(set, 0)); !errors.Is(err, adapt.ErrClosed) {
		t.Errorf("a closed service answered: %v", err)
	}
	close(release)
	if err := <-done; err != nil {
		t.Errorf("the request inside: %v", err)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestQueue: requests beyond the queue are refused, those that give up leave it.
func TestQueue(t *testing.T) {
	needs.Clone(t)
	s, _ := service(t, adapt.Options{Workers: 1, Queue: 1})
	set := images(t, 1)
	entered, release := make(chan bool), make(chan bool)
	var wait sync.WaitGroup
	wait.Go(func() {
		if _, err := s.Infer(t.Context(), func(shape nn.Shape) (nn.Tensor, error) {
			close(entered)
			<-release
			return pixels(set, 0)(shape)
		}); err != nil {
			t.Error(err)
		}
	})
	<-entered
	for range 3 {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
		if _, err := s.Infer(ctx, pixels(set, 0)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a request that waits gave %v", err)
		}
		cancel()
	}
	ctx, cancel := context.WithCancel(t.Context())
	wait.Go(func() {
		err := adapt.ErrBusy // while the loop below has the only place
		for errors.Is(err, adapt.ErrBusy) {
			_, err = s.Infer(ctx, pixels(set, 0))
		}
		if !errors.Is(err, context.Canceled) {
			t.Errorf("a cancelled request gave %v", err)
		}
	})
	for !t.Failed() {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
		_, err := s.Infer(ctx, pixels(set, 0))
		cancel()
		if errors.Is(err, adapt.ErrBusy) {
			break
		}
	}
	cancel()
	close(release)
	wait.Wait()
	if _, err := s.Infer(t.Context(), func(nn.Shape) (nn.Tensor, error) { return nn.Tensor{}, errors.New("no input") }); err == nil {
		t.Error("a request without input was answered")
	}
	if _, err := s.Infer(t.Context(), pixels(set, 0)); err != nil {
		t.Errorf("after a failed request: %v", err)
	}
}

// plain hides what an engine can do beside engine.Engine.
type plain struct{ engine.Engine }

// TestOtherEngines: an engine that cannot share weights serves the same answers.
func TestOtherEngines(t *testing.T) {
	needs.Clone(t)
	b, set := open(t), images(t, 4)
	s, err := adapt.New(net, b, plain{embedded.New(embedded.Options{Threads: 1})}, adapt.Options{Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	want := offline(t, b, set)
	for k := range ladder {
		if err := s.Serve(k); err != nil {
			t.Fatal(err)
		}
		for i := range set.N {
			a, err := s.Infer(t.Context(), pixels(set, i))
			if err != nil || a.Level != k || !slices.Equal(a.Outputs[0].Float32s(), want[k][i]) {
				t.Fatalf("SubNet %d image %d: %v", k, i, err)
			}
		}
	}
	if err := errors.Join(s.Serve(-1), s.Serve(len(ladder))); err == nil {
		t.Error("levels that do not exist serve")
	}
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
}
