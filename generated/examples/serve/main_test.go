package main

import (
	"bytes"
	"encoding/json"
	"image"
	"image/png"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/autotailor/autotailor/generated/mobilenetv2"
	"github.com/autotailor/autotailor/runtime/deploy/adapt"
	"github.com/autotailor/autotailor/runtime/deploy/bundle"
)

// TestServe writes a bundle of typed SubNets, which a mistake in would not compile, and asks the service for a prediction.
func TestServe(t *testing.T) {
	var list []bundle.SubNet
	for _, s := range []mobilenetv2.SubNet{{Resolution: mobilenetv2.Resolution16}, {Resolution: mobilenetv2.Resolution24}, {}} {
		list = append(list, bundle.SubNet{SubNet: s.String(), MACs: s.MACs()})
	}
	dir, model := t.TempDir(), filepath.Join("..", "..", "models", "mobilenetv2.onnx")
	if _, err := bundle.Write(dir, model, mobilenetv2.Definition(), bundle.Manifest{SubNets: list}, nil); err != nil {
		t.Fatal(err)
	}
	s, err := open(dir, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(adapt.Handler(s, transform))
	var file bytes.Buffer
	if err := png.Encode(&file, image.NewGray(image.Rect(0, 0, 28, 28))); err != nil {
		t.Fatal(err)
	}
	r, err := http.Post(web.URL+"/predict", "image/png", &file)
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		SubNet string    `json:"subnet"`
		Scores []float32 `json:"scores"`
	}
	if err := json.NewDecoder(r.Body).Decode(&answer); err != nil || r.Body.Close() != nil || answer.SubNet != "original" || len(answer.Scores) != 10 {
		t.Errorf("%v: %+v", err, answer)
	}
	web.Close()
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
}
