package httpguard

import (
	"container/list"
	"net"
	"net/http"
	"sync"
)

// connections closes the connection that has asked for nothing for the longest time when there are too many. One that was admitted once goes after
// all that never were, so that clients which only hold connections open displace each other and no client that works.
type connections struct {
	most int

	mu      sync.Mutex
	known   map[net.Conn]*place
	strange *list.List // connections without an admitted request yet, the oldest first
	idle    *list.List // connections whose admitted request was answered, the oldest first
}

// place is where a connection stands; both are nil while an admitted request is answered.
type place struct {
	in   *list.List
	here *list.Element
}

func newConnections(most int) *connections {
	return &connections{most: most, known: map[net.Conn]*place{}, strange: list.New(), idle: list.New()}
}

// changed is the server's ConnState.
func (c *connections) changed(conn net.Conn, s http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.known[conn]
	switch s {
	case http.StateNew:
		if len(c.known) >= c.most && !c.evict() {
			go conn.Close() // every other one is being answered
			return
		}
		p = &place{}
		c.known[conn] = p
		p.move(conn, c.strange)
	case http.StateIdle:
		if p != nil && p.in == nil {
			p.move(conn, c.idle)
		}
	case http.StateClosed, http.StateHijacked:
		if p != nil {
			p.move(conn, nil)
			delete(c.known, conn)
		}
	}
}

// admit notes that a request of conn has come whole and is answered.
func (c *connections) admit(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if p := c.known[conn]; p != nil {
		p.move(conn, nil)
	}
}

// evict closes one connection, unless all are being answered. Closing may wait for TLS to say good-bye, so nobody waits for it.
func (c *connections) evict() bool {
	for _, l := range []*list.List{c.strange, c.idle} {
		if e := l.Front(); e != nil {
			conn := e.Value.(net.Conn)
			c.known[conn].move(conn, nil)
			delete(c.known, conn)
			go conn.Close()
			return true
		}
	}
	return false
}

func (p *place) move(conn net.Conn, to *list.List) {
	if p.in != nil {
		p.in.Remove(p.here)
	}
	if p.in, p.here = to, nil; to != nil {
		p.here = to.PushBack(conn)
	}
}
