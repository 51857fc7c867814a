package mobilenetv2_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/autotailor/autotailor/generated/mobilenetv2"
	"github.com/autotailor/autotailor/runtime/engine/embedded"
	"github.com/autotailor/autotailor/runtime/onnxfile"
	"github.com/autotailor/autotailor/runtime/train/data"
)

func must[T any](v T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return v
}

// The best SubNet under 2 ms and 3 MB, its neighbours, and its export, with normalisation statistics from a folder of images.
func Example_best() {
	ctx := context.Background()
	search := mobilenetv2.Search{
		LUT:      must(mobilenetv2.ReadLUT(must(os.Open("device.lut")))),   // from: mobilenetv2 profile
		Accuracy: must(mobilenetv2.ReadAccuracy(must(os.Open("net.acc")))), // from: mobilenetv2 sensitivity
		Limits:   mobilenetv2.Limits{Latency: 2 * time.Millisecond, Memory: 3e6},
	}
	best := must(mobilenetv2.Best(ctx, search))
	fmt.Println("best:", best.Latency, best.Quality, best.SubNet)

	search.Limits.Latency = 0 // a neighbour may take longer
	front := must(mobilenetv2.Front(ctx, search))
	cheaper, dearer := front.Neighbours(best.SubNet, 1)
	for _, p := range append(cheaper, dearer...) {
		fmt.Println("neighbour:", p.Latency, p.Quality, p.SubNet)
	}

	weights := must(onnxfile.Open("tuned.onnx")) // from: mobilenetv2 tune
	images := data.Source{
		Transform: data.Transform{Pad: 2, Mean: []float32{0.286}, Std: []float32{0.353}},
		Set:       must(data.Open("fashion-mnist", "train", data.Size{})),
	}
	own := must(best.SubNet.Recalibrate(ctx, weights, embedded.New(embedded.Options{}), images))
	file := must(os.Create("best.onnx"))
	if err := errors.Join(best.SubNet.ExportONNX(file, own, mobilenetv2.ExportOptions{}), file.Close()); err != nil {
		log.Fatal(err)
	}
	fmt.Println("written:", must(onnxfile.Open("best.onnx")).Metadata["autotailor.subnet"] == best.SubNet.String())
	// Output:
	// best: 1.970049ms accuracy 0.9006 (share of images) resolution=16,stage1.depth=2,stage2.depth=3,stage3.depth=2
	// neighbour: 1.956609ms accuracy 0.8985 (share of images) resolution=16,stage1.depth=2,stage2.depth=3,stage3.depth=2,stage3.0.expand=4
	// neighbour: 2.002649ms accuracy 0.9008 (share of images) resolution=16,stage1.depth=2,stage2.depth=3,stage4.depth=2
	// written: true
}
