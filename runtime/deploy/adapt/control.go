package adapt

import (
	"slices"
	"sync"
	"time"
)

// controller asks the policy, every period and when requests pile up.
type controller struct {
	s      *Service
	policy Policy
	period time.Duration
	base   []time.Duration // that a request takes alone, by level: the least that was measured at the start
	kick   chan struct{}
	quit   chan struct{}
	ended  sync.WaitGroup
	once   sync.Once

	mu       sync.Mutex
	arrivals int // since the last decision
	tail     []sample
	rate     float64
	slow     float64   // how much longer requests take of late than alone: a moving average
	last     time.Time // of a whole period
	decided  time.Time
	changed  time.Time // when the level was
}

// sample is the latency of a request.
type sample struct {
	at    time.Time // of arrival
	total time.Duration
}

const (
	defaultPeriod = 50 * time.Millisecond
	window        = 500 * time.Millisecond // of the latencies that a policy sees
	maxSamples    = 1 << 14
	mostSlow      = 10 // that a single request counts as: a pause is not how long computing takes
)

func newController(s *Service, o Options) *controller {
	c := &controller{
		s: s, policy: o.Policy, period: o.Period, base: make([]time.Duration, len(s.levels)), slow: 1,
		kick: make(chan struct{}, 1), quit: make(chan struct{}), last: time.Now(), decided: time.Now(),
	}
	if c.period <= 0 {
		c.period = defaultPeriod
	}
	return c
}

func (c *controller) start() { c.ended.Go(c.loop) }

func (c *controller) stop() {
	c.once.Do(func() { close(c.quit) })
	c.ended.Wait()
}

func (c *controller) loop() {
	tick := time.NewTicker(c.period)
	defer tick.Stop()
	for {
		select {
		case <-c.quit:
			return
		case <-tick.C:
			c.decide(time.Now(), true)
		case <-c.kick:
			c.decide(time.Now(), false)
		}
	}
}

// wake asks for a decision now.
func (c *controller) wake() {
	select {
	case c.kick <- struct{}{}:
	default:
	}
}

// arrived counts a request; waiting is the number of those without a worker, with it.
func (c *controller) arrived(waiting int) {
	c.mu.Lock()
	c.arrivals++
	c.mu.Unlock()
	if waiting > 2*cap(c.s.idle) {
		c.wake()
	}
}

// served notes how long a request took.
func (c *controller) served(a Answer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := min(float64(a.Service)/float64(c.base[a.Level]), mostSlow)
	c.slow += (now - c.slow) / 32
	if len(c.tail) < maxSamples {
		c.tail = append(c.tail, sample{time.Now().Add(-a.Total), a.Total})
	}
}

// decide asks the policy. Whole periods update the rate: it follows rising load at once, and falling load slowly.
func (c *controller) decide(now time.Time, whole bool) {
	st := c.look(now, whole)
	if c.s.manual.Load() {
		return
	}
	next := min(st.Level, st.Limit)
	if c.policy != nil {
		next = min(max(c.policy.Next(st), 0), st.Limit)
	} else if next < st.Limit {
		next = st.Limit
	}
	if next != st.Level {
		c.mu.Lock()
		c.changed = now
		c.mu.Unlock()
	}
	c.s.change(next)
}

func (c *controller) look(now time.Time, whole bool) State {
	queue := c.s.waiting()
	c.mu.Lock()
	defer c.mu.Unlock()
	if past := now.Sub(c.last).Seconds(); past > 0 && whole {
		rate := float64(c.arrivals) / past
		if c.rate = c.rate*0.8 + rate*0.2; rate > c.rate {
			c.rate = (c.rate + rate) / 2
		}
		c.arrivals, c.last = 0, now
	}
	// Who came before the last change waited for another SubNet.
	c.tail = slices.DeleteFunc(c.tail, func(s sample) bool { return now.Sub(s.at) > window || s.at.Before(c.changed) })
	st := State{Level: int(c.s.level.Load()), Limit: int(c.s.limit.Load()), Workers: cap(c.s.idle), Rate: c.rate, Queue: queue, Elapsed: now.Sub(c.decided)}
	c.decided = now
	for _, alone := range c.base { // other levels slow down as the one that serves
		st.Service = append(st.Service, time.Duration(float64(alone)*c.slow))
	}
	if n := len(c.tail); n > 0 {
		totals := make([]time.Duration, n)
		for i, s := range c.tail {
			totals[i] = s.total
		}
		slices.Sort(totals)
		st.Tail = totals[(n*99-1)/100]
	}
	return st
}

// Condition tells the service the state of its device, which limits the SubNets that a policy may choose.
func (s *Service) Condition(c Condition) {
	s.limit.Store(int32(c.limit(len(s.levels), int(s.limit.Load()))))
	s.control.wake()
}
