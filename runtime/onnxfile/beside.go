package onnxfile

import (
	"fmt"
	"io"
	"math"

	"google.golang.org/protobuf/proto"

	"github.com/autotailor/autotailor/internal/onnx"
	"github.com/autotailor/autotailor/internal/onnxpb"
	"github.com/autotailor/autotailor/runtime/nn"
)

// Beside is a second file, in the model's folder, that takes the elements of large weights: one ONNX file ends at 2 GiB. They are written one after the
// other, so that no more than one is in memory.
type Beside struct {
	Name  string    // of the file, without a folder, as the model states it
	Data  io.Writer // what goes into it
	Bytes int64     // how much has been written

	err error // the first failure
}

// large is from how many bytes of weights on a model has a second file: somewhat less than the 2 GiB, as it has more than weights.
const large = 3 << 29

// Large tells whether a network has more weights than one ONNX file takes.
func Large(g *nn.Graph) bool {
	total := int64(0)
	for _, i := range g.Values {
		if i.Param != nil {
			total += i.Param.Picked().Elements() * int64(max(1, i.Type.Bytes()))
		}
	}
	return total > large
}

// fits refuses what a reader of ONNX files would not take.
func fits(m *onnxpb.ModelProto) error {
	if n := proto.Size(m); n > math.MaxInt32 {
		return fmt.Errorf("the model would have %d bytes, and an ONNX file ends at 2 GiB: its weights belong in a second file (WriteOptions.Beside; the command `export` writes one)", n)
	}
	return nil
}

// page is what data start at a multiple of, so that a reader can map them into memory.
const page = 4096

// takes moves the elements of a tensor to the second file, when there are enough of them.
func (b *Beside) takes(p *onnxpb.TensorProto) {
	data := onnx.Elements(p)
	if b == nil || len(data) < page {
		return
	}
	b.write(make([]byte, -b.Bytes&(page-1)))
	onnx.Outside(p, b.Name, b.Bytes)
	b.write(data)
}

func (b *Beside) write(data []byte) {
	if b.err == nil {
		var n int
		n, b.err = b.Data.Write(data)
		b.Bytes += int64(n)
	}
}
