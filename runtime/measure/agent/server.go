package agent

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"strconv"
	"time"

	"github.com/autotailor/autotailor/internal/httpguard"
	"github.com/autotailor/autotailor/runtime/engine"
)

// Options configure a Server.
type Options struct {
	Token  string // that clients must have, not empty
	Limits Limits
	Log    *log.Logger   // nil for none
	Alive  time.Duration // between lines of a stream on which nothing happens, 0 means 2 s
}

// Server measures the networks that clients send on one device, one after the other.
type Server struct {
	options Options
	limits  Limits
	open    func() (engine.Measurer, error)
	device  engine.Measurer
	info    engine.Info
	name    string // of this run
	store   *store
	routes  *http.ServeMux
}

// NewServer opens the device, of any kind, and returns its server. Run must be called for it to work.
func NewServer[M engine.Measurer](open func() (M, error), o Options) (*Server, error) {
	return newServer(func() (engine.Measurer, error) { return open() }, o)
}

func newServer(open func() (engine.Measurer, error), o Options) (*Server, error) {
	if o.Token == "" {
		return nil, errors.New("agent: a token is needed, or everybody could use this device")
	}
	d, err := open()
	if err != nil {
		return nil, err
	}
	if o.Log == nil {
		o.Log = log.New(io.Discard, "", 0)
	}
	if o.Alive <= 0 {
		o.Alive = 2 * time.Second
	}
	s := &Server{options: o, limits: o.Limits.withDefaults(), open: open, device: d, info: d.Info(), name: rand.Text()}
	s.store = newStore(s.limits)
	s.routes = http.NewServeMux()
	s.routes.HandleFunc("GET "+health, func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, map[string]string{"status": "ok"})
	})
	for pattern, h := range map[string]http.HandlerFunc{
		"GET /v1/device":                          s.describe,
		"PUT /v1/sessions/{session}/jobs/{job}":   s.put,
		"GET /v1/sessions/{session}/results":      s.stream,
		"POST /v1/sessions/{session}/acknowledge": s.acknowledge,
		"DELETE /v1/sessions/{session}":           s.remove,
	} {
		s.routes.Handle(pattern, h)
	}
	return s, nil
}

// health is the one path that needs no token.
const health = "/v1/health"

// guarded is the server of requests, behind the gate that all must pass; local says that it listens for this machine only.
func (s *Server) guarded(local bool) *http.Server {
	return httpguard.Server(s.routes, httpguard.Options{
		Token: s.options.Token, Open: []string{health}, Local: local, Body: s.limits.Body, Memory: bodies * s.limits.Body, BodyTime: bodyTime,
		AnswerTime: 10 * s.options.Alive, Log: s.options.Log, Refuse: refuse,
	})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client has gone, and will ask again
}

func refuse(w http.ResponseWriter, status int, err error) {
	if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	answer(w, status, problem{err.Error()})
}

// statusOf tells which status stands for an error of the store.
func statusOf(err error) int {
	switch {
	case errors.Is(err, errFull):
		return http.StatusTooManyRequests
	case errors.Is(err, errOther):
		return http.StatusConflict
	case errors.Is(err, errEnded):
		return http.StatusGone
	case errors.Is(err, errClosing):
		return http.StatusServiceUnavailable
	}
	return http.StatusBadRequest
}

func (s *Server) describe(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, Description{s.info, s.limits})
}

// named returns the session's name, which may be any short text.
func named(r *http.Request) (string, error) {
	name := r.PathValue("session")
	if name == "" || len(name) > 64 {
		return "", errors.New("a session has a name of 1 to 64 bytes")
	}
	return name, nil
}

// bodyTime is how long a body may be under way.
const bodyTime = 2 * time.Minute

// put takes a job.
func (s *Server) put(w http.ResponseWriter, r *http.Request) {
	name, err := named(r)
	number, err2 := strconv.ParseUint(r.PathValue("job"), 10, 32)
	if err := errors.Join(err, err2); err != nil || number >= maxNumber {
		refuse(w, http.StatusBadRequest, errors.Join(fmt.Errorf("jobs have numbers below %d", maxNumber), err))
		return
	}
	text, err := io.ReadAll(r.Body)
	if err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	sum := sha256.Sum256(text)
	if known, err := s.store.known(name, int(number), sum); err != nil {
		refuse(w, statusOf(err), err)
		return
	} else if known {
		answer(w, http.StatusOK, struct{}{})
		return
	}
	j, err := decodeJob(text)
	if err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	if need := j.Graph.MemoryNeed(); need > s.limits.Memory {
		refuse(w, http.StatusUnprocessableEntity, fmt.Errorf("this network needs about %d MiB of memory, the agent allows %d; start it with a higher --memory", need>>20, s.limits.Memory>>20))
		return
	}
	fresh, err := s.store.add(name, int(number), sum, j, int64(len(text)))
	switch {
	case err != nil:
		refuse(w, statusOf(err), err)
	case fresh:
		answer(w, http.StatusCreated, struct{}{})
	default:
		answer(w, http.StatusOK, struct{}{})
	}
}

// stream sends results until the client or the server ends.
func (s *Server) stream(w http.ResponseWriter, r *http.Request) {
	name, err := named(r)
	if err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	sent := map[int]bool{}
	list, more, err := s.store.results(name, sent)
	if err != nil {
		refuse(w, statusOf(err), err)
		return
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	out := http.NewResponseController(w)
	send := func(e event) error {
		_ = out.SetWriteDeadline(time.Now().Add(10 * s.options.Alive)) // not every writer has one
		return errors.Join(json.NewEncoder(w).Encode(e), out.Flush())
	}
	err = send(event{Type: "hello", Server: s.name})
	alive := time.NewTicker(s.options.Alive)
	defer alive.Stop()
	for err == nil {
		for _, e := range list {
			if err = send(e); err != nil {
				return
			}
			sent[e.Job] = true
		}
		select {
		case <-r.Context().Done():
			return
		case <-alive.C:
			if err = send(event{Type: "alive"}); err != nil {
				return
			}
		case <-more:
		}
		list, more, err = s.store.results(name, sent)
	}
}

func (s *Server) acknowledge(w http.ResponseWriter, r *http.Request) {
	name, err := named(r)
	if err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	text, err := io.ReadAll(r.Body)
	if err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	var a acknowledgement
	if err := strict(text, &a); err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	if err := s.store.acknowledge(name, a.Jobs); err != nil {
		refuse(w, statusOf(err), err)
		return
	}
	answer(w, http.StatusOK, struct{}{})
}

func (s *Server) remove(w http.ResponseWriter, r *http.Request) {
	name, err := named(r)
	if err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	s.store.remove(name)
	answer(w, http.StatusOK, struct{}{})
}

// Run runs jobs until ctx ends and the job that runs then has ended.
func (s *Server) Run(ctx context.Context) error {
	defer func() {
		if s.device != nil {
			s.device.Close() // its process ends with this one in any case
		}
	}()
	for {
		t := s.store.next()
		if t == nil {
			select {
			case <-ctx.Done():
				s.store.close()
				return nil
			case <-s.store.work:
			}
			continue
		}
		start, nodes := time.Now(), len(t.job.Graph.Nodes)
		m := s.measure(t.job)
		s.store.finish(t, m)
		s.options.Log.Printf("job %d: %d nodes, %d runs in %v %s", t.number, nodes, len(m.Times), time.Since(start).Round(time.Millisecond), m.Failed)
		if ctx.Err() != nil {
			s.store.close()
			return nil
		}
	}
}

// measure runs one job. A device that is lost is opened again; a job that it is lost with twice has failed.
func (s *Server) measure(j engine.Job) engine.Measurement {
	if j.Limit <= 0 || j.Limit > s.limits.Time {
		j.Limit = s.limits.Time
	}
	var m engine.Measurement
	var err error
	for range 2 {
		if s.device == nil {
			if s.device, err = s.open(); err != nil {
				s.device = nil
				continue
			}
		}
		if err = s.device.Measure(context.Background(), []engine.Job{j}, func(_ int, got engine.Measurement) { m = got }); err == nil {
			break
		}
		s.options.Log.Printf("the device is lost: %v", err)
		s.device.Close() // it is lost
		s.device = nil
	}
	switch {
	case err != nil:
		m.Failed = err.Error()
	case m.Failed == "" && len(m.Times) == 0:
		m.Failed = "the device reported no times"
	}
	return m
}
