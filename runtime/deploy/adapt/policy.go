package adapt

import (
	"math"
	"time"
)

// Policy decides which SubNet serves.
type Policy interface {
	// Next returns the level to serve with until it is asked again, at most State.Limit. Calls come one after the other.
	Next(now State) int
}

// State is what a Policy sees.
type State struct {
	Level   int             // that serves
	Limit   int             // highest level that the device's condition allows
	Service []time.Duration // that a request takes at each level, without waiting
	Workers int
	Elapsed time.Duration // since the last decision
	Rate    float64       // requests a second, of late
	Tail    time.Duration // 99th percentile of the total latency of late, 0 when nothing was served
	Queue   int           // requests waiting
}

// Target is the Policy that serves the most accurate SubNet whose 99th percentile of latency stays under a target. It reacts to
// overload at once, and is slow to come back: a more accurate SubNet must have been possible for a time, each step up is one level, and
// when a step up has to be taken back, the next one waits twice as long.
type Target struct {
	Latency time.Duration
	Hold    time.Duration // before a step up, 0 means 300 ms

	calm  time.Duration // for which a step up was possible
	hold  time.Duration
	since time.Duration // the last step up
}

const (
	defaultHold = 300 * time.Millisecond
	maxHold     = 5 * time.Second
	fullUp      = 0.60 // share of the workers' time that a level may need before a step up to it
	fullDown    = 0.85 // and before a step down from it

	recent = 500 * time.Millisecond // within which a step up counts as a mistake
)

// Next implements Policy.
func (t *Target) Next(now State) int {
	if t.hold == 0 {
		t.hold = t.first()
	}
	t.since += now.Elapsed
	if now.Level > now.Limit {
		t.calm = 0
		return now.Limit
	}
	if t.late(now) {
		if t.calm = 0; t.since < recent {
			t.hold = min(2*t.hold, maxHold)
		}
		return t.down(now)
	}
	up := now.Level + 1
	if up > now.Limit || !fits(now, up, t.Latency, fullUp) {
		t.calm = 0
		return now.Level
	}
	if t.calm += now.Elapsed; t.calm < t.hold {
		return now.Level
	}
	if t.since >= 4*t.hold {
		t.hold = max(t.first(), t.hold/2) // the last step up held
	}
	t.calm, t.since = 0, 0
	return up
}

func (t *Target) first() time.Duration {
	if t.Hold > 0 {
		return t.Hold
	}
	return defaultHold
}

// late tells whether the level must not go on: what was measured is near the target, what waits will be, or the workers cannot keep up.
func (t *Target) late(now State) bool {
	wait := time.Duration(now.Queue) * now.Service[now.Level] / time.Duration(now.Workers)
	return now.Tail > t.Latency*9/10 || wait > t.Latency/4 || !fits(now, now.Level, t.Latency, fullDown)
}

// down returns the most accurate lower level that fits; when requests have piled up, one that can also work them off.
func (t *Target) down(now State) int {
	for k := now.Level - 1; k > 0; k-- {
		wait := time.Duration(now.Queue) * now.Service[k] / time.Duration(now.Workers)
		if wait < t.Latency/4 && fits(now, k, t.Latency, fullUp) {
			return k
		}
	}
	return 0
}

// fits predicts whether level k serves the present rate within the target: the workers' time is full to at most the given share, and
// the mean wait of a queue with random arrivals and constant service (half of M/M/c's, for which Sakasegawa 1977 has an approximation)
// leaves room for its tail.
func fits(now State, k int, target time.Duration, full float64) bool {
	s := now.Service[k].Seconds()
	load := now.Rate * s / float64(now.Workers)
	if load > full {
		return false
	}
	wait := s * math.Pow(load, math.Sqrt(2*float64(now.Workers+1))-1) / (2 * float64(now.Workers) * (1 - load))
	const tail = 4.6 // ln 100: of an exponential distribution of waits
	return s+tail*wait < target.Seconds()
}

// Condition is the state of the device. The zero value does not limit.
type Condition struct {
	Thermal Thermal
	Battery float64 // share of the charge that is left while on battery; 0 when not on battery
}

// Thermal is how hot a device is, in the steps of Android's and Apple's interfaces.
type Thermal int

// The thermal states.
const (
	Nominal Thermal = iota
	Fair
	Serious
	Critical
)

// Shares of the charge below which SubNets are limited; a limit ends when the charge is margin above.
const (
	lowBattery   = 0.20
	emptyBattery = 0.05
	margin       = 0.05
)

// limit returns the highest of n levels under c, where was is the limit so far.
func (c Condition) limit(n, was int) int {
	top, half := n-1, (n-1)/2
	allowed := top
	switch c.Thermal {
	case Serious:
		allowed = half
	case Critical:
		allowed = 0
	}
	if c.Battery <= 0 {
		return allowed
	}
	for _, b := range []struct {
		below float64
		level int
	}{{lowBattery, half}, {emptyBattery, 0}} {
		below := b.below
		if was <= b.level && b.level < top {
			below += margin
		}
		if c.Battery < below {
			allowed = min(allowed, b.level)
		}
	}
	return allowed
}
