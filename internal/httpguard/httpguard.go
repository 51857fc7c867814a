// Package httpguard protects an HTTP server from clients that are slow, many or foreign, and from bodies that are large.
//
// Every request passes the same gate: its Host and Origin, its token, and its body, which is read whole under a deadline and within one budget of
// memory for all requests. Only then does the server's own handler see it. A connection that has not come that far may be closed to make room.
package httpguard

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Options say what a server accepts. Zero values stand for the defaults.
type Options struct {
	Token string   // that requests must bear in the header Authorization; empty for none
	Open  []string // paths that need no token
	Local bool     // requests must name this machine, as localhost or a loopback address: another name was made to point here by a foreign page

	Body        int64         // most bytes of one body, 8 MiB
	Memory      int64         // most bytes of all bodies together, 64 MiB
	BodyTime    time.Duration // that a body may be under way, 30 s
	AnswerTime  time.Duration // that an answer may be under way, 30 s; a handler of a stream moves its own deadline
	Connections int           // most at one time, 4096 or half of the files that the process may open

	Log    *log.Logger                                      // of refusals; nil for none
	Refuse func(w http.ResponseWriter, status int, _ error) // writes a refusal; nil for plain text
}

func (o Options) withDefaults() Options {
	o.Body, o.Memory = cmp.Or(o.Body, 8<<20), cmp.Or(o.Memory, 64<<20)
	o.BodyTime, o.AnswerTime = cmp.Or(o.BodyTime, 30*time.Second), cmp.Or(o.AnswerTime, 30*time.Second)
	o.Connections = cmp.Or(o.Connections, min(4096, files()/2))
	if o.Log == nil {
		o.Log = log.New(io.Discard, "", 0)
	}
	if o.Refuse == nil {
		o.Refuse = func(w http.ResponseWriter, status int, err error) { http.Error(w, err.Error(), status) }
	}
	return o
}

// Times of a connection outside a request's body and its answer.
const (
	headerTime = 5 * time.Second
	idleTime   = time.Minute
	maxHeader  = 16 << 10
)

// Server returns a server of h behind the gate.
func Server(h http.Handler, o Options) *http.Server {
	o = o.withDefaults()
	g := &gate{Options: o, next: h, token: sha256.Sum256([]byte(o.Token)), memory: newBudget(o.Memory), connections: newConnections(o.Connections)}
	return &http.Server{
		Handler: g, ReadHeaderTimeout: headerTime, IdleTimeout: idleTime, MaxHeaderBytes: maxHeader, ErrorLog: o.Log,
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, connectionKey{}, c)
		},
		ConnState: g.connections.changed,
	}
}

// connectionKey finds a request's connection in its context.
type connectionKey struct{}

type gate struct {
	Options
	next        http.Handler
	token       [sha256.Size]byte
	memory      *budget
	connections *connections
}

// refusal is why a request does not pass.
type refusal struct {
	status int
	err    error
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := http.NewResponseController(w)
	// A writer of a test has no deadlines.
	_ = c.SetReadDeadline(time.Now().Add(g.BodyTime))
	_ = c.SetWriteDeadline(time.Now().Add(g.BodyTime + g.AnswerTime))
	no := g.foreign(r)
	if no == nil {
		no = g.unauthorised(r)
	}
	if no != nil {
		g.refuse(w, r, *no)
		return
	}
	body, no := g.body(r)
	defer func() { g.memory.give(int64(cap(body))) }()
	if no != nil {
		g.refuse(w, r, *no)
		return
	}
	_ = c.SetReadDeadline(time.Time{}) // the handler has the body; what the client sends next is another request
	if conn, ok := r.Context().Value(connectionKey{}).(net.Conn); ok {
		g.connections.admit(conn)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	g.next.ServeHTTP(w, r)
}

// refuse answers and ends the connection, since the rest of a body that was not read may never come.
func (g *gate) refuse(w http.ResponseWriter, r *http.Request, no refusal) {
	g.Log.Printf("%s %q from %s: %v", r.Method, r.URL.Path, r.RemoteAddr, no.err)
	w.Header().Set("Connection", "close")
	if no.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	if no.status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	g.Refuse(w, no.status, no.err)
}

// foreign refuses requests that a page of another site made a browser send.
func (g *gate) foreign(r *http.Request) *refusal {
	if g.Local && !local(r.Host) {
		return &refusal{http.StatusForbidden, fmt.Errorf("the request is for the host %.80q, and this server answers for localhost only", r.Host)}
	}
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return nil
	}
	for _, origin := range r.Header.Values("Origin") {
		if u, err := url.Parse(origin); err != nil || u.Host != r.Host {
			return &refusal{http.StatusForbidden, fmt.Errorf("the request comes from a page of %.80q, and this server is %.80q", origin, r.Host)}
		}
	}
	return nil
}

// Loopback reports whether who listens at a hears this machine only.
func Loopback(a net.Addr) bool {
	t, ok := a.(*net.TCPAddr)
	return ok && t.IP.IsLoopback()
}

// local reports whether host names this machine.
func local(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.ToLower(strings.Trim(host, "[]")), ".")
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
}

// unauthorised refuses requests without the token. What is compared are digests, so that the time it takes tells nothing.
func (g *gate) unauthorised(r *http.Request) *refusal {
	if g.Token == "" {
		return nil
	}
	for _, path := range g.Open {
		if r.URL.Path == path {
			return nil
		}
	}
	kind, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	sum := sha256.Sum256([]byte(token))
	if subtle.ConstantTimeCompare(sum[:], g.token[:]) != 1 || !strings.EqualFold(kind, "Bearer") {
		return &refusal{http.StatusUnauthorized, errors.New("the token is missing or wrong")}
	}
	return nil
}

// first is how much memory a body starts with.
const first = 4 << 10

// body reads a request's body. It holds as much of the budget as the buffer that it returns has room, also where it refuses.
func (g *gate) body(r *http.Request) ([]byte, *refusal) {
	if r.Body == nil || r.Body == http.NoBody {
		return nil, nil
	}
	tooLarge := &refusal{http.StatusRequestEntityTooLarge, fmt.Errorf("the body has more than %d bytes", g.Body)}
	if r.ContentLength > g.Body {
		return nil, tooLarge
	}
	var got []byte
	for {
		if len(got) == cap(got) {
			more, ok := g.grown(got)
			if !ok {
				return got, &refusal{http.StatusServiceUnavailable, errors.New("the memory for requests is in use; try again later")}
			}
			got = more
		}
		n, err := r.Body.Read(got[len(got):cap(got)])
		got = got[:len(got)+n]
		switch {
		case int64(len(got)) > g.Body:
			return got, tooLarge
		case errors.Is(err, io.EOF):
			return got, nil
		case err != nil:
			return got, &refusal{http.StatusBadRequest, fmt.Errorf("the body ended early: %w", err)}
		}
	}
}

// grown returns got in a buffer of twice the room, if the budget has that.
func (g *gate) grown(got []byte) ([]byte, bool) {
	room := min(max(first, 2*int64(cap(got))), g.Body+1)
	if !g.memory.take(room) {
		return got, false
	}
	more := append(make([]byte, 0, room), got...)
	g.memory.give(int64(cap(got)))
	return more[:len(got):room], true
}
