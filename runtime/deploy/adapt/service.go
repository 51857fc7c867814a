package adapt

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/autotailor/autotailor/runtime/deploy/bundle"
	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/supernet"
)

// Options configure a Service.
type Options struct {
	Workers int           // requests that are computed at the same time, 0 means one for each processor
	Queue   int           // requests that may wait, 0 means 64 for each worker
	Policy  Policy        // nil serves the most accurate SubNet until Serve says otherwise
	Period  time.Duration // between two decisions of the policy, 0 means 50 ms
}

// Errors of Infer.
var (
	ErrClosed = errors.New("the service is closed")
	ErrBusy   = errors.New("too many requests are waiting; try again later")
)

// Level is one SubNet of a Service. Levels are the bundle's, fastest first.
type Level struct {
	bundle.SubNet
	Input nn.Shape `json:"input"` // of a batch of one
	typ   nn.DType
}

// Input makes the input of a network: its shape is that of the SubNet which serves.
type Input func(s nn.Shape) (nn.Tensor, error)

// Answer is what a SubNet computed.
type Answer struct {
	SubNet  string
	Level   int
	Outputs []nn.Tensor
	Service time.Duration // that computing took
	Total   time.Duration // with waiting
}

// Service serves the SubNets of a bundle. All methods may be used concurrently.
type Service struct {
	levels  []Level
	classes []string // their names, none where they have none
	task    string   // of the bundle, "" where that is not known
	outputs []string // of the networks
	bound   float32  // above which a label or a lone map is said: of logits, or of probabilities
	idle    chan engine.Worker
	queue   int
	limit   atomic.Int32 // highest level that the device's condition allows
	level   atomic.Int32
	manual  atomic.Bool

	mu      sync.Mutex
	inside  int // requests
	closed  bool
	drained chan struct{} // closed when the service is closed and no request is inside

	control *controller
	metrics *metrics
}

// New loads the SubNets of b into e and runs each once, which tells how long they take here. An engine.Sharer keeps their weights in
// memory once; any other engine has sessions of its own for every SubNet and worker.
func New(net *supernet.Net, b *bundle.Bundle, e engine.Engine, o Options) (*Service, error) {
	workers := o.Workers
	if workers < 1 {
		workers = runtime.GOMAXPROCS(0)
	}
	s := &Service{idle: make(chan engine.Worker, workers), queue: o.Queue, classes: b.Classes, drained: make(chan struct{})}
	if b.Metric != nil {
		s.task = b.Metric.Task
	}
	if s.queue < 1 {
		s.queue = 64 * workers
	}
	all, err := s.load(net, b, e, workers)
	if err != nil {
		return nil, err
	}
	s.level.Store(int32(len(s.levels) - 1))
	s.limit.Store(int32(len(s.levels) - 1))
	s.metrics = newMetrics(len(s.levels))
	s.control = newController(s, o)
	for _, w := range all {
		if err := s.warm(w); err != nil {
			return nil, err
		}
		s.idle <- w
	}
	s.control.start()
	return s, nil
}

// warmRuns is how often a worker runs every SubNet at the start.
const warmRuns = 4

// warm runs every SubNet: the first time binds it to the worker's memory, the others tell how long it takes.
func (s *Service) warm(w engine.Worker) error {
	for k, l := range s.levels {
		x := nn.Tensor{Type: l.typ, Shape: l.Input, Raw: make([]byte, l.Input.Count()*l.typ.Bytes())}
		for range warmRuns {
			start := time.Now()
			if _, err := w.Run(k, x); err != nil {
				return fmt.Errorf("SubNet %s: %w", l.SubNet.SubNet, err)
			}
			if t, least := time.Since(start), &s.control.base[k]; *least == 0 || t < *least {
				*least = t
			}
		}
	}
	return nil
}

// Levels returns the SubNets, fastest first.
func (s *Service) Levels() []Level { return slices.Clone(s.levels) }

// Level returns the number of the SubNet that serves, and whether a policy chose it.
func (s *Service) Level() (level int, auto bool) { return int(s.level.Load()), !s.manual.Load() }

// Serve makes SubNet k serve from now on, until the next Serve or Auto.
func (s *Service) Serve(k int) error {
	if k < 0 || k >= len(s.levels) {
		return fmt.Errorf("there is no SubNet %d, there are %d", k, len(s.levels))
	}
	s.manual.Store(true)
	s.change(k)
	return nil
}

// Auto gives the choice back to the policy.
func (s *Service) Auto() {
	s.manual.Store(false)
	s.control.wake()
}

func (s *Service) change(k int) {
	if int(s.level.Swap(int32(k))) != k {
		s.metrics.switches.Add(1)
	}
}

// Infer computes one request with the SubNet that serves when its turn comes.
func (s *Service) Infer(ctx context.Context, in Input) (Answer, error) {
	arrived := time.Now()
	if err := s.enter(); err != nil {
		s.metrics.refused.Add(1)
		return Answer{}, err
	}
	defer s.leave()
	var w engine.Worker
	select {
	case w = <-s.idle:
	case <-ctx.Done():
		s.metrics.cancelled.Add(1)
		return Answer{}, ctx.Err()
	}
	if err := ctx.Err(); err != nil { // both were ready: nobody waits for the answer
		s.idle <- w
		s.metrics.cancelled.Add(1)
		return Answer{}, err
	}
	a, err := s.compute(w, in)
	s.idle <- w
	if err != nil {
		s.metrics.failed.Add(1)
		return Answer{}, err
	}
	a.Total = time.Since(arrived)
	s.metrics.served(a)
	s.control.served(a)
	return a, nil
}

func (s *Service) compute(w engine.Worker, in Input) (Answer, error) {
	start, k := time.Now(), int(s.level.Load())
	l := &s.levels[k]
	x, err := in(l.Input)
	if err != nil {
		return Answer{}, err
	}
	out, err := w.Run(k, x)
	if err != nil {
		return Answer{}, err
	}
	a := Answer{SubNet: l.SubNet.SubNet, Level: k}
	for _, t := range out { // the worker's own memory
		a.Outputs = append(a.Outputs, nn.Tensor{Type: t.Type, Shape: slices.Clone(t.Shape), Raw: slices.Clone(t.Raw)})
	}
	a.Service = time.Since(start)
	return a, nil
}

func (s *Service) enter() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	waiting := s.inside - cap(s.idle)
	switch {
	case s.closed:
		return ErrClosed
	case waiting >= s.queue:
		return ErrBusy
	}
	s.inside++
	s.control.arrived(waiting + 1)
	return nil
}

// waiting returns the number of requests without a worker.
func (s *Service) waiting() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return max(0, s.inside-cap(s.idle))
}

func (s *Service) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.inside--; s.closed && s.inside == 0 {
		close(s.drained)
	}
}

// Close refuses new requests, waits for those inside and stops the policy. It returns ctx's error when that ends before.
func (s *Service) Close(ctx context.Context) error {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		if s.inside == 0 {
			close(s.drained)
		}
	}
	s.mu.Unlock()
	select {
	case <-s.drained:
	case <-ctx.Done():
		return fmt.Errorf("closing before all requests are served: %w", ctx.Err())
	}
	s.control.stop()
	return nil
}
