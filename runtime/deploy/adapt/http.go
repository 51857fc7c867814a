package adapt

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	_ "image/gif"  // a format of images
	_ "image/jpeg" // a format of images
	_ "image/png"  // a format of images
	"io"
	"math"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/train/data"
)

// Bounds of what comes from outside.
const (
	maxBody  = 8 << 20
	maxSmall = 4 << 10 // of a body that is no input
	maxSide  = 4096    // of an image
)

// Handler serves s over HTTP:
//
//	GET  /           what there is to ask for, as text
//	POST /predict    an image (PNG, JPEG, GIF, BMP, WebP), or JSON {"data": [...], "shape": [...]}: the numbers of one sample, and its shape where that
//	                 is not the most accurate SubNet's; the answer has what the bundle's task makes of the outputs
//	GET  /subnets    what there is, and which serves
//	POST /subnet     JSON {"subnet": TEXT or NUMBER or "auto"}
//	POST /condition  JSON {"thermal": "nominal", "fair", "serious" or "critical", "battery": 0.8}
//	GET  /metrics    for Prometheus
//	GET  /healthz    200 while the service is open
//
// Mistakes are JSON {"error": TEXT} with a status of 400 or above. t makes input of images.
func Handler(s *Service, t data.Transform) http.Handler {
	h := handler{s, t}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", h.usage)
	mux.HandleFunc("POST /predict", h.predict)
	mux.HandleFunc("GET /subnets", h.subnets)
	mux.HandleFunc("POST /subnet", h.subnet)
	mux.HandleFunc("POST /condition", h.condition)
	mux.HandleFunc("GET /metrics", h.metrics)
	mux.HandleFunc("GET /healthz", h.healthz)
	return mux
}

// usageText is what GET / answers, with the task, what POST /predict takes, and an example of that.
const usageText = `This service answers requests of the task %q with the SubNets of one network.

  POST /predict    %s
  GET  /subnets    which SubNets there are, and which one answers
  POST /subnet     {"subnet": NUMBER}, {"subnet": "TEXT"} or {"subnet": "auto"}
  POST /condition  {"thermal": "nominal", "battery": 0.8}; these two with -H 'Content-Type: application/json'
  GET  /metrics    for Prometheus
  GET  /healthz    200 while the service is open

Try: %s
`

func (h handler) usage(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	takes := fmt.Sprintf(`JSON {"data": [...]}: %d numbers of the shape %v`, h.s.most().Input.Count(), h.s.most().Input[1:])
	if h.s.TakesImages() {
		takes = `an image (PNG, JPEG, GIF, BMP, WebP), or JSON {"data": [...], "shape": [...]}`
	}
	fmt.Fprintf(w, usageText, cmp.Or(h.s.task, "classification"), takes, h.s.Example("http://"+r.Host)) // a client that has gone needs no answer
}

// most is the most accurate SubNet.
func (s *Service) most() Level { return s.levels[len(s.levels)-1] }

// TakesImages tells whether requests may be images.
func (s *Service) TakesImages() bool {
	in := s.most()
	return isImage(in.Input) == nil && in.typ == nn.Float32 && (in.Input[1] == 1 || in.Input[1] == 3)
}

// Example is a command line that asks the service at an address, such as http://localhost:8080.
func (s *Service) Example(address string) string {
	if s.TakesImages() {
		return "curl --data-binary @image.png " + address + "/predict"
	}
	numbers := make([]string, 0, shown)
	for range min(shown, s.most().Input.Count()) {
		numbers = append(numbers, "0")
	}
	if s.most().Input.Count() > shown {
		numbers[shown-1] = "..."
	}
	return fmt.Sprintf("curl -H 'Content-Type: application/json' -d '{\"data\": [%s]}' %s/predict", strings.Join(numbers, ", "), address)
}

// shown is how many numbers an example has.
const shown = 16

type handler struct {
	s *Service
	t data.Transform
}

// problem is a mistake of the client.
type problem struct {
	status int
	err    error
}

func (p problem) Error() string { return p.err.Error() }

func bad(format string, args ...any) error {
	return problem{http.StatusBadRequest, fmt.Errorf(format, args...)}
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // a client that has gone needs no answer
}

// Refuse answers a request that Handler did not see, in the form of its mistakes.
func Refuse(w http.ResponseWriter, status int, err error) {
	reply(w, status, map[string]string{"error": err.Error()})
}

func fail(w http.ResponseWriter, err error) {
	status := http.StatusInternalServerError
	var p problem
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		status, err = http.StatusRequestEntityTooLarge, fmt.Errorf("the body has more than %d bytes", large.Limit)
	case errors.As(err, &p):
		status = p.status
	case errors.Is(err, ErrBusy), errors.Is(err, ErrClosed):
		w.Header().Set("Retry-After", "1")
		status = http.StatusServiceUnavailable
	}
	Refuse(w, status, err)
}

func (h handler) predict(w http.ResponseWriter, r *http.Request) {
	in, err := h.input(w, r)
	if err != nil {
		fail(w, err)
		return
	}
	a, err := h.s.Infer(r.Context(), func(s nn.Shape) (nn.Tensor, error) {
		t, err := in(s)
		if err != nil {
			return t, problem{http.StatusBadRequest, err}
		}
		return t, nil
	})
	if err != nil {
		fail(w, err)
		return
	}
	p := prediction{SubNet: a.SubNet, Level: a.Level, ServiceMS: milliseconds(a.Service), TotalMS: milliseconds(a.Total)}
	if err := h.says(&p, a); err != nil {
		fail(w, err)
		return
	}
	reply(w, http.StatusOK, p)
}

func milliseconds(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e6 }

// input reads the body of a prediction.
func (h handler) input(w http.ResponseWriter, r *http.Request) (Input, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return nil, err
	}
	typ, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if typ == "application/json" {
		return h.numbers(body)
	}
	if !h.s.TakesImages() {
		return nil, problem{http.StatusUnsupportedMediaType, fmt.Errorf("want JSON {\"data\": [...]}, %d numbers of the shape %v, with Content-Type: application/json", h.s.most().Input.Count(), h.s.most().Input[1:])}
	}
	c, format, err := image.DecodeConfig(bytes.NewReader(body))
	if err != nil {
		return nil, problem{http.StatusUnsupportedMediaType, fmt.Errorf("want an image (PNG, JPEG, GIF, BMP or WebP), or JSON with Content-Type: application/json: %w", err)}
	}
	if c.Width < 1 || c.Height < 1 || c.Width > maxSide || c.Height > maxSide {
		return nil, bad("an image of %d by %d pixels, want sides of 1 to %d", c.Width, c.Height, maxSide)
	}
	img, _, err := image.Decode(bytes.NewReader(body))
	if err != nil {
		return nil, bad("the %s image is damaged: %w", format, err)
	}
	return upright(img, format, data.Orientation(body), h.t), nil
}

// numbers reads input of numbers, of the networks' element type, by default of the shape of the most accurate SubNet.
func (h handler) numbers(body []byte) (Input, error) {
	var x struct {
		Data  []float64 `json:"data"`
		Shape nn.Shape  `json:"shape"`
	}
	if err := strict(body, &x); err != nil {
		return nil, err
	}
	largest := h.s.most()
	s := largest.Input
	if x.Shape != nil {
		s = append(nn.Shape{1}, x.Shape...)
	}
	count := 1
	for _, n := range s {
		if n < 1 || n > maxBody/count {
			return nil, bad("the shape %v is not possible", x.Shape)
		}
		count *= n
	}
	if count != len(x.Data) {
		return nil, bad("%d numbers, the shape %v has %d; \"shape\": [...] says another one", len(x.Data), s[1:], count)
	}
	t := nn.FromNumbers(largest.typ, s, x.Data)
	for k, v := range t.Numbers() {
		if !largest.typ.Fractional() && v != x.Data[k] || math.IsInf(v, 0) {
			return nil, bad("number %d is %g, which an input of the type %v cannot hold", k, x.Data[k], largest.typ)
		}
	}
	return Tensor(t), nil
}

// strict reads one JSON value without unknown members.
func strict(body []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return bad("the JSON is not as it should be: %w", err)
	}
	if d.More() {
		return bad("something follows the JSON value")
	}
	return nil
}

// small reads a request that changes the service. A page of another site can make a browser send forms and plain text, but no JSON.
func (h handler) small(w http.ResponseWriter, r *http.Request, v any) error {
	if typ, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); typ != "application/json" {
		return problem{http.StatusUnsupportedMediaType, errors.New("want JSON with the header Content-Type: application/json")}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxSmall))
	if err != nil {
		return err
	}
	return strict(body, v)
}

func (h handler) subnets(w http.ResponseWriter, _ *http.Request) {
	level, auto := h.s.Level()
	reply(w, http.StatusOK, struct {
		Level   int     `json:"level"`
		Auto    bool    `json:"auto"`
		SubNets []Level `json:"subnets"`
	}{level, auto, h.s.levels})
}

func (h handler) subnet(w http.ResponseWriter, r *http.Request) {
	var x struct {
		SubNet json.RawMessage `json:"subnet"`
	}
	if err := h.small(w, r, &x); err != nil {
		fail(w, err)
		return
	}
	text := strings.Trim(string(x.SubNet), `"`)
	if text == "auto" {
		h.s.Auto()
		h.subnets(w, r)
		return
	}
	k, err := strconv.Atoi(text)
	if err != nil {
		k = -1
		for i, l := range h.s.levels {
			if l.SubNet.SubNet == text {
				k = i
			}
		}
	}
	if err := h.s.Serve(k); err != nil {
		fail(w, bad("there is no SubNet %.80q: GET /subnets lists them, by number or text; \"auto\" lets the policy choose", text))
		return
	}
	h.subnets(w, r)
}

func (h handler) condition(w http.ResponseWriter, r *http.Request) {
	var x struct {
		Thermal string  `json:"thermal"`
		Battery float64 `json:"battery"`
	}
	if err := h.small(w, r, &x); err != nil {
		fail(w, err)
		return
	}
	states := map[string]Thermal{"": Nominal, "nominal": Nominal, "fair": Fair, "serious": Serious, "critical": Critical}
	t, ok := states[x.Thermal]
	if !ok || x.Battery < 0 || x.Battery > 1 {
		fail(w, bad("want thermal nominal, fair, serious or critical, and battery from 0 to 1"))
		return
	}
	h.s.Condition(Condition{t, x.Battery})
	h.subnets(w, r)
}

func (h handler) metrics(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	_ = h.s.WriteMetrics(w) // a client that has gone needs no answer
}

func (h handler) healthz(w http.ResponseWriter, _ *http.Request) {
	h.s.mu.Lock()
	closed := h.s.closed
	h.s.mu.Unlock()
	if closed {
		fail(w, ErrClosed)
		return
	}
	reply(w, http.StatusOK, map[string]string{"status": "ok"})
}
