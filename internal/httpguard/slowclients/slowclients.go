// Package slowclients measures a server beside many clients that hold connections and send next to nothing.
package slowclients

import (
	"fmt"
	"net"
	"slices"
	"sync"
	"testing"
	"time"
)

// good is how many clients ask at the same time.
const good = 8

// Beside returns the 99th percentile of the time that request takes, alone and beside n slow connections to address; a request that fails fails the
// test. The slow ones send a byte each second: a third of them nothing at all, a third a header, a third a body. Those that the server closes come again.
func Beside(t *testing.T, address string, n, requests int, request func() error) (alone, beside time.Duration) {
	t.Helper()
	alone = percentile(t, requests, request)
	stop := make(chan struct{})
	var slow sync.WaitGroup
	for k := range n {
		slow.Go(func() { hold(address, k, stop) })
	}
	time.Sleep(2 * time.Second) // so that the server has them
	beside = percentile(t, requests, request)
	close(stop)
	slow.Wait()
	t.Logf("99th percentile of %d requests: %v alone, %v beside %d slow connections", requests, alone, beside, n)
	return alone, beside
}

// percentile returns the 99th percentile of the time that request takes while good clients ask.
func percentile(t *testing.T, requests int, request func() error) time.Duration {
	t.Helper()
	times := make([]time.Duration, requests)
	var clients sync.WaitGroup
	for c := range good {
		clients.Go(func() {
			for i := c; i < requests; i += good {
				start := time.Now()
				if err := request(); err != nil {
					t.Errorf("request %d: %v", i, err)
					return
				}
				times[i] = time.Since(start)
			}
		})
	}
	clients.Wait()
	slices.Sort(times)
	return times[requests*99/100]
}

// hold opens a connection again and again, and sends a byte of a request each second.
func hold(address string, k int, stop <-chan struct{}) {
	text := []string{"", "GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: " + fmt.Sprint(k), "POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n"}[k%3]
	time.Sleep(time.Duration(k%100) * time.Millisecond * 10) // or all would send at the same moment
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		c, err := net.Dial("tcp", address)
		sent := 0
		for err == nil {
			select {
			case <-stop:
				c.Close()
				return
			case <-tick.C:
			}
			part := text[min(sent, len(text)):min(sent+1, len(text))]
			if sent == 0 && k%3 == 2 {
				part = text // the header at once, then the body slowly
			} else if sent > 0 && part == "" && text != "" {
				part = "x"
			}
			_, err = c.Write([]byte(part))
			sent = max(sent+1, len(part))
		}
		if c != nil {
			c.Close()
		}
		select {
		case <-stop:
			return
		case <-tick.C:
		}
	}
}
