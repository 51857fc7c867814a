package adapt_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/deploy/adapt"
)

func post(t testing.TB, h http.Handler, path, typ string, body []byte) (int, string) {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, path, bytes.NewReader(body))
	r.Header.Set("Content-Type", typ)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

func get(t testing.TB, h http.Handler, path string) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w.Code, w.Body.String()
}

// picture is image 0 as a PNG file.
func picture(t testing.TB) []byte {
	t.Helper()
	s := images(t, 1)
	img := image.NewGray(image.Rect(0, 0, s.Width, s.Height))
	copy(img.Pix, s.Pixels)
	var file bytes.Buffer
	if err := png.Encode(&file, img); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// TestHTTP: images and numbers are answered as offline, SubNets are chosen by number and text.
func TestHTTP(t *testing.T) {
	needs.Clone(t)
	s, b := service(t, adapt.Options{})
	h, set := adapt.Handler(s, transform), images(t, 1)
	want := offline(t, b, set)
	x, err := transform.Batch(set, 0, 1, 32)
	if err != nil {
		t.Fatal(err)
	}
	floats, err := json.Marshal(map[string]any{"data": x.Float32s(), "shape": []int{1, 32, 32}})
	if err != nil {
		t.Fatal(err)
	}
	for k, sub := range ladder {
		choose := fmt.Sprintf(`{"subnet": %d}`, k)
		if k%2 == 0 {
			choose = fmt.Sprintf(`{"subnet": %q}`, sub.SubNet)
		}
		if code, text := post(t, h, "/subnet", "application/json", []byte(choose)); code != http.StatusOK || !strings.Contains(text, fmt.Sprintf(`"level":%d,"auto":false`, k)) {
			t.Fatal(code, text)
		}
		for typ, body := range map[string][]byte{"image/png": picture(t), "application/json": floats} {
			code, text := post(t, h, "/predict", typ, body)
			var p struct {
				SubNet string    `json:"subnet"`
				Class  int       `json:"class"`
				Name   string    `json:"name"`
				Scores []float32 `json:"scores"`
			}
			if err := json.Unmarshal([]byte(text), &p); err != nil || code != http.StatusOK || p.SubNet != sub.SubNet || distance(p.Scores, want[k][0]) > 1e-5 || p.Scores[p.Class] < p.Scores[0] || p.Name != clothes[p.Class] {
				t.Errorf("%s, %s: %d %s", sub.SubNet, typ, code, text)
			}
		}
	}
	if code, text := post(t, h, "/subnet", "application/json", []byte(`{"subnet": "auto"}`)); code != http.StatusOK || !strings.Contains(text, `"auto":true`) {
		t.Error(code, text)
	}
	if code, text := post(t, h, "/condition", "application/json; charset=utf-8", []byte(`{"thermal": "critical", "battery": 0.5}`)); code != http.StatusOK {
		t.Error(code, text)
	}
	code, text := get(t, h, "/metrics")
	line := regexp.MustCompile(`^(# (HELP|TYPE) autotailor_\w+ .+|autotailor_\w+(\{\w+="[^"]*"(,\w+="[^"]*")*\})? [-+0-9.e]+)$`)
	for _, l := range strings.Split(strings.TrimSpace(text), "\n") {
		if !line.MatchString(l) {
			t.Errorf("a metric line %q", l)
		}
	}
	if !strings.Contains(text, `autotailor_request_duration_seconds_count{level="4",subnet="original"} 2`) || code != http.StatusOK {
		t.Errorf("%d %s", code, text)
	}
	if code, _ := get(t, h, "/healthz"); code != http.StatusOK {
		t.Error(code)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/healthz"} {
		if code, _ := get(t, h, path); code != http.StatusServiceUnavailable {
			t.Error(path, code)
		}
	}
	if code, _ := post(t, h, "/predict", "image/png", picture(t)); code != http.StatusServiceUnavailable {
		t.Error(code)
	}
}

// TestBadRequests: mistakes are told with a status and a reason.
func TestBadRequests(t *testing.T) {
	needs.Clone(t)
	s, _ := service(t, adapt.Options{Workers: 1})
	h := adapt.Handler(s, transform)
	for _, c := range []struct {
		path, typ, body string
		code            int
		want            string
	}{
		{"/predict", "image/png", "no image", 415, "PNG, JPEG, GIF, BMP or WebP"},
		{"/predict", "image/png", string(picture(t)[:60]), 400, "damaged"},
		{"/predict", "application/json", "{", 400, "JSON"},
		{"/predict", "application/json", `{"data": [1, 2], "shape": [1, 1]}`, 400, "2 numbers"},
		{"/predict", "application/json", `{"data": [1], "shape": [1, -1, 1]}`, 400, "not possible"},
		{"/predict", "application/json", `{"data": [], "shape": [1099511627776, 1099511627776, 8]}`, 400, "not possible"},
		{"/predict", "application/json", `{"data": [1, 2, 3], "shape": [3, 1, 1]}`, 400, "network wants"},
		{"/predict", "application/json", `{"data": [1]} {}`, 400, "follows"},
		{"/predict", "application/json", strings.Repeat(" ", 9<<20), 413, "more than"},
		{"/subnet", "application/json", `{"subnet": 9}`, 400, "GET /subnets"},
		{"/subnet", "text/plain", `{"subnet": 0}`, 415, "Content-Type: application/json"},
		{"/condition", "application/x-www-form-urlencoded", `{"battery": 1}`, 415, "Content-Type: application/json"},
		{"/subnet", "application/json", `{"subnet": "resolution=17"}`, 400, "GET /subnets"},
		{"/subnet", "application/json", `{"level": 9}`, 400, "JSON"},
		{"/subnet", "application/json", strings.Repeat(" ", 1<<20), 413, "more than"},
		{"/condition", "application/json", `{"thermal": "warm"}`, 400, "nominal"},
		{"/condition", "application/json", `{"battery": 2}`, 400, "battery"},
	} {
		if code, text := post(t, h, c.path, c.typ, []byte(c.body)); code != c.code || !strings.Contains(text, c.want) || !strings.HasPrefix(text, `{"error":`) {
			t.Errorf("%s %.60s: %d %s, want %d and %q", c.path, c.body, code, text, c.code, c.want)
		}
	}
	if code, _ := get(t, h, "/predict"); code != http.StatusMethodNotAllowed {
		t.Error(code)
	}
	var file bytes.Buffer
	if err := png.Encode(&file, image.NewGray(image.Rect(0, 0, 5000, 1))); err != nil {
		t.Fatal(err)
	}
	if code, text := post(t, h, "/predict", "image/png", file.Bytes()); code != 400 || !strings.Contains(text, "5000") {
		t.Error(code, text)
	}
}

// FuzzPredict: no body makes the service panic or answer without scores.
func FuzzPredict(f *testing.F) {
	needs.Clone(f)
	s, _ := service(f, adapt.Options{Workers: 1})
	h := adapt.Handler(s, transform)
	f.Add("image/png", picture(f))
	f.Add("application/json", []byte(`{"data": [1, 2, 3, 4], "shape": [1, 2, 2]}`))
	f.Add("application/json", []byte(`{"data": [1e38], "shape": [1, 1, 1]}`))
	f.Fuzz(func(t *testing.T, typ string, body []byte) {
		code, text := post(t, h, "/predict", typ, body)
		if !json.Valid([]byte(text)) || code == http.StatusOK != strings.Contains(text, `"scores":[`) {
			t.Errorf("%d %s", code, text)
		}
	})
}
