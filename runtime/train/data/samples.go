package data

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/autotailor/autotailor/runtime/nn"
)

// Samples are what networks are evaluated on and trained with: inputs, and targets, which say what the outputs should be. Source has those of
// images. Implement it for data in a format of your own; all methods may be called by several goroutines at once.
type Samples interface {
	// Len is the number of samples.
	Len() int

	// Slice returns the samples from number from up to but not including to, numbered from 0 again. It copies nothing.
	Slice(from, to int) Samples

	// Digest identifies the samples: a short text without spaces that is another one where inputs or targets are others.
	Digest() string

	// String says in one line how samples become inputs, such as "resize 224, mean 0.5": tables of other inputs are told apart by it.
	String() string

	// Inputs reads some samples, in the given order, which may have one twice, for a network whose inputs are described: their names, element
	// types and shapes. It returns a tensor for each input. Axes of size nn.Batch are as long as there are samples (k times that where they
	// are k*nn.Batch), all others have the given extents: images, for example, are resized to the side of the SubNet. The error says which
	// input the data has nothing for, or of another type or shape.
	Inputs(of []nn.Info, samples []int) ([]nn.Tensor, error)

	// Targets reads what the outputs should be for some samples, in the given order: a tensor whose first extent is their number. Classes, masks
	// and token ids are int64, of which numbers below 0 mean "not known"; several labels and values are float32. It is the zero Tensor
	// where samples have no targets.
	Targets(samples []int) (nn.Tensor, error)
}

// ClassNames are implemented by Samples whose classes have names: they must be as many as a network scores.
type ClassNames interface {
	ClassNames() []string
}

// Batches yields all samples in order as inputs of a network, in batches of the given size, at least 1; the last one may be smaller. It may be
// ranged over more than once. While one batch is used, the next is read.
func Batches(s Samples, inputs []nn.Info, batch int) nn.Inputs {
	batch = max(batch, 1)
	type ready struct {
		x   []nn.Tensor
		err error
	}
	read := func(from int) ready {
		x, err := s.Inputs(inputs, Numbers(from, min(from+batch, s.Len())))
		return ready{x, err}
	}
	return func(yield func([]nn.Tensor, error) bool) {
		var next chan ready
		for from := 0; from < s.Len(); from += batch {
			var now ready
			if next != nil {
				now = <-next
			} else {
				now = read(from)
			}
			if next = nil; from+batch < s.Len() && now.err == nil {
				next = ahead(func() ready { return read(from + batch) })
			}
			if !yield(now.x, now.err) || now.err != nil {
				return
			}
		}
	}
}

// Stream are samples as a nn.Source, in order.
type Stream struct {
	Samples Samples
	Batch   int // samples in a batch where the network leaves that open; 0 means 100
}

// Batches implements nn.Source.
func (s Stream) Batches(inputs []nn.Info) nn.Inputs {
	batch, n := FixedBatch(inputs), s.Samples.Len()
	if batch > 0 && n%batch != 0 {
		return func(yield func([]nn.Tensor, error) bool) {
			yield(nil, fmt.Errorf("input %q has a batch of %d, which does not divide %d samples: take %d", inputs[0].Name, batch, n, max(batch, n-n%batch)))
		}
	}
	return Batches(s.Samples, inputs, cmp.Or(batch, max(s.Batch, 0), 100))
}

// FixedBatch is the batch of a network that has no other, 0 where it is open: the first extent of its first input with at least two axes, 1 where
// there is none.
func FixedBatch(inputs []nn.Info) int {
	if slices.ContainsFunc(inputs, func(i nn.Info) bool { return i.Shape.Open() }) {
		return 0
	}
	for _, i := range inputs {
		if len(i.Shape) > 1 {
			return i.Shape[0]
		}
	}
	return 1
}

// Numbers lists the numbers from from up to but not including to.
func Numbers(from, to int) []int {
	out := make([]int, max(0, to-from))
	for k := range out {
		out[k] = from + k
	}
	return out
}

// InputsOf describes the inputs of a network, as Samples want them.
func InputsOf(g *nn.Graph) []nn.Info {
	out := make([]nn.Info, len(g.Inputs))
	for k, v := range g.Inputs {
		out[k] = g.Values[v]
	}
	return out
}

// Aligned returns what one network computed in the order of another one's outputs, by their names; one that it lacks is the zero Tensor.
func Aligned(outputs []nn.Tensor, of, order *nn.Graph) []nn.Tensor {
	out := make([]nn.Tensor, len(order.Outputs))
	for k, v := range order.Outputs {
		i := slices.IndexFunc(of.Outputs, func(w nn.Value) bool { return of.Values[w].Name == order.Values[v].Name })
		if i >= 0 {
			out[k] = outputs[i]
		}
	}
	return out
}

// Picked are some samples, in the given order, which may have one twice.
func Picked(s Samples, samples []int) Samples { return picked{s, samples} }

type picked struct {
	Samples
	list []int
}

func (p picked) Len() int { return len(p.list) }

func (p picked) Slice(from, to int) Samples {
	from, to = window(from, to, len(p.list))
	return picked{p.Samples, p.list[from:to]}
}

func (p picked) Digest() string { return fmt.Sprintf("%s%v", p.Samples.Digest(), p.list) }

func (p picked) Inputs(of []nn.Info, samples []int) ([]nn.Tensor, error) {
	return p.Samples.Inputs(of, p.whole(samples))
}

func (p picked) Targets(samples []int) (nn.Tensor, error) { return p.Samples.Targets(p.whole(samples)) }

// whole numbers samples as those that they were picked from.
func (p picked) whole(samples []int) []int {
	out := slices.Clone(samples)
	for k, i := range out {
		out[k] = p.list[i]
	}
	return out
}

// window keeps the ends of a slice of n samples within them.
func window(from, to, n int) (int, int) {
	from, to = max(0, min(from, n)), max(0, min(to, n))
	return from, max(from, to)
}
