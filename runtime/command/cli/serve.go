package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/autotailor/autotailor/internal/httpguard"
	"github.com/autotailor/autotailor/runtime/accuracy"
	"github.com/autotailor/autotailor/runtime/deploy/adapt"
	"github.com/autotailor/autotailor/runtime/deploy/bundle"
	"github.com/autotailor/autotailor/runtime/measure/agent"
)

// closeTime is for the requests inside when the service ends.
const closeTime = 10 * time.Second

func runServe(c *call) error {
	dir := c.flags.String("bundle", "", "`folder` that export --front wrote, of a model with one input")
	address := c.flags.String("addr", "localhost:8080", "`host:port` to listen on; port 0 takes a free one")
	target := c.flags.Duration("target", 0, "change SubNets so that the 99th percentile of latency stays below this `duration`; 0 serves the most accurate")
	workers := c.flags.Int("workers", 0, "requests that are computed at the same time, 0 for one each processor")
	queue := c.flags.Int("queue", 0, "requests that may wait, 0 for 64 each worker; more are refused with status 503")
	tokenFile := c.flags.String("token-file", "", "`file` with a token that requests must bear: curl -H 'Authorization: Bearer TOKEN'")
	ef := c.engineFlags(1)
	if err := c.parse("bundle"); err != nil {
		return err
	}
	token := ""
	if *tokenFile != "" {
		var err error
		if token, err = agent.ReadToken(*tokenFile); err != nil {
			return err
		}
	}
	if *target < 0 || *workers < 0 || *queue < 0 {
		return usageError{errors.New("--target, --workers and --queue must not be negative")}
	}
	engines, err := c.open(ef)
	if err != nil {
		return err
	}
	defer c.closeEngines(engines)
	b, err := bundle.Open(*dir, c.net)
	if err != nil {
		return err
	}
	if err := c.inputIs(*dir, b.Input, "export it again"); err != nil {
		return err
	}
	warning := borrowing(b.SubNets, "export the bundle again with --recalibrate DIR")
	c.warn(warning)
	o := adapt.Options{Workers: *workers, Queue: *queue}
	if *target > 0 {
		o.Policy = &adapt.Target{Latency: *target}
	}
	s, err := adapt.New(c.net, b, engines[0], o)
	if err != nil {
		return fmt.Errorf("%s: %w", *dir, err)
	}
	return c.serve(s, *address, token, warning, headerOf(b.Metric))
}

// serving is what `serve --json` prints when it listens.
type serving struct {
	Address string        `json:"address"`
	Metric  metricEntry   `json:"metric"` // whose qualities accuracies are
	SubNets []adapt.Level `json:"subnets"`
	Warning string        `json:"warning,omitempty"`
}

// serve listens until the command is interrupted, then lets the requests inside come to an end.
func (c *call) serve(s *adapt.Service, address, token, warning string, judged accuracy.Header) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return errors.Join(err, s.Close(c.ctx))
	}
	if err := c.announce(s, l.Addr().String(), warning, judged); err != nil {
		return errors.Join(err, l.Close())
	}
	t, _ := c.transform()
	h := httpguard.Server(adapt.Handler(s, t), httpguard.Options{Token: token, Open: []string{"/healthz"}, Local: httpguard.Loopback(l.Addr()), Refuse: adapt.Refuse})
	failed := make(chan error, 1)
	go func() { failed <- h.Serve(l) }()
	select {
	case err = <-failed:
	case <-c.ctx.Done():
		err = nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.ctx), closeTime)
	defer cancel()
	return errors.Join(err, h.Shutdown(ctx), s.Close(ctx))
}

func (c *call) announce(s *adapt.Service, address, warning string, judged accuracy.Header) error {
	if *c.json {
		return c.print(serving{address, metricOf(judged), s.Levels(), warning})
	}
	fmt.Fprintf(c.out, "serving %s on http://%s; Ctrl-C ends it\n", c.net.Package, address)
	for k, l := range s.Levels() {
		m := metricOf(judged).metric()
		fmt.Fprintf(c.out, "  %d  %.3f ms, %s, %s\n", k, l.LatencyMS, m.Format(judged.Value(l.Accuracy)), l.SubNet.SubNet)
	}
	_, err := fmt.Fprintf(c.out, "try  %s\n", s.Example("http://"+address))
	return err
}
