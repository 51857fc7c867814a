package agent

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/autotailor/autotailor/runtime/engine"
)

// store knows sessions and their jobs.
type store struct {
	limits Limits
	now    func() time.Time

	mu       sync.Mutex
	sessions map[string]*session
	ended    []string // the last sessions that were ended, so that a late job does not begin one again
	queue    []*task  // in the order of arrival
	bytes    int64    // of the bodies of jobs that wait
	held     int      // jobs that wait, run, or have results that were not acknowledged
	closing  bool
	work     chan struct{} // has a token when queue may have a task
}

// session is what is known of a client.
type session struct {
	tasks     map[int]*task // from number forgotten on
	forgotten int           // numbers below are of jobs whose results were acknowledged
	results   []*task       // not acknowledged, in the order of their ends
	changed   chan struct{} // closed when results grow
	heard     time.Time
}

// task is a job, without its network once that has run.
type task struct {
	session *session
	number  int
	sum     [sha256.Size]byte // of the body
	job     engine.Job
	size    int64 // of the body
	state   state
	result  event
}

type state uint8

const (
	waiting state = iota
	running
	done
	acknowledged
	dropped // its session has ended
)

var (
	errFull    = errors.New("the queue is full; acknowledge results, or try later")
	errOther   = errors.New("another job has this number")
	errEnded   = errors.New("the session has ended")
	errClosing = errors.New("the agent is shutting down")
)

// maxSessions bounds the sessions that are known, and those that are known to have ended.
const maxSessions = 256

// maxNumber bounds the numbers of jobs.
const maxNumber = 1 << 24

func newStore(l Limits) *store {
	return &store{limits: l, now: time.Now, sessions: map[string]*session{}, work: make(chan struct{}, 1)}
}

// session returns the session called name, a new one if need be. The caller holds the lock.
func (s *store) session(name string) (*session, error) {
	if x, ok := s.sessions[name]; ok {
		x.heard = s.now()
		return x, nil
	}
	if slices.Contains(s.ended, name) {
		return nil, errEnded
	}
	s.expire()
	if len(s.sessions) >= maxSessions {
		return nil, errFull
	}
	x := &session{tasks: map[int]*task{}, changed: make(chan struct{}), heard: s.now()}
	s.sessions[name] = x
	return x, nil
}

// expire ends sessions that were not heard of for long.
func (s *store) expire() {
	for name, x := range s.sessions {
		if s.now().Sub(x.heard) > s.limits.Keep {
			s.end(name, x)
		}
	}
}

// known reports whether a job was taken already; sum is of its body.
func (s *store) known(name string, number int, sum [sha256.Size]byte) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	x, err := s.session(name)
	if err != nil {
		return false, err
	}
	return x.known(number, sum)
}

func (x *session) known(number int, sum [sha256.Size]byte) (bool, error) {
	t, ok := x.tasks[number]
	if ok && t.sum != sum {
		return true, errOther
	}
	return ok || number < x.forgotten, nil
}

// add takes a job, unless it is known.
func (s *store) add(name string, number int, sum [sha256.Size]byte, j engine.Job, size int64) (fresh bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	x, err := s.session(name)
	if err != nil {
		return false, err
	}
	if known, err := x.known(number, sum); known {
		return false, err
	}
	switch {
	case s.closing:
		return false, errClosing
	case s.full(size):
		if s.expire(); s.full(size) {
			return false, errFull
		}
	}
	t := &task{session: x, number: number, sum: sum, job: j, size: size}
	s.bytes += size
	x.tasks[number] = t
	s.queue = append(s.queue, t)
	s.held++
	s.wake()
	return true, nil
}

// bodies is how many bodies of the largest size may wait.
const bodies = 8

// full reports whether a job of a body of this size must wait outside.
func (s *store) full(size int64) bool {
	return s.held >= s.limits.Jobs || s.bytes+size > bodies*s.limits.Body
}

// wake tells the worker that there is work.
func (s *store) wake() {
	select {
	case s.work <- struct{}{}:
	default:
	}
}

// next returns the next task to run, nil when there is none.
func (s *store) next() *task {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.queue) > 0 {
		t := s.queue[0]
		s.queue = s.queue[1:]
		if t.state == waiting {
			t.state = running
			s.bytes -= t.size
			return t
		}
	}
	return nil
}

// finish stores the result of a task that ran.
func (s *store) finish(t *task, m engine.Measurement) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t.job = engine.Job{}
	if t.state == dropped {
		return
	}
	t.state, t.result = done, resultOf(t.number, m)
	t.session.results = append(t.session.results, t)
	close(t.session.changed)
	t.session.changed = make(chan struct{})
}

// results returns the results of a session that were not acknowledged and not sent; more is closed when there may be others.
func (s *store) results(name string, sent map[int]bool) (list []event, more <-chan struct{}, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	x, err := s.session(name)
	if err != nil {
		return nil, nil, err
	}
	for _, t := range x.results {
		if !sent[t.number] {
			list = append(list, t.result)
		}
	}
	return list, x.changed, nil
}

// acknowledge forgets results. Numbers of jobs without one are an error, those of forgotten ones are not.
func (s *store) acknowledge(name string, numbers []int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	x, err := s.session(name)
	if err != nil {
		return err
	}
	for _, n := range numbers {
		if t, ok := x.tasks[n]; n >= x.forgotten && (!ok || t.state < done) || n < 0 {
			return fmt.Errorf("job %d has no result that could be acknowledged", n)
		}
	}
	for _, n := range numbers {
		if t := x.tasks[n]; t != nil && t.state == done {
			t.state, t.result = acknowledged, event{}
			s.held--
		}
	}
	for t := x.tasks[x.forgotten]; t != nil && t.state == acknowledged; t = x.tasks[x.forgotten] {
		delete(x.tasks, x.forgotten)
		x.forgotten++
	}
	x.results = slices.DeleteFunc(x.results, func(t *task) bool { return t.state == acknowledged })
	return nil
}

// remove ends a session: its jobs that wait are dropped.
func (s *store) remove(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if x, ok := s.sessions[name]; ok {
		s.end(name, x)
	}
}

func (s *store) end(name string, x *session) {
	for _, t := range x.tasks {
		if t.state == waiting {
			s.bytes -= t.size
			t.job = engine.Job{}
		}
		if t.state < acknowledged {
			t.state = dropped
			s.held--
		}
	}
	close(x.changed)
	x.changed = make(chan struct{})
	delete(s.sessions, name)
	if s.ended = append(s.ended, name); len(s.ended) > maxSessions {
		s.ended = s.ended[1:]
	}
}

// unfetched reports whether there are results that were not acknowledged.
func (s *store) unfetched() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, x := range s.sessions {
		if len(x.results) > 0 {
			return true
		}
	}
	return false
}

// close refuses new jobs from now on.
func (s *store) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closing = true
}
