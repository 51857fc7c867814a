// Command serve is an application of its own, in a module of its own: it answers requests with the SubNets of a bundle of
// mobilenetv2, and changes between them so that latency stays under a target.
package main

import (
	"context"
	"errors"
	"flag"
	"log"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/autotailor/autotailor/generated/mobilenetv2"
	"github.com/autotailor/autotailor/runtime/deploy/adapt"
	"github.com/autotailor/autotailor/runtime/deploy/bundle"
	"github.com/autotailor/autotailor/runtime/engine/embedded"
	"github.com/autotailor/autotailor/runtime/train/data"
)

// transform makes input of an image, as in training.
var transform = data.Transform{Pad: 2, Mean: []float32{0.286}, Std: []float32{0.353}}

func main() {
	dir := flag.String("bundle", "bundle", "folder that export --front wrote")
	address := flag.String("addr", "localhost:8080", "where to listen")
	target := flag.Duration("target", 20*time.Millisecond, "99th percentile of latency to stay under")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := serve(ctx, *dir, *address, *target); err != nil {
		log.Fatal(err)
	}
}

// open loads the bundle and starts the policy.
func open(dir string, target time.Duration) (*adapt.Service, error) {
	b, err := bundle.Open(dir, mobilenetv2.Definition())
	if err != nil {
		return nil, err
	}
	for _, s := range b.SubNets {
		if s.Borrowed {
			log.Printf("SubNet %s has the BatchNorm statistics of the original and classifies worse than the bundle says: export with --recalibrate", s.SubNet)
		}
	}
	e := embedded.New(embedded.Options{Threads: 1}) // of a request; requests run side by side
	return adapt.New(mobilenetv2.Definition(), b, e, adapt.Options{Policy: &adapt.Target{Latency: target}})
}

// serve answers requests until ctx ends, and those inside after it.
func serve(ctx context.Context, dir, address string, target time.Duration) error {
	s, err := open(dir, target)
	if err != nil {
		return err
	}
	h := &http.Server{Addr: address, Handler: adapt.Handler(s, transform), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- h.ListenAndServe() }()
	log.Printf("serving on http://%s", address)
	select {
	case err = <-failed:
	case <-ctx.Done():
	}
	end, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return errors.Join(err, h.Shutdown(end), s.Close(end))
}
