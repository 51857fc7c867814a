package conform

import (
	"context"
	"fmt"
	"testing"

	"github.com/autotailor/autotailor/generated/mobilenetv2"
	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/engine/embedded"
	"github.com/autotailor/autotailor/runtime/engine/gorgonia"
	"github.com/autotailor/autotailor/runtime/engine/ort"
	"github.com/autotailor/autotailor/runtime/onnxfile"
	"github.com/autotailor/autotailor/runtime/search"
)

// BenchmarkPredict is one prediction of a SubNet by the generated, typed code.
func BenchmarkPredict(b *testing.B) {
	l, a := typed(b)
	s := mobilenetv2.SubNet{Resolution: mobilenetv2.Resolution24, Stage2: mobilenetv2.Stage2{Depth: mobilenetv2.Stage2Depth2}}
	for name, f := range map[string]func(){
		"Latency": func() { _ = l.Latency(s) }, "MACs": func() { _ = s.MACs() }, "Accuracy": func() { _ = a.Predict(s) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				f()
			}
		})
	}
}

// BenchmarkFront is the whole exact front of the committed packages, N = 10,000 images.
func BenchmarkFront(b *testing.B) {
	for _, p := range smalls() {
		problem := problemOf(b, p.net)
		b.Run(p.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := search.Front(context.Background(), problem, search.Options{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkEngines runs the two originals on all engines, one image on one thread.
func BenchmarkEngines(b *testing.B) {
	engines := []engine.Engine{embedded.New(embedded.Options{Threads: 1}), gorgonia.New(gorgonia.Options{Threads: 1})}
	if lib, err := ort.Find(); err == nil {
		e, err := ort.New(lib, ort.Options{Threads: 1})
		if err != nil {
			b.Fatal(err)
		}
		engines = append(engines, e)
	}
	for _, p := range smalls() {
		w, err := onnxfile.Open(modelPath(p.name))
		if err != nil {
			b.Fatal(err)
		}
		g, err := p.net.Record(make([]uint8, len(p.net.Choices)))
		if err != nil {
			b.Fatal(err)
		}
		for _, e := range engines {
			b.Run(fmt.Sprintf("%s/%s", p.name, e.Info().Name), func(b *testing.B) {
				s, err := e.Compile(g, w)
				if err != nil {
					b.Fatal(err)
				}
				in := image(1, 32)
				b.ReportAllocs()
				for b.Loop() {
					if _, err := s.Run(in); err != nil {
						b.Fatal(err)
					}
				}
				if err := s.Close(); err != nil {
					b.Fatal(err)
				}
			})
		}
	}
}
