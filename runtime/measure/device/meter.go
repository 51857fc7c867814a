package device

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

// Meter reads a device's energy or power from files of the operating system. The energy is that of all that the file
// covers (a processor package, a battery), idle parts included.
type Meter struct {
	counters []counter // of energy; nil for a meter of power
	power    func() (float64, error)
	window   time.Duration // that a measurement needs
	every    time.Duration // between readings of a power
}

// counter is an energy that only grows, in millijoules.
type counter struct {
	path  string
	scale float64
	wrap  float64 // at which it starts again, 0 for never
}

// Window is how long a measurement should take.
func (m *Meter) Window() time.Duration { return m.window }

// Measure calls run and returns the millijoules taken meanwhile: the difference of an energy, or the integral of a power by
// the trapezoidal rule over readings at equal intervals.
func (m *Meter) Measure(run func() error) (float64, error) {
	if m.counters == nil {
		return m.integrate(run)
	}
	before, err := m.read()
	if err != nil {
		return 0, err
	}
	if err := run(); err != nil {
		return 0, err
	}
	after, err := m.read()
	if err != nil {
		return 0, err
	}
	total := 0.0
	for i, c := range m.counters {
		used := after[i] - before[i]
		if used < 0 && c.wrap > 0 {
			used += c.wrap
		}
		if used < 0 {
			return 0, fmt.Errorf("%s: the energy fell from %g to %g mJ: the file is not a counter of energy", c.path, before[i], after[i])
		}
		total += used
	}
	if total == 0 {
		return 0, fmt.Errorf("%s: the energy did not grow during the measurement", m.counters[0].path)
	}
	return total, nil
}

// each returns the millijoules of one run: of as many as the meter needs, divided by their number.
func (m *Meter) each(run func() error) (float64, error) {
	runs := 0
	total, err := m.Measure(func() error {
		for start := time.Now(); runs == 0 || time.Since(start) < m.window; runs++ {
			if err := run(); err != nil {
				return err
			}
		}
		return nil
	})
	return total / float64(max(runs, 1)), err
}

// read returns the millijoules of each counter.
func (m *Meter) read() ([]float64, error) {
	var out []float64
	for _, c := range m.counters {
		v, err := number(c.path, c.scale)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

// integrate is Measure of a power.
func (m *Meter) integrate(run func() error) (float64, error) {
	last, err := m.power()
	if err != nil {
		return 0, err
	}
	at, total := time.Now(), 0.0
	var failed error
	add := func() {
		p, err := m.power()
		now := time.Now()
		if err != nil {
			failed = err
			return
		}
		total += (last + p) / 2 * now.Sub(at).Seconds()
		last, at = p, now
	}
	end := make(chan struct{})
	var readings sync.WaitGroup
	readings.Go(func() {
		for tick := time.NewTicker(m.every); ; {
			select {
			case <-end:
				tick.Stop()
				return
			case <-tick.C:
				add()
			}
		}
	})
	err = run()
	close(end)
	readings.Wait()
	add()
	if err = errors.Join(err, failed); err == nil && total <= 0 {
		err = errors.New("the power was not above zero during the measurement")
	}
	return total, err
}
