package gen

import (
	"context"
	"errors"
	"fmt"
	"math"

	"google.golang.org/protobuf/proto"

	"github.com/autotailor/autotailor/gen/config"
	"github.com/autotailor/autotailor/internal/onnx"
	"github.com/autotailor/autotailor/internal/onnxpb"
	"github.com/autotailor/autotailor/runtime/engine/embedded"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/onnxfile"
	"github.com/autotailor/autotailor/runtime/train/data"
)

// Renormalise puts a BatchNormalization behind each convolution of a model whose exporter multiplied them in. Their statistics are those of the
// samples, and scale and bias undo them, so that the model computes what it did; but now its SubNets can be recalibrated and tuned.
// Convolutions that have one already, or whose map is a single position (gates, classifiers), are left alone. It returns the new model and how many
// normalisations it has gained.
func Renormalise(model []byte, samples data.Samples) ([]byte, int, error) {
	m, err := onnx.Unmarshal(model)
	if err != nil {
		return nil, 0, err
	}
	if onnx.External(m.Graph) {
		return nil, 0, errors.New("the model's weights stand in another file; store them in the model first")
	}
	bare := bareConvolutions(m.Graph)
	stats, err := observe(m, bare, samples)
	if err != nil {
		return nil, 0, err
	}
	count := 0
	nodes := make([]*onnxpb.NodeProto, 0, len(m.Graph.Node)+len(bare))
	for _, n := range m.Graph.Node {
		nodes = append(nodes, n)
		if s := stats[n]; s != nil {
			norm, tensors := s.normalisation(n.Output[0])
			n.Output[0] += ".unnormalised"
			nodes = append(nodes, norm)
			m.Graph.Initializer = append(m.Graph.Initializer, tensors...)
			count++
		}
	}
	m.Graph.Node = nodes
	out, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	return out, count, err
}

// Source is the path of the job's model.
func (j Job) Source() (string, error) {
	c, err := j.configured()
	if err != nil {
		return "", err
	}
	return j.model(c)
}

// Renormalise is Renormalise of the job's model, with the config's data and the first n training samples: pictures or rows. Up to skip broken ones are left
// out, which it returns.
func (j Job) Renormalise(dir string, n, skip int) (out []byte, count int, skipped []error, err error) {
	c, err := j.configured()
	if err != nil {
		return nil, 0, nil, err
	}
	path, err := j.model(c)
	if err != nil {
		return nil, 0, nil, err
	}
	model, err := onnx.ReadFile(context.Background(), path)
	if err != nil {
		return nil, 0, nil, err
	}
	samples, err := training(model, dir, c.Config, skip)
	if err != nil {
		return nil, 0, nil, fmt.Errorf("%s: %w", path, err)
	}
	if out, count, err = Renormalise(model, samples.Slice(0, n)); err != nil {
		return nil, 0, nil, fmt.Errorf("%s: %w", path, err)
	}
	if s, ok := samples.(interface{ Skipped() []error }); ok {
		skipped = s.Skipped()
	}
	return out, count, skipped, nil
}

// training opens the training split of a folder as a config says, for a model's inputs.
func training(model []byte, dir string, c config.Config, skip int) (data.Samples, error) {
	channels, side, err := pictureSize(model)
	if err != nil {
		return nil, err
	}
	g, err := ParseNetwork(model)
	if err != nil {
		return nil, err
	}
	d := c.Data
	return data.OpenSamples(dir, "train", data.InputsOf(g), data.Settings{
		Transform: data.Transform{Pad: d.Pad, Resize: d.Resize, Mean: singles(d.Mean), Std: singles(d.Std)},
		Size:      data.Size{Channels: channels, Side: side - 2*d.Pad, Resize: d.Resize},
		Columns:   data.Columns{Label: d.Label, Fill: int64(d.Fill), Window: d.Window, Header: d.Header},
		Reading:   data.Reading{Skip: skip},
	})
}

// pictureSize returns the channels and the side that a model's first input says, 0 where it leaves them open or takes no images.
func pictureSize(model []byte) (channels, side int, err error) {
	m := &onnxpb.ModelProto{}
	if err := proto.Unmarshal(model, m); err != nil {
		return 0, 0, fmt.Errorf("it is not an ONNX model: %w", err)
	}
	for _, in := range m.GetGraph().GetInput() {
		if d := in.GetType().GetTensorType().GetShape().GetDim(); len(d) == 4 {
			return int(d[1].GetDimValue()), int(d[2].GetDimValue()), nil
		}
	}
	return 0, 0, nil
}

func singles(list []float64) []float32 {
	var out []float32
	for _, v := range list {
		out = append(out, float32(v))
	}
	return out
}

// bareConvolutions lists the convolutions that no BatchNormalization follows.
func bareConvolutions(g *onnxpb.GraphProto) []*onnxpb.NodeProto {
	normalised := map[string]bool{}
	for _, n := range g.Node {
		if n.GetOpType() == "BatchNormalization" {
			normalised[firstOf(n.Input)] = true
		}
	}
	var out []*onnxpb.NodeProto
	for _, n := range g.Node {
		if n.GetOpType() == "Conv" && n.GetDomain() == "" && len(n.Output) == 1 && !normalised[n.Output[0]] {
			out = append(out, n)
		}
	}
	return out
}

// moments are sums over the channels of a convolution's results.
type moments struct {
	count       float64
	sum, square []float64
}

// observed is how many samples run at a time: all results are held.
const observed = 8

// observe runs the model on samples and returns the moments of the convolutions, without those whose map is a single position.
func observe(m *onnxpb.ModelProto, bare []*onnxpb.NodeProto, samples data.Samples) (map[*onnxpb.NodeProto]*moments, error) {
	if samples.Len() == 0 {
		return nil, errors.New("there are no samples")
	}
	g, w, at, err := withOutputs(m, bare)
	if err != nil {
		return nil, err
	}
	s, err := embedded.New(embedded.Options{}).Compile(g, w)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	inputs := data.InputsOf(g)
	if batch := data.FixedBatch(inputs); batch > 0 {
		samples = samples.Slice(0, max(batch, samples.Len()/batch*batch))
	}
	found := map[*onnxpb.NodeProto]*moments{}
	for x, err := range (data.Stream{Samples: samples, Batch: observed}).Batches(inputs) {
		if err != nil {
			return nil, err
		}
		out, err := s.Run(x...)
		if err != nil {
			return nil, err
		}
		for k, n := range at {
			if y := out[k]; len(y.Shape) > 2 && nn.Shape(y.Shape[2:]).Count() > 1 {
				if found[n] == nil {
					found[n] = &moments{sum: make([]float64, y.Shape[1]), square: make([]float64, y.Shape[1])}
				}
				found[n].add(y)
			}
		}
	}
	return found, nil
}

// withOutputs is the network of a model with the results of convolutions as its outputs, and which output is whose.
func withOutputs(m *onnxpb.ModelProto, bare []*onnxpb.NodeProto) (*nn.Graph, nn.Weights, []*onnxpb.NodeProto, error) {
	named := proto.CloneOf(m)
	byName := map[string]*onnxpb.NodeProto{}
	originals := map[string]*onnxpb.NodeProto{}
	for _, n := range bare {
		originals[n.Output[0]] = n
	}
	for k, n := range named.Graph.Node { // names that exporters leave out or give twice tell nothing
		if o := originals[firstOf(n.Output)]; o != nil {
			n.Name = proto.String(fmt.Sprintf("convolution %d", k))
			byName[n.GetName()] = o
		}
	}
	raw, err := proto.Marshal(named)
	if err != nil {
		return nil, nil, nil, err
	}
	w, err := onnxfile.Parse(raw)
	if err != nil {
		return nil, nil, nil, err
	}
	g, err := ParseNetwork(raw)
	if err != nil {
		return nil, nil, nil, err
	}
	var at []*onnxpb.NodeProto
	g.Outputs = nil
	for _, n := range g.Nodes {
		if o := byName[n.Name]; o != nil && n.Type == "Conv" {
			g.Outputs, at = append(g.Outputs, n.Out[0]), append(at, o)
		}
	}
	if len(at) == 0 {
		return nil, nil, nil, errors.New("no convolution lacks its normalisation: there is nothing to do")
	}
	return g, w, at, nil
}

func firstOf(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}

// add counts the results of some images, [n, channels, ...].
func (m *moments) add(y nn.Tensor) {
	v, c := y.Float32s(), y.Shape[1]
	positions := nn.Shape(y.Shape[2:]).Count()
	for i := range y.Shape[0] {
		for k := range c {
			for _, x := range v[(i*c+k)*positions:][:positions] {
				m.sum[k] += float64(x)
				m.square[k] += float64(x) * float64(x)
			}
		}
	}
	m.count += float64(y.Shape[0] * positions)
}

// normalisation is the node that takes the place of value, and its tensors.
func (m *moments) normalisation(value string) (*onnxpb.NodeProto, []*onnxpb.TensorProto) {
	const epsilon = 1e-5
	n := len(m.sum)
	scale, mean, variance := make([]float32, n), make([]float32, n), make([]float32, n)
	for k := range n {
		mu := m.sum[k] / m.count
		mean[k], variance[k] = float32(mu), float32(max(m.square[k]/m.count-mu*mu, 0))
		scale[k] = float32(math.Sqrt(float64(variance[k]) + epsilon))
	}
	var names []string
	var tensors []*onnxpb.TensorProto
	for _, p := range []struct {
		name string
		data []float32
	}{{"weight", scale}, {"bias", mean}, {"running_mean", mean}, {"running_var", variance}} {
		name := value + ".norm." + p.name
		names = append(names, name)
		tensors = append(tensors, onnx.FromFloat32s([]int{n}, p.data).Proto(name))
	}
	return &onnxpb.NodeProto{
		Name: proto.String(value + ".norm"), OpType: proto.String("BatchNormalization"), Input: append([]string{value + ".unnormalised"}, names...), Output: []string{value},
		Attribute: []*onnxpb.AttributeProto{{Name: proto.String("epsilon"), Type: onnxpb.AttributeProto_FLOAT.Enum(), F: proto.Float32(epsilon)}},
	}, tensors
}
