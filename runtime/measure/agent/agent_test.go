package agent_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/measure/agent"
	"github.com/autotailor/autotailor/runtime/nn"
)

const token = "right"

// fake is a device that answers with what it can tell of the network, and counts.
type fake struct {
	mu     sync.Mutex
	ran    map[int]int // how often, by the network's width
	slow   time.Duration
	dies   int // of the next jobs
	opened int
}

func (f *fake) Info() engine.Info {
	return engine.Info{Name: "fake", Version: "1", Device: "board", Threads: 1, Precision: "fp32", Rules: "none"}
}
func (f *fake) Compile(*nn.Graph, nn.Weights) (engine.Session, error) { return nil, errors.New("no") }
func (f *fake) Close() error                                          { return nil }

func (f *fake) Measure(_ context.Context, jobs []engine.Job, done func(int, engine.Measurement)) error {
	for i, j := range jobs {
		time.Sleep(f.slow)
		width := j.Graph.Values[j.Graph.Inputs[0]].Shape[1]
		f.mu.Lock()
		if f.dies > 0 {
			f.dies--
			f.mu.Unlock()
			return errors.New("struck by lightning")
		}
		f.ran[width]++
		f.mu.Unlock()
		if width%10 == 7 {
			done(i, engine.Measurement{Failed: fmt.Sprintf("width %d is unlucky", width)})
			continue
		}
		done(i, engine.Measurement{Times: []time.Duration{time.Duration(width), time.Duration(j.Runs)}, Energy: float64(width)})
	}
	return nil
}

// checkMeasurement compares a result with what fake says of a job.
func checkMeasurement(t *testing.T, width int, m engine.Measurement) {
	t.Helper()
	if width%10 == 7 && m.Failed == fmt.Sprintf("width %d is unlucky", width) {
		return
	}
	if len(m.Times) != 2 || m.Times[0] != time.Duration(width) || m.Times[1] != 3 || m.Energy != float64(width) {
		t.Errorf("width %d: %+v", width, m)
	}
}

// jobs are networks of the widths first, first+1, ...
func jobs(t testing.TB, first, n int) []engine.Job {
	t.Helper()
	var list []engine.Job
	for i := range n {
		g, err := nn.Record(func(b nn.Builder) {
			b.Output("y", b.Act(b.Input("x", nn.Float32, nn.Shape{1, first + i, 4, 4}), nn.Sigmoid()))
		})
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, engine.Job{Graph: g, Weights: nn.MapWeights{}, Warmup: 1, Runs: 3, Limit: time.Second})
	}
	return list
}

// start serves a device until the test ends, or stop is called.
func start(t testing.TB, f *fake, o agent.Options) (address string, stop func()) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return "http://" + l.Addr().String(), startOn(t, l, f, o)
}

func startOn(t testing.TB, l net.Listener, f *fake, o agent.Options) (stop func()) {
	t.Helper()
	if f.ran == nil {
		f.ran = map[int]int{}
	}
	o.Token = token
	s, err := agent.NewServer(func() (engine.Measurer, error) { f.opened++; return f, nil }, o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, l) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the server ended with %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

func open(t *testing.T, address string, o agent.ClientOptions) *agent.Client {
	t.Helper()
	o.Token = token
	if o.Silence == 0 {
		o.Silence = 2 * time.Second
	}
	c, err := agent.Open(t.Context(), address, o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// link is a proxy that can be cut: connections end at random bytes, in both directions.
type link struct {
	l    net.Listener
	to   string
	mu   sync.Mutex
	rng  *rand.Rand
	open map[net.Conn]bool
	fuse int // bytes until the next cut, 0 for none
	cuts int
	hang bool // the next cut leaves connections open and dead
}

func newLink(t *testing.T, to string) *link {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	k := &link{l: l, to: strings.TrimPrefix(to, "http://"), rng: rand.New(rand.NewPCG(4, 4)), open: map[net.Conn]bool{}}
	t.Cleanup(func() { l.Close(); k.cut() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go k.connect(c)
		}
	}()
	return k
}

func (k *link) connect(c net.Conn) {
	s, err := net.Dial("tcp", k.to)
	if err != nil {
		c.Close()
		return
	}
	k.mu.Lock()
	k.open[c], k.open[s] = true, true
	k.mu.Unlock()
	go k.pump(c, s)
	k.pump(s, c)
}

// pump passes bytes on until the fuse has burnt down in the middle of them.
func (k *link) pump(to, from net.Conn) {
	defer to.Close()
	defer from.Close()
	buffer := make([]byte, 4096)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		k.mu.Lock()
		burnt := k.fuse > 0 && n >= k.fuse
		if burnt {
			n, k.fuse = k.fuse, 0
			k.cuts++
		} else if k.fuse > 0 {
			k.fuse -= n
		}
		hang := burnt && k.hang
		dead := !k.open[from]
		k.mu.Unlock()
		if dead {
			continue // hangs
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
		switch {
		case hang:
			k.mu.Lock()
			clear(k.open)
			k.mu.Unlock()
		case burnt:
			k.cut()
			return
		}
	}
}

func (k *link) cut() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for c := range k.open {
		c.Close()
	}
	clear(k.open)
}

// arm lets the link be cut after at most so many bytes more, if it is not armed.
func (k *link) arm(most int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.fuse == 0 {
		k.fuse = 1 + k.rng.IntN(most)
	}
}

// TestNothingIsLostOrDoubled: 1,000 jobs arrive over a link that is cut at least ten times at random bytes of either
// direction, each runs once, and each has its own result once.
func TestNothingIsLostOrDoubled(t *testing.T) {
	needs.Time(t)
	const n, cuts = 1000, 10
	f := &fake{}
	address, _ := start(t, f, agent.Options{Alive: 50 * time.Millisecond})
	k := newLink(t, address)
	c := open(t, "http://"+k.l.Addr().String(), agent.ClientOptions{})
	list := jobs(t, 1, n)
	got := make([]int, n)
	results := 0
	for from, chunk := 0, 0; from < n; from += chunk { // calls of several sizes, as a profile makes them
		chunk = min([]int{8, 250, 100, 400}[from%4], n-from)
		err := c.Measure(t.Context(), list[from:from+chunk], func(i int, m engine.Measurement) {
			got[from+i]++
			checkMeasurement(t, from+i+1, m)
			if results++; results%(n/cuts/3) == 0 {
				k.arm(1000)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	for i := range n {
		if got[i] != 1 || f.ran[i+1] != 1 {
			t.Errorf("job %d has %d results and ran %d times", i, got[i], f.ran[i+1])
		}
	}
	if k.cuts < cuts {
		t.Errorf("the link was cut %d times only", k.cuts)
	}
	t.Logf("%d jobs, %d cuts", n, k.cuts)
}

// TestDeadLink: a link that falls silent without being closed is given up.
func TestDeadLink(t *testing.T) {
	f := &fake{}
	address, _ := start(t, f, agent.Options{Alive: 20 * time.Millisecond})
	k := newLink(t, address)
	k.hang = true
	c := open(t, "http://"+k.l.Addr().String(), agent.ClientOptions{Silence: 200 * time.Millisecond})
	results := 0
	err := c.Measure(t.Context(), jobs(t, 1, 60), func(i int, m engine.Measurement) {
		checkMeasurement(t, i+1, m)
		if results++; results == 20 || results == 40 {
			k.arm(500)
		}
	})
	if err != nil || results != 60 || k.cuts == 0 {
		t.Errorf("%v, %d results, %d silences", err, results, k.cuts)
	}
}

// TestAgentStartedAnew: jobs that an agent had when it ended are with the next one.
func TestAgentStartedAnew(t *testing.T) {
	f := &fake{slow: 2 * time.Millisecond}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	stop := startOn(t, l, f, agent.Options{Alive: 20 * time.Millisecond})
	c := open(t, "http://"+l.Addr().String(), agent.ClientOptions{})
	results := map[int]int{}
	err = c.Measure(t.Context(), jobs(t, 1, 100), func(i int, m engine.Measurement) {
		checkMeasurement(t, i+1, m)
		if results[i]++; len(results) == 30 {
			go func() {
				stop()
				again, err := net.Listen("tcp", l.Addr().String())
				if err != nil {
					t.Error(err)
					return
				}
				startOn(t, again, f, agent.Options{Alive: 20 * time.Millisecond})
			}()
		}
	})
	if err != nil || len(results) != 100 {
		t.Errorf("%v, %d results", err, len(results))
	}
	for i, k := range results {
		if k != 1 {
			t.Errorf("job %d has %d results", i, k)
		}
	}
}

// TestCancelledJobsAreDropped: when a client ends, what it left is not run, and its next batch is not disturbed by it.
func TestCancelledJobsAreDropped(t *testing.T) {
	f := &fake{slow: 5 * time.Millisecond}
	address, _ := start(t, f, agent.Options{Alive: 20 * time.Millisecond})
	c := open(t, address, agent.ClientOptions{Window: 50})
	ctx, cancel := context.WithCancel(t.Context())
	err := c.Measure(ctx, jobs(t, 1, 50), func(int, engine.Measurement) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	results := 0
	if err := c.Measure(t.Context(), jobs(t, 100, 3), func(i int, m engine.Measurement) { results++; checkMeasurement(t, 100+i, m) }); err != nil || results != 3 {
		t.Errorf("%v, %d results", err, results)
	}
	d := open(t, address, agent.ClientOptions{Window: 50})
	ctx, cancel = context.WithCancel(t.Context())
	if err := d.Measure(ctx, jobs(t, 200, 50), func(int, engine.Measurement) { cancel() }); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if err := errors.Join(d.Close(), c.Close()); err != nil {
		t.Error(err)
	}
	time.Sleep(20 * time.Millisecond)
	f.mu.Lock()
	before := len(f.ran)
	f.mu.Unlock()
	time.Sleep(50 * time.Millisecond)
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.ran) > before+1 || len(f.ran) > 100 {
		t.Errorf("%d jobs ran after their client had ended", len(f.ran)-before)
	}
}

// TestLostDevice: a device is opened again, and the job that it is lost with twice has failed.
func TestLostDevice(t *testing.T) {
	f := &fake{dies: 1}
	address, _ := start(t, f, agent.Options{})
	c := open(t, address, agent.ClientOptions{Window: 1})
	check := func(want string) {
		t.Helper()
		if err := c.Measure(t.Context(), jobs(t, 1, 1), func(_ int, m engine.Measurement) {
			if want == "" {
				checkMeasurement(t, 1, m)
			} else if !strings.Contains(m.Failed, want) {
				t.Errorf("%+v, want %q", m, want)
			}
		}); err != nil {
			t.Error(err)
		}
	}
	check("")
	f.mu.Lock()
	f.dies = 2
	f.mu.Unlock()
	check("lightning")
	check("")
	if f.opened != 4 {
		t.Errorf("the device was opened %d times", f.opened)
	}
}

// misfit is a network whose result is declared smaller than its convolution makes it.
const misfit = `{"version":1,"values":[{"name":"x","type":1,"shape":[1,48,4,4]},{"name":"w","type":1,"shape":[48,1,3,3],"param":true},{"name":"y","type":1,"shape":[1,48,1,1]}],` +
	`"inputs":[1],"nodes":[{"op":"Conv","name":"m","attrs":[{"name":"group","kind":2,"int":48},{"name":"pads","kind":7,"ints":[100,100,100,100]}],"in":[1,2],"out":[3]}],"outputs":[3]}`

// TestRefusals: what an agent must not take, with the status that says why; nothing of it runs.
func TestRefusals(t *testing.T) {
	f := &fake{}
	address, _ := start(t, f, agent.Options{Limits: agent.Limits{Body: 20_000, Memory: 1 << 20}})
	good, err := agent.EncodeJob(jobs(t, 1, 1)[0])
	if err != nil {
		t.Fatal(err)
	}
	large, err := agent.EncodeJob(jobs(t, 1<<20, 1)[0])
	if err != nil {
		t.Fatal(err)
	}
	const job = "PUT /v1/sessions/a/jobs/0"
	for name, c := range map[string]struct {
		request, token string
		body           string
		status         int
	}{
		"no token":            {job, "", string(good), 401},
		"wrong token":         {job, "Bearer wrong", string(good), 401},
		"longer token":        {job, "Bearer " + token + token, string(good), 401},
		"other scheme":        {job, "Basic " + token, string(good), 401},
		"no token, device":    {"GET /v1/device", "", "", 401},
		"no token, results":   {"GET /v1/sessions/a/results", "", "", 401},
		"no token, end":       {"DELETE /v1/sessions/a", "", "", 401},
		"oversize":            {job, "Bearer " + token, strings.Repeat(" ", 20_001), 413},
		"no JSON":             {job, "Bearer " + token, "hello", 400},
		"cut off":             {job, "Bearer " + token, string(good[:len(good)/2]), 400},
		"two jobs":            {job, "Bearer " + token, string(good) + string(good), 400},
		"unknown field":       {job, "Bearer " + token, strings.Replace(string(good), `"runs"`, `"command":"rm","runs"`, 1), 400},
		"no runs":             {job, "Bearer " + token, strings.Replace(string(good), `"runs":3`, `"runs":0`, 1), 400},
		"many runs":           {job, "Bearer " + token, strings.Replace(string(good), `"runs":3`, `"runs":1000000000`, 1), 400},
		"no network":          {job, "Bearer " + token, `{"warmup":1,"runs":1,"limit_ms":1,"graph":{}}`, 400},
		"impossible network":  {job, "Bearer " + token, strings.Replace(string(good), `"outputs":[2]`, `"outputs":[9]`, 1), 400},
		"shapes do not fit":   {job, "Bearer " + token, `{"warmup":1,"runs":1,"limit_ms":1,"graph":` + misfit + `}`, 400},
		"too much memory":     {job, "Bearer " + token, string(large), 422},
		"number":              {"PUT /v1/sessions/a/jobs/-1", "Bearer " + token, string(good), 400},
		"large number":        {"PUT /v1/sessions/a/jobs/99999999", "Bearer " + token, string(good), 400},
		"long session":        {"PUT /v1/sessions/" + strings.Repeat("a", 65) + "/jobs/0", "Bearer " + token, string(good), 400},
		"other method":        {"POST /v1/sessions/a/jobs/0", "Bearer " + token, string(good), 405},
		"other path":          {"GET /v1/files/etc/passwd", "Bearer " + token, "", 404},
		"acknowledge nothing": {"POST /v1/sessions/a/acknowledge", "Bearer " + token, `{"jobs":[5]}`, 400},
		"acknowledge badly":   {"POST /v1/sessions/a/acknowledge", "Bearer " + token, `[]`, 400},
		"health":              {"GET /v1/health", "", "", 200},
		"device":              {"GET /v1/device", "bearer " + token, "", 200},
	} {
		t.Run(name, func(t *testing.T) {
			method, path, _ := strings.Cut(c.request, " ")
			q, err := http.NewRequestWithContext(t.Context(), method, address+path, strings.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			if c.token != "" {
				q.Header.Set("Authorization", c.token)
			}
			r, err := http.DefaultClient.Do(q)
			if err != nil {
				t.Fatal(err)
			}
			r.Body.Close()
			if r.StatusCode != c.status {
				t.Errorf("status %d, want %d", r.StatusCode, c.status)
			}
		})
	}
	if len(f.ran) != 0 {
		t.Errorf("%d jobs ran", len(f.ran))
	}
}

// TestRequestsMayComeTwice: the same job is taken once, another of its number is refused, also after it was acknowledged.
func TestRequestsMayComeTwice(t *testing.T) {
	f := &fake{}
	s, err := agent.NewServer(func() (engine.Measurer, error) { return f, nil }, agent.Options{Token: token, Limits: agent.Limits{Jobs: 2}})
	if err != nil {
		t.Fatal(err)
	}
	f.ran = map[int]int{}
	ctx, cancel := context.WithCancel(t.Context())
	ask := func(request, body string, want int) string {
		t.Helper()
		method, path, _ := strings.Cut(request, " ")
		q := httptest.NewRequestWithContext(ctx, method, path, strings.NewReader(body))
		q.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, q)
		if w.Code != want {
			t.Errorf("%s: status %d %s, want %d", request, w.Code, w.Body, want)
		}
		return w.Body.String()
	}
	var bodies []string
	for _, j := range jobs(t, 1, 3) {
		b, err := agent.EncodeJob(j)
		if err != nil {
			t.Fatal(err)
		}
		bodies = append(bodies, string(b))
	}
	ask("PUT /v1/sessions/a/jobs/0", bodies[0], 201)
	ask("PUT /v1/sessions/a/jobs/0", bodies[0], 200)
	ask("PUT /v1/sessions/a/jobs/0", bodies[1], 409)
	ask("PUT /v1/sessions/a/jobs/1", bodies[1], 201)
	ask("PUT /v1/sessions/b/jobs/0", bodies[2], 429)
	ask("POST /v1/sessions/a/acknowledge", `{"jobs":[0]}`, 400)
	go s.Run(ctx)
	for range 200 {
		f.mu.Lock()
		n := len(f.ran)
		f.mu.Unlock()
		if time.Sleep(5 * time.Millisecond); n == 2 {
			break
		}
	}
	ask("POST /v1/sessions/a/acknowledge", `{"jobs":[0,1]}`, 200)
	ask("POST /v1/sessions/a/acknowledge", `{"jobs":[0,1]}`, 200)
	ask("PUT /v1/sessions/a/jobs/0", bodies[0], 200)
	ask("PUT /v1/sessions/b/jobs/0", bodies[2], 201)
	ask("DELETE /v1/sessions/a", "", 200)
	ask("PUT /v1/sessions/a/jobs/0", bodies[0], 410)
	ask("GET /v1/sessions/a/results", "", 410)
	cancel()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ran[1] != 1 || f.ran[2] != 1 {
		t.Errorf("jobs ran %v", f.ran)
	}
}

// TestClientsSayWhatIsWrong: errors of opening name the remedy, and jobs that an agent refuses are failed ones.
func TestClientsSayWhatIsWrong(t *testing.T) {
	address, _ := start(t, &fake{}, agent.Options{Limits: agent.Limits{Memory: 1 << 20, Body: 5000}})
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	for where, c := range map[string]struct {
		o    agent.ClientOptions
		want string
	}{
		address:                   {agent.ClientOptions{Token: "wrong"}, "AUTOTAILOR_AGENT_TOKEN"},
		address + "/":             {agent.ClientOptions{Token: token, Threads: 4}, "--threads 4"},
		address + "#sha256=00":    {agent.ClientOptions{Token: token}, "not a fingerprint"},
		"board:8437":              {agent.ClientOptions{}, "want http://HOST:PORT"},
		other.URL:                 {agent.ClientOptions{}, "404"},
		"http://127.0.0.1:1":      {agent.ClientOptions{}, "refused"},
		"https" + address[4:]:     {agent.ClientOptions{Token: token}, "HTTP"},
		"file:///etc/passwd":      {agent.ClientOptions{}, "want http://HOST:PORT"},
		"http://user name@a:8437": {agent.ClientOptions{}, "want http://HOST:PORT"},
	} {
		if _, err := agent.Open(t.Context(), where, c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", where, err, c.want)
		}
	}
	c := open(t, address, agent.ClientOptions{})
	list := append(jobs(t, 1, 1), jobs(t, 1<<20, 1)...)
	deep, err := nn.Record(func(b nn.Builder) {
		x := b.Input("x", nn.Float32, nn.Shape{1, 1})
		for range 100 {
			x = b.Act(x, nn.Sigmoid())
		}
		b.Output("y", x)
	})
	if err != nil {
		t.Fatal(err)
	}
	list = append(list, engine.Job{Graph: deep, Runs: 1})
	if err := c.Measure(t.Context(), list, func(i int, m engine.Measurement) {
		if want := []string{"", "MiB of memory", "more than 5000 bytes"}[i]; !strings.Contains(m.Failed, want) || i == 0 && m.Failed != "" {
			t.Errorf("job %d: %+v", i, m)
		}
	}); err != nil {
		t.Error(err)
	}
	if _, err := c.Compile(nil, nil); err == nil {
		t.Error("an agent compiled a network")
	}
}
