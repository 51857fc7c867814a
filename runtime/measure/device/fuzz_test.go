package device

import (
	"math"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/internal/words"
)

// FuzzAnswers: whatever a driver writes is an error, or an answer within the limits of what it was asked.
func FuzzAnswers(f *testing.F) {
	f.Add([]byte(`{"type":"hello","version":1,"device":"Pixel 8","runtime":"ncnn","format":"onnx","rules":"ncnn","threads":1}`))
	f.Add([]byte(`{"type":"hello","version":1,"message":"no device"}`))
	f.Add([]byte(`{"type":"result","id":"a","times_ns":[81250,80917],"energy_mj":0.41}`))
	f.Add([]byte(`{"type":"result","id":"a","error":"unsupported"}{}`))
	f.Add([]byte(`{"type":"result","id":"a","times_ns":[9223372036854775807,-1],"energy_mj":1e999}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		if i, err := identify(line, hello{Formats: []string{"onnx", "ncnn"}, Threads: 1}); err == nil {
			if i.Device == "" || i.Runtime == "" || i.Threads < 0 || i.Format != "onnx" && i.Format != "ncnn" {
				t.Errorf("accepted %+v", i)
			}
		}
		m, err := measurement(line, request{ID: "a", Runs: 3})
		if err != nil {
			return
		}
		if (m.Failed == "") != (len(m.Times) > 0) || len(m.Times) > 3 || m.Energy < 0 || math.IsNaN(m.Energy) || math.IsInf(m.Energy, 0) {
			t.Errorf("accepted %+v", m)
		}
		for _, d := range m.Times {
			if d <= 0 {
				t.Errorf("accepted the time %v", d)
			}
		}
	})
}

// FuzzSplit: words come out of a command line as they went in, when they are quoted.
func FuzzSplit(f *testing.F) {
	f.Add("sh adb.sh 'a b' \"c\\\"d\" e\\ f")
	f.Add("'")
	f.Fuzz(func(t *testing.T, line string) {
		list, err := words.Split(line)
		if err != nil {
			return
		}
		var quoted []string
		for _, w := range list {
			quoted = append(quoted, "'"+strings.ReplaceAll(w, "'", `'"'"'`)+"'")
		}
		again, err := words.Split(strings.Join(quoted, " "))
		if err != nil || strings.Join(again, "\x00") != strings.Join(list, "\x00") {
			t.Errorf("%q: %q, then %q, %v", line, list, again, err)
		}
	})
}
