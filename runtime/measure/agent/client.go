package agent

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/autotailor/autotailor/runtime/engine"
)

// ClientOptions configure a Client.
type ClientOptions struct {
	Token    string
	Threads  int           // that the device must be set to, 0 for any number
	Window   int           // jobs that are sent ahead, 0 means 16
	Silence  time.Duration // after which a connection is given up, 0 means 10 s
	Patience time.Duration // that the agent may be out of reach, 0 means 10 minutes
}

// Client is the device behind a Server. It may be used by one goroutine at a time.
type Client struct {
	engine.TimesOnly

	options ClientOptions
	base    string // URL up to the session
	http    *http.Client
	device  Description
	next    int // number of a job
}

var _ engine.Measurer = (*Client)(nil)

// Open connects to the agent at address, an http or https URL; a fragment sha256=HEX pins the certificate (see Fingerprint).
func Open(ctx context.Context, address string, o ClientOptions) (*Client, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("agent %q: want http://HOST:PORT or https://HOST:PORT", address)
	}
	o.Window = cmp.Or(max(o.Window, 0), 16)
	o.Silence, o.Patience = cmp.Or(max(o.Silence, 0), 10*time.Second), cmp.Or(max(o.Patience, 0), 10*time.Minute)
	transport, err := pinned(u)
	if err != nil {
		return nil, err
	}
	transport.ResponseHeaderTimeout = o.Silence
	root := u.Scheme + "://" + u.Host
	c := &Client{options: o, base: root + "/v1/sessions/" + rand.Text(), http: &http.Client{Transport: transport}}
	if c.device, err = c.describe(ctx, root); err != nil {
		return nil, fmt.Errorf("agent %s: %w", root, err)
	}
	if have := c.device.Device.Threads; o.Threads > 0 && have != o.Threads {
		return nil, fmt.Errorf("agent %s runs networks on %d threads, %d were asked for: start it with --threads %d", root, have, o.Threads, o.Threads)
	}
	o.Window = max(1, min(o.Window, c.device.Limits.Jobs))
	c.options = o
	return c, nil
}

func (c *Client) describe(ctx context.Context, root string) (Description, error) {
	var d Description
	text, err := c.request(ctx, http.MethodGet, root+"/v1/device", nil)
	if err != nil {
		return d, err
	}
	if err := json.Unmarshal(text, &d); err != nil || d.Device.Name == "" || d.Device.Device == "" {
		return d, errors.New("the server there is not an agent of this version")
	}
	return d, nil
}

// Info describes the device as the agent does.
func (c *Client) Info() engine.Info { return c.device.Device }

// statusError is an answer that is an error.
type statusError struct {
	status int
	text   string
}

func (e *statusError) Error() string {
	if e.status == http.StatusUnauthorized {
		return "the agent does not accept the token: set " + TokenVariable + " to the one that it was started with"
	}
	return fmt.Sprintf("the agent answered %d: %s", e.status, e.text)
}

// temporary tells whether another try may help.
func temporary(err error) bool {
	var s *statusError
	return !errors.As(err, &s) || s.status == http.StatusTooManyRequests || s.status >= 500
}

// request sends one request and returns the body of its answer.
func (c *Client) request(ctx context.Context, method, where string, body []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 6*c.options.Silence)
	defer cancel()
	r, err := c.do(ctx, method, where, body)
	if err != nil {
		return nil, err
	}
	defer r.Body.Close()
	return io.ReadAll(io.LimitReader(r.Body, 1<<20))
}

// do sends one request, whose answer has a good status or is an error.
func (c *Client) do(ctx context.Context, method, where string, body []byte) (*http.Response, error) {
	q, err := http.NewRequestWithContext(ctx, method, where, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	q.Header.Set("Authorization", "Bearer "+c.options.Token)
	r, err := c.http.Do(q)
	if err != nil || r.StatusCode < 300 {
		return r, err
	}
	defer r.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(r.Body, 1<<16)) // what there is of it
	var p problem
	if json.Unmarshal(text, &p) != nil || p.Error == "" {
		p.Error = strings.TrimSpace(string(text))
	}
	return nil, &statusError{r.StatusCode, p.Error}
}

// Measure sends the jobs, some ahead of the device, and calls done for each result once.
func (c *Client) Measure(ctx context.Context, jobs []engine.Job, done func(int, engine.Measurement)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	m := &batch{client: c, first: c.next, jobs: jobs, got: make([]bool, len(jobs)), changed: make(chan struct{}, 1), results: make(chan event, c.options.Window), lost: make(chan error, 2)}
	c.next += len(jobs)
	var workers sync.WaitGroup
	workers.Go(func() { m.lose(m.listen(ctx)) })
	workers.Go(func() { m.lose(m.send(ctx)) })
	err := m.collect(ctx, done)
	cancel()
	workers.Wait()
	return err
}

// Close tells the agent to forget this client, if it is in reach.
func (c *Client) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), c.options.Silence)
	defer cancel()
	_, err := c.request(ctx, http.MethodDelete, c.base, nil)
	c.http.CloseIdleConnections()
	if err != nil && temporary(err) {
		return nil // the agent forgets by itself, later
	}
	return err
}
