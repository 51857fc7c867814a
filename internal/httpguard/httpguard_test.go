package httpguard

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// started serves h behind the gate until the test ends, and returns its address.
func started(t *testing.T, h http.HandlerFunc, o Options) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := Server(h, o)
	var end sync.WaitGroup
	end.Go(func() { _ = s.Serve(l) })
	t.Cleanup(func() {
		s.Close()
		end.Wait()
	})
	return l.Addr().String()
}

// length answers with how long the body was.
func length(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	fmt.Fprint(w, len(body))
}

// ask sends one request on a connection of its own and returns the status and the answer.
func ask(t *testing.T, method, address, body string, header map[string]string) (int, string) {
	t.Helper()
	r, err := http.NewRequest(method, "http://"+address+"/x", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range header {
		if r.Header.Set(k, v); k == "Host" {
			r.Host = v
		}
	}
	c := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second}
	a, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	text, err := io.ReadAll(a.Body)
	if err != nil {
		t.Fatal(err)
	}
	return a.StatusCode, string(text)
}

func TestGate(t *testing.T) {
	var lines bytes.Buffer
	address := started(t, length, Options{Token: "secret", Local: true, Body: 1000, Log: log.New(&lines, "", 0)})
	bearer := func(more ...string) map[string]string {
		h := map[string]string{"Authorization": "Bearer secret"}
		for i := 0; i < len(more); i += 2 {
			h[more[i]] = more[i+1]
		}
		return h
	}
	for name, c := range map[string]struct {
		body   string
		header map[string]string
		status int
		answer string
	}{
		"right":               {"12345", bearer(), 200, "5"},
		"largest body":        {strings.Repeat("a", 1000), bearer(), 200, "1000"},
		"larger body":         {strings.Repeat("a", 1001), bearer(), 413, "more than 1000 bytes"},
		"own origin":          {"", bearer("Origin", "http://"+address), 200, "0"},
		"foreign origin":      {"", bearer("Origin", "http://evil.example"), 403, "comes from a page of"},
		"no origin's site":    {"", bearer("Origin", "null"), 403, "comes from a page of"},
		"name of this host":   {"", bearer("Host", "localhost:1"), 200, "0"},
		"loopback of IPv6":    {"", bearer("Host", "[::1]:80"), 200, "0"},
		"another name":        {"", bearer("Host", "evil.example"), 403, "answers for localhost only"},
		"a name that ends so": {"", bearer("Host", "notlocalhost"), 403, "answers for localhost only"},
		"no token":            {"", nil, 401, "token is missing or wrong"},
		"wrong token":         {"", map[string]string{"Authorization": "Bearer secret2"}, 401, "token is missing or wrong"},
	} {
		if status, answer := ask(t, "POST", address, c.body, c.header); status != c.status || !strings.Contains(answer, c.answer) {
			t.Errorf("%s: status %d, %q; want %d with %q", name, status, answer, c.status, c.answer)
		}
	}
	if n := strings.Count(lines.String(), "\n"); n != 7 {
		t.Errorf("%d lines of the log, want one for each of 7 refusals:\n%s", n, &lines)
	}
}

// TestBodiesShareMemory: bodies under way hold what has come of them, and no more is taken than the budget has.
func TestBodiesShareMemory(t *testing.T) {
	address := started(t, length, Options{Body: 64 << 10, Memory: 100 << 10})
	slow, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	fmt.Fprintf(slow, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 50000\r\n\r\n%s", strings.Repeat("a", 40000))
	refused := false
	for end := time.Now().Add(10 * time.Second); !refused && time.Now().Before(end); {
		status, _ := ask(t, "POST", address, strings.Repeat("a", 50000), nil)
		refused = status == http.StatusServiceUnavailable
	}
	if !refused {
		t.Error("two bodies of 50,000 bytes had room in 100 KiB, beside the buffers that they grew from")
	}
	if status, answer := ask(t, "POST", address, "small", nil); status != 200 || answer != "5" {
		t.Errorf("a small body beside a slow one: status %d, %q", status, answer)
	}
	slow.Close()
	for end := time.Now().Add(10 * time.Second); ; {
		if status, _ := ask(t, "POST", address, strings.Repeat("a", 50000), nil); status == 200 {
			break
		} else if time.Now().After(end) {
			t.Fatal("the memory of a body whose client left was not given back")
		}
	}
}

// TestSlowClients: connections that send nothing, half a header or half a body make room for clients that work.
func TestSlowClients(t *testing.T) {
	const most, slow = 24, 200
	address := started(t, length, Options{Connections: most, Memory: 1 << 20})
	starts := []string{"", "POST / HT", "POST / HTTP/1.1\r\nHost: x\r\nContent-Le", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc"}
	good := http.Client{Timeout: 10 * time.Second}
	answered := 0
	for i := range slow {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprint(c, starts[i%len(starts)]) // the server may have closed it already
		if i%20 != 0 {
			continue
		}
		a, err := good.Post("http://"+address, "text/plain", strings.NewReader("123"))
		if err != nil {
			t.Fatalf("beside %d slow clients: %v", i+1, err)
		}
		text, err := io.ReadAll(a.Body)
		if a.Body.Close(); err != nil || string(text) != "3" {
			t.Fatalf("beside %d slow clients: %q, %v", i+1, text, err)
		}
		answered++
	}
	if answered != slow/20 {
		t.Errorf("%d requests were answered, want %d", answered, slow/20)
	}
}

// TestBodyTime: a body that does not come ends its request.
func TestBodyTime(t *testing.T) {
	address := started(t, length, Options{BodyTime: 50 * time.Millisecond})
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc")
	_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
	text, err := io.ReadAll(c)
	if err != nil || !strings.HasPrefix(string(text), "HTTP/1.1 400") || !strings.Contains(string(text), "ended early") {
		t.Errorf("%q, %v; want status 400 and the end of the connection", text, err)
	}
}

// TestStreams: an answer may take longer than a body may, while its handler moves the deadline.
func TestStreams(t *testing.T) {
	address := started(t, func(w http.ResponseWriter, r *http.Request) {
		c := http.NewResponseController(w)
		for range 10 {
			_ = c.SetWriteDeadline(time.Now().Add(time.Second))
			fmt.Fprint(w, "x")
			_ = c.Flush()
			select {
			case <-r.Context().Done():
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}, Options{BodyTime: 30 * time.Millisecond, AnswerTime: 30 * time.Millisecond})
	if status, answer := ask(t, "GET", address, "", nil); status != 200 || answer != "xxxxxxxxxx" {
		t.Errorf("status %d, %q", status, answer)
	}
}
