package adapt_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/deploy/adapt"
)

// queue simulates workers with constant service times and Poisson arrivals, in virtual time.
type queue struct {
	service []time.Duration
	workers []float64 // when each is free, seconds
	now     float64   // of the last arrival
	rng     *rand.Rand
	begins  []float64 // of requests that wait
	total   []float64 // latencies of the period
	level   int
}

// run serves arrivals of a rate until a time.
func (q *queue) run(rate, until float64) {
	for {
		next := q.now + q.rng.ExpFloat64()/rate
		if next > until {
			q.now = until
			return
		}
		q.now = next
		first := 0
		for i, free := range q.workers {
			if free < q.workers[first] {
				first = i
			}
		}
		begin := max(q.now, q.workers[first])
		q.workers[first] = begin + q.service[q.level].Seconds()
		q.begins = append(q.begins, begin)
		q.total = append(q.total, q.workers[first]-q.now)
	}
}

func (q *queue) waiting() int {
	q.begins = slices.DeleteFunc(q.begins, func(b float64) bool { return b <= q.now })
	return len(q.begins)
}

func tail(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(v))
	return s[(len(s)*99-1)/100]
}

// TestTarget: under a load step, the tail stays under the target but for the moment of the step, the most accurate level that fits
// serves before and after, and levels do not go to and fro.
func TestTarget(t *testing.T) {
	const period, target = 0.05, 0.030
	ms := func(v ...float64) (out []time.Duration) {
		for _, x := range v {
			out = append(out, time.Duration(x*1e6))
		}
		return out
	}
	for seed := range uint64(20) {
		q := &queue{service: ms(1, 1.5, 2, 3, 4), workers: make([]float64, 2), rng: rand.New(rand.NewPCG(seed, 1)), level: 4}
		p := &adapt.Target{Latency: 30 * time.Millisecond}
		var levels []int
		var all []float64
		changes := 0
		for step := range 1200 { // a minute: 20 s each at 240, 480 and 240 requests a second
			rate := 240.0
			if step >= 400 && step < 800 {
				rate = 480
			}
			q.total = nil
			q.run(rate, float64(step+1)*period)
			all = append(all, q.total...)
			next := p.Next(adapt.State{
				Level: q.level, Limit: 4, Service: q.service, Workers: 2, Rate: rate, Elapsed: 50 * time.Millisecond,
				Tail: time.Duration(tail(q.total) * 1e9), Queue: q.waiting(),
			})
			if next != q.level {
				changes++
			}
			q.level = next
			levels = append(levels, next)
		}
		mean := func(from, to int) float64 {
			sum := 0
			for _, l := range levels[from:to] {
				sum += l
			}
			return float64(sum) / float64(to-from)
		}
		before, during, after := mean(100, 400), mean(450, 800), mean(1000, 1200)
		if p99 := tail(all); p99 > target || before < 3.5 || after < 3.5 || during > 3 || changes > 60 {
			t.Errorf("seed %d: p99 %.1f ms, mean level %.2f before, %.2f in, %.2f after the step, %d changes", seed, p99*1e3, before, during, after, changes)
		}
	}
}

// TestTargetLimits: whatever it sees, a policy stays within the limit, and it leaves a level that is too slow at once.
func TestTargetLimits(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 3))
	p := &adapt.Target{Latency: 10 * time.Millisecond, Hold: 2 * time.Millisecond}
	for range 10_000 {
		s := adapt.State{Level: rng.IntN(4), Limit: rng.IntN(4), Workers: 1 + rng.IntN(4), Elapsed: time.Millisecond, Rate: math.Abs(rng.NormFloat64()) * 1000, Queue: rng.IntN(20), Tail: time.Duration(rng.IntN(2e7))}
		for k := range 4 {
			s.Service = append(s.Service, time.Duration(k+1)*time.Millisecond/2)
		}
		next := p.Next(s)
		if next < 0 || next > s.Limit || next > s.Level+1 {
			t.Fatalf("%+v: level %d", s, next)
		}
		if s.Tail > p.Latency && s.Level > 0 && next >= s.Level {
			t.Fatalf("%+v: it stays at level %d", s, next)
		}
	}
}

// TestCondition: heat and an empty battery limit the levels, with hysteresis.
func TestCondition(t *testing.T) {
	needs.Clone(t)
	s, _ := service(t, adapt.Options{Period: time.Millisecond})
	for _, c := range []struct {
		is   adapt.Condition
		want int
	}{
		{adapt.Condition{}, 4}, {adapt.Condition{Thermal: adapt.Fair}, 4}, {adapt.Condition{Thermal: adapt.Serious}, 2}, {adapt.Condition{Thermal: adapt.Critical}, 0},
		{adapt.Condition{Battery: 0.9}, 4}, {adapt.Condition{Battery: 0.19}, 2}, {adapt.Condition{Battery: 0.21}, 2}, {adapt.Condition{Battery: 0.26}, 4},
		{adapt.Condition{Battery: 0.04}, 0}, {adapt.Condition{Battery: 0.06}, 0}, {adapt.Condition{Battery: 0.12}, 2}, {adapt.Condition{}, 4},
	} {
		s.Condition(c.is)
		within(t, fmt.Sprintf("%+v", c.is), func() bool { k, auto := s.Level(); return k == c.want && auto })
	}
	if err := s.Serve(3); err != nil {
		t.Fatal(err)
	}
	s.Condition(adapt.Condition{Thermal: adapt.Critical})
	time.Sleep(10 * time.Millisecond)
	if k, auto := s.Level(); k != 3 || auto {
		t.Errorf("level %d serves, 3 was asked for", k)
	}
	s.Auto()
	within(t, "auto", func() bool { k, _ := s.Level(); return k == 0 })
}

// within waits until something that another goroutine does is so.
func within(t *testing.T, what string, so func() bool) {
	t.Helper()
	for range 5000 {
		if so() {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Errorf("%s: not so after 5 s", what)
}
