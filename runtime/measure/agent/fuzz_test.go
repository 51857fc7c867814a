package agent_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/measure/agent"
)

// FuzzServer: no request makes the server panic, run anything, or answer with a status that it has no reason for.
func FuzzServer(f *testing.F) {
	good, err := agent.EncodeJob(jobs(f, 2, 1)[0])
	if err != nil {
		f.Fatal(err)
	}
	f.Add("PUT", "/v1/sessions/a/jobs/3", good)
	f.Add("POST", "/v1/sessions/a/acknowledge", []byte(`{"jobs":[0,-1,16777216]}`))
	f.Add("DELETE", "/v1/sessions/a", []byte{})
	f.Add("GET", "/v1/device", []byte{})
	f.Add("PUT", "/v1/sessions/../jobs/%31", []byte("{}"))
	f.Fuzz(func(t *testing.T, method, path string, body []byte) {
		q, ok := request(method, path, body)
		if !ok || q.Method == "GET" && q.URL.Path != "/v1/device" { // streams do not end
			t.Skip()
		}
		device := &fake{ran: map[int]int{}}
		s, err := agent.NewServer(func() (engine.Measurer, error) { return device, nil }, agent.Options{Token: token, Limits: agent.Limits{Memory: 1 << 24}})
		if err != nil {
			t.Fatal(err)
		}
		for _, authorised := range []bool{false, true} {
			if q.Body, q.ContentLength = nil, int64(len(body)); authorised {
				q.Header.Set("Authorization", "Bearer "+token)
			}
			again := q.Clone(t.Context())
			again.Body = readCloser{bytes.NewReader(body)}
			w := httptest.NewRecorder()
			s.Handler().ServeHTTP(w, again)
			switch w.Code {
			case 200, 201, 204:
				if !authorised && q.URL.Path != "/v1/health" {
					t.Errorf("%s %s without a token: %d", method, path, w.Code)
				}
			case 301, 307, 400, 401, 404, 405, 410, 413, 422:
			default:
				t.Errorf("%s %s: %d %s", method, path, w.Code, w.Body)
			}
			if w.Code == 201 {
				if _, err := agent.DecodeJob(body); err != nil {
					t.Errorf("a job was taken that is none: %v", err)
				}
			}
		}
		if len(device.ran) > 0 {
			t.Error("a job ran")
		}
	})
}

// FuzzEvent: no line makes the client panic, and those that it accepts are written and read alike.
func FuzzEvent(f *testing.F) {
	f.Add([]byte(`{"type":"hello","server":"a"}`))
	f.Add([]byte(`{"type":"result","job":7,"times_ns":[1,2,3],"energy_mj":0.5}`))
	f.Add([]byte(`{"type":"result","job":7,"failed":"too hot"}`))
	f.Add([]byte(`{"type":"alive","job":0}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		e, err := agent.ParseEvent(line)
		if err != nil {
			return
		}
		text, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := agent.ParseEvent(text); err != nil {
			t.Errorf("%s became %s: %v", line, text, err)
		} else if second, _ := json.Marshal(again); !bytes.Equal(text, second) {
			t.Errorf("%s became %s", text, second)
		}
	})
}

type readCloser struct{ *bytes.Reader }

func (readCloser) Close() error { return nil }

// request makes a request, false where there can be none of that method and path.
func request(method, path string, body []byte) (*http.Request, bool) {
	if !strings.HasPrefix(path, "/") {
		return nil, false
	}
	q, err := http.NewRequest(method, "http://board"+path, bytes.NewReader(body))
	return q, err == nil && q.URL.Host == "board"
}
