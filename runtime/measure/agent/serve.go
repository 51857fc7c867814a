package agent

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/autotailor/autotailor/internal/httpguard"
)

// farewell is how long a server that ends waits for clients to fetch their results.
const farewell = 5 * time.Second

// Serve answers requests on l and runs jobs until ctx ends. Then the job that runs is finished, clients have a few seconds to
// fetch results, and jobs that wait are left: clients send them again to the next run of the server.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	server := s.guarded(httpguard.Loopback(l.Addr()))
	var failed error
	var parts sync.WaitGroup
	work, stop := context.WithCancel(ctx)
	defer stop()
	parts.Go(func() {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			failed = err
			stop()
		}
	})
	err := s.Run(work)
	for end := time.Now().Add(farewell); s.store.unfetched() && time.Now().Before(end) && failed == nil; {
		time.Sleep(10 * time.Millisecond)
	}
	closed := server.Close() // streams have no end of their own
	parts.Wait()
	return errors.Join(failed, err, closed)
}
