package adapt_test

import (
	"context"
	"math/rand/v2"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/autotailor/autotailor/runtime/command/report/plot"
	"github.com/autotailor/autotailor/runtime/deploy/adapt"
)

// seen is one answer of the load test.
type seen struct {
	arrived float64 // seconds after the start
	total   time.Duration
	level   int
}

// TestLoadStep sends requests at random times, at a rate that the most accurate SubNet can serve, then at twice that rate, then as before,
// and plots what the policy makes of it into the file that AUTOTAILOR_LOAD_PLOT names. Its figures are of this machine, so it tests that
// accuracy recovers and every request is answered, and reports the rest.
func TestLoadStep(t *testing.T) {
	path := os.Getenv("AUTOTAILOR_LOAD_PLOT")
	if path == "" {
		t.Skip("AUTOTAILOR_LOAD_PLOT does not name a file for the plot")
	}
	const phase = 8.0 // seconds
	target := time.Duration(count("AUTOTAILOR_LOAD_TARGET_MS", 25)) * time.Millisecond
	s, _ := service(t, adapt.Options{Policy: &adapt.Target{Latency: target}})
	rate := 0.45 * capacity(t, s, runtime.GOMAXPROCS(0))
	answers, refused := load(t, s, []float64{rate, 2 * rate, rate}, phase)
	var times, rates, p99s, accuracies []float64
	const bin = 0.5
	for from := 0.0; from < 3*phase; from += bin {
		var totals []float64
		accuracy := 0.0
		for _, a := range answers {
			if a.arrived >= from && a.arrived < from+bin {
				totals, accuracy = append(totals, a.total.Seconds()*1e3), accuracy+ladder[a.level].Accuracy
			}
		}
		if len(totals) == 0 {
			continue
		}
		times, rates = append(times, from), append(rates, float64(len(totals))/bin)
		p99s, accuracies = append(p99s, tail(totals)), append(accuracies, 100*accuracy/float64(len(totals)))
	}
	err := plot.Stack(path, "A load step, and back", "seconds", []plot.Series{
		{Label: "requests a second", X: times, Y: rates},
		{Label: "p99 latency, ms", X: times, Y: p99s, Limit: target.Seconds() * 1e3},
		{Label: "predicted accuracy, %", X: times, Y: accuracies},
	})
	if err != nil {
		t.Fatal(err)
	}
	var all []float64
	for _, a := range answers {
		all = append(all, a.total.Seconds()*1e3)
	}
	n := len(accuracies)
	t.Logf("load %s target_ms=%.0f rate=%.0f p99_ms=%.2f requests=%d refused=%d accuracy_before=%.2f during=%.2f after=%.2f", net.Package, target.Seconds()*1e3, rate,
		tail(all), len(answers), refused, mean(accuracies[n/6:n/3]), mean(accuracies[n/3:2*n/3]), mean(accuracies[n-n/6:]))
	if refused > 0 {
		t.Errorf("%d requests were refused", refused)
	}
	if k, _ := s.Level(); k < len(ladder)-2 {
		t.Errorf("level %d serves long after the step", k)
	}
}

func mean(v []float64) float64 {
	sum := 0.0
	for _, x := range v {
		sum += x
	}
	return sum / float64(len(v))
}

// capacity is how many requests a second the most accurate SubNet serves with all workers busy.
func capacity(t *testing.T, s *adapt.Service, workers int) float64 {
	set := images(t, 1)
	if err := s.Serve(len(ladder) - 1); err != nil {
		t.Fatal(err)
	}
	defer s.Auto()
	const each = 1000
	start := time.Now()
	var wait sync.WaitGroup
	for range workers {
		wait.Go(func() {
			for range each {
				if _, err := s.Infer(t.Context(), pixels(set, 0)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wait.Wait()
	return float64(workers*each) / time.Since(start).Seconds()
}

// load sends requests with exponential times between them, phase after phase.
func load(t *testing.T, s *adapt.Service, rates []float64, phase float64) (answers []seen, refused int) {
	set, rng := images(t, 16), rand.New(rand.NewPCG(1, 9))
	var mu sync.Mutex
	var wait sync.WaitGroup
	start, next := time.Now(), 0.0
	for k, rate := range rates {
		for next < float64(k+1)*phase {
			next += rng.ExpFloat64() / rate
			at, i := next, rng.IntN(set.N)
			time.Sleep(time.Until(start.Add(time.Duration(at * 1e9))))
			wait.Go(func() {
				begin := time.Now()
				a, err := s.Infer(context.Background(), pixels(set, i))
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					refused++
					return
				}
				answers = append(answers, seen{begin.Sub(start).Seconds(), a.Total, a.Level})
			})
		}
	}
	wait.Wait()
	return answers, refused
}
