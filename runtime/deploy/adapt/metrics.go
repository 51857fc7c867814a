package adapt

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"
)

// metrics count what a service does.
type metrics struct {
	levels                               []levelMetrics
	refused, cancelled, failed, switches atomic.Uint64
}

// levelMetrics are those of one SubNet.
type levelMetrics struct {
	buckets [len(bounds) + 1]atomic.Uint64
	sum     atomic.Int64 // nanoseconds
	service atomic.Int64
}

// bounds of latencies, in seconds.
var bounds = [...]float64{0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2}

func newMetrics(levels int) *metrics { return &metrics{levels: make([]levelMetrics, levels)} }

func (m *metrics) served(a Answer) {
	l, k := &m.levels[a.Level], 0
	for k < len(bounds) && a.Total.Seconds() > bounds[k] {
		k++
	}
	l.buckets[k].Add(1)
	l.sum.Add(int64(a.Total))
	l.service.Add(int64(a.Service))
}

// escape is that of label values.
var escape = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

// WriteMetrics writes all metrics in the text format of Prometheus, version 0.0.4.
func (s *Service) WriteMetrics(dst io.Writer) error {
	w := bufio.NewWriter(dst)
	m := s.metrics
	label := func(k int) string {
		return fmt.Sprintf(`level="%d",subnet="%s"`, k, escape.Replace(s.levels[k].SubNet.SubNet))
	}
	head := func(name, typ, help string) {
		fmt.Fprintf(w, "# HELP autotailor_%s %s\n# TYPE autotailor_%s %s\n", name, help, name, typ)
	}
	head("request_duration_seconds", "histogram", "Latency of requests with waiting, by the SubNet that served them.")
	for k := range m.levels {
		l, total := &m.levels[k], uint64(0)
		for i := range l.buckets {
			total += l.buckets[i].Load()
			le := "+Inf"
			if i < len(bounds) {
				le = fmt.Sprint(bounds[i])
			}
			fmt.Fprintf(w, "autotailor_request_duration_seconds_bucket{%s,le=\"%s\"} %d\n", label(k), le, total)
		}
		fmt.Fprintf(w, "autotailor_request_duration_seconds_sum{%s} %g\n", label(k), time.Duration(l.sum.Load()).Seconds())
		fmt.Fprintf(w, "autotailor_request_duration_seconds_count{%s} %d\n", label(k), total)
	}
	head("service_seconds_total", "counter", "Time that workers computed, by SubNet.")
	for k := range m.levels {
		fmt.Fprintf(w, "autotailor_service_seconds_total{%s} %g\n", label(k), time.Duration(m.levels[k].service.Load()).Seconds())
	}
	head("rejected_total", "counter", "Requests without an answer, by reason.")
	for _, r := range []struct {
		reason string
		n      *atomic.Uint64
	}{{"refused", &m.refused}, {"cancelled", &m.cancelled}, {"failed", &m.failed}} {
		fmt.Fprintf(w, "autotailor_rejected_total{reason=\"%s\"} %d\n", r.reason, r.n.Load())
	}
	head("switches_total", "counter", "Changes of the SubNet that serves.")
	fmt.Fprintf(w, "autotailor_switches_total %d\n", m.switches.Load())
	k, auto := s.Level()
	head("level", "gauge", "SubNet that serves, counted from the fastest.")
	fmt.Fprintf(w, "autotailor_level %d\n", k)
	head("policy_active", "gauge", "1 when a policy chooses the SubNet.")
	fmt.Fprintf(w, "autotailor_policy_active %d\n", map[bool]int{true: 1}[auto])
	head("predicted_accuracy", "gauge", "Predicted accuracy of the SubNet that serves.")
	fmt.Fprintf(w, "autotailor_predicted_accuracy %g\n", s.levels[k].Accuracy)
	head("waiting_requests", "gauge", "Requests that wait for a worker.")
	fmt.Fprintf(w, "autotailor_waiting_requests %d\n", s.waiting())
	return w.Flush()
}
