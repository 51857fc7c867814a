package agent

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/autotailor/autotailor/runtime/engine"
)

// batch is the jobs of one call of Measure on their way.
type batch struct {
	client  *Client
	first   int // number of jobs[0]
	jobs    []engine.Job
	results chan event
	lost    chan error

	mu      sync.Mutex
	got     []bool // jobs that have a result
	sent    int    // jobs[:sent] are with the agent, or have a result
	server  string // the run of the agent that they are with, "" before the first stream
	changed chan struct{}
}

// lose passes on why a part has ended.
func (b *batch) lose(err error) {
	if err != nil {
		b.lost <- err
	}
}

// collect calls done for every result and acknowledges them, several at once.
func (b *batch) collect(ctx context.Context, done func(int, engine.Measurement)) error {
	var unacknowledged []int
	for left := len(b.jobs); left > 0; {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-b.lost:
			return err
		case e := <-b.results:
			i := e.Job - b.first
			if i >= len(b.jobs) {
				return fmt.Errorf("the agent has a result of job %d, which it was not sent", e.Job)
			}
			if e.Type == "result" {
				unacknowledged = append(unacknowledged, e.Job)
			}
			if i >= 0 && b.take(i) { // else it comes a second time, or from a call before
				done(i, e.measurement())
				left--
			}
		}
		if len(unacknowledged) > 0 && (len(b.results) == 0 || left == 0) {
			if err := b.acknowledge(ctx, unacknowledged); err != nil {
				return err
			}
			unacknowledged = unacknowledged[:0]
		}
	}
	return nil
}

// take notes that job i has a result, false when it had one.
func (b *batch) take(i int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.got[i] {
		return false
	}
	b.got[i] = true
	b.wake()
	return true
}

func (b *batch) wake() {
	select {
	case b.changed <- struct{}{}:
	default:
	}
}

// acknowledge tries once: what it does not reach is sent again on the next stream, and acknowledged then.
func (b *batch) acknowledge(ctx context.Context, numbers []int) error {
	body, err := json.Marshal(acknowledgement{numbers})
	if err != nil {
		return err
	}
	_, err = b.client.request(ctx, http.MethodPost, b.client.base+"/acknowledge", body)
	var status *statusError
	if errors.As(err, &status) && status.status == http.StatusUnauthorized {
		return err
	}
	return nil
}

// turn returns the next job to send, waiting until the window has room; ok is false when ctx has ended.
func (b *batch) turn(ctx context.Context) (i int, ok bool) {
	for ctx.Err() == nil {
		b.mu.Lock()
		for b.sent < len(b.jobs) && b.got[b.sent] {
			b.sent++
		}
		ahead := 0
		for _, got := range b.got[:b.sent] {
			if !got {
				ahead++
			}
		}
		i = b.sent
		known := b.server != "" // else the jobs may be with a run of the agent that has ended before the stream begins
		b.mu.Unlock()
		if known && i < len(b.jobs) && ahead < b.client.options.Window {
			return i, true
		}
		select {
		case <-ctx.Done():
		case <-b.changed:
		}
	}
	return 0, false
}

// send sends jobs until ctx ends.
func (b *batch) send(ctx context.Context) error {
	for {
		i, ok := b.turn(ctx)
		if !ok {
			return nil
		}
		b.mu.Lock()
		server := b.server
		b.mu.Unlock()
		if err := b.put(ctx, i); err != nil {
			return err
		}
		b.mu.Lock()
		if b.sent == i && b.server == server { // the agent was not started anew meanwhile
			b.sent++
		}
		b.mu.Unlock()
	}
}

// put sends one job, for as long as it takes. A job that the agent refuses has failed.
func (b *batch) put(ctx context.Context, i int) error {
	fail := func(err error) error {
		select {
		case b.results <- event{Type: "refused", Job: b.first + i, Failed: err.Error()}:
		case <-ctx.Done():
		}
		return nil
	}
	body, err := encodeJob(b.jobs[i])
	if err != nil {
		return fail(err)
	}
	where := b.client.base + "/jobs/" + strconv.Itoa(b.first+i)
	err = b.retry(ctx, func() (bool, error) {
		_, err := b.client.request(ctx, http.MethodPut, where, body)
		return false, err
	})
	var status *statusError
	if errors.As(err, &status) {
		switch status.status {
		case http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity, http.StatusBadRequest:
			return fail(err)
		}
	}
	return err
}

// listen reads streams of results until ctx ends.
func (b *batch) listen(ctx context.Context) error {
	return b.retry(ctx, func() (bool, error) { return b.stream(ctx) })
}

// stream reads one stream until it breaks; it reports whether anything came.
func (b *batch) stream(ctx context.Context) (progress bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	silence := time.AfterFunc(b.client.options.Silence, cancel) // a link may be dead without being closed
	defer silence.Stop()
	r, err := b.client.do(ctx, http.MethodGet, b.client.base+"/results", nil)
	if err != nil {
		return false, err
	}
	defer r.Body.Close()
	lines := bufio.NewReaderSize(r.Body, 1<<20)
	for {
		line, err := lines.ReadSlice('\n')
		if err != nil { // what came of a line that was cut off comes again
			return progress, fmt.Errorf("the stream of results broke: %w", err)
		}
		silence.Reset(b.client.options.Silence)
		e, err := parseEvent(line)
		if err != nil {
			return progress, err
		}
		progress = true
		switch e.Type {
		case "hello":
			b.meet(e.Server)
		case "result":
			select {
			case b.results <- e:
			case <-ctx.Done():
				return progress, ctx.Err()
			}
		}
	}
}

// meet notes which run of the agent answers. When it is another one, all jobs without a result are sent again.
func (b *batch) meet(server string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.server != "" && b.server != server {
		b.sent = 0
	}
	b.server = server
	b.wake()
}

// retry calls try until it returns no error, with pauses that grow while nothing comes through. It returns the error when another
// try is of no use, or after the client's patience; nil when ctx ends.
func (b *batch) retry(ctx context.Context, try func() (progress bool, err error)) error {
	const shortest, longest = 20 * time.Millisecond, 5 * time.Second
	pause, since := shortest, time.Now()
	for {
		progress, err := try()
		switch {
		case err == nil || ctx.Err() != nil:
			return nil
		case !temporary(err):
			return err
		case progress:
			pause, since = shortest, time.Now()
		case time.Since(since) > b.client.options.Patience:
			return fmt.Errorf("the agent was out of reach for %v: %w", b.client.options.Patience, err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause/2 + rand.N(pause)):
		}
		pause = min(2*pause, longest)
	}
}
