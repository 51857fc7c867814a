package conform

import "fmt"

// family knows where the layers of an architecture are: what the compiler finds, told by hand.
type family struct {
	first  int   // stage with the first elastic block
	blocks []int // by stage
	apply  func(f family, r *reference, s setting)
	fixed  []string // kinds of choices that zeros cannot stand for: a normalisation over channels would count them
}

// The architectures at their full size, and the small ones that were trained on Fashion-MNIST.
var (
	mobileNetV2      = family{first: 2, blocks: []int{2, 3, 4, 3, 3, 1}, apply: applyInverted}
	mobileNetV3      = family{first: 1, blocks: []int{4, 4, 4, 4, 4}, apply: applyInverted}
	proxyless        = family{first: 2, blocks: []int{4, 4, 4, 4, 4, 1}, apply: applyInverted}
	resNet50         = family{first: 2, blocks: []int{3, 4, 6, 3}, apply: applyResNet50}
	smallMobileNetV2 = family{blocks: []int{3, 3, 4, 3, 3, 1}, apply: applyInverted}
	smallMobileNetV3 = family{blocks: []int{5, 4, 4, 4, 4}, apply: applyInverted}
	smallProxyless   = family{blocks: []int{5, 4, 4, 4, 4, 1}, apply: applyInverted}
	smallResNet50    = family{first: 1, blocks: []int{3, 4, 6, 3}, apply: applyResNet50}
	smallConvNeXt    = family{first: 3, blocks: []int{2, 2, 6, 2}, apply: applyConvNeXt, fixed: []string{"width"}}
	smallViT         = family{first: 3, blocks: []int{8}, apply: applyViT, fixed: []string{"width"}}
)

// applyInverted walks stem, a separable block (convolutions 0 to 2), then expansion, depthwise, perhaps the two of a gate, and projection of
// each block.
func applyInverted(f family, r *reference, s setting) {
	conv := 3
	for k, n := range f.blocks {
		stage := f.first + k
		kept := int(s.get(fmt.Sprintf("stage%d.depth", stage), float64(n)))
		for b := range n {
			elastic := b // its index among the elastic blocks of the stage
			if stage == 0 {
				elastic-- // the small models' first stage begins with the separable block, which has no choice
			}
			if elastic < 0 {
				continue
			}
			expand, depthwise := r.convs[conv], r.convs[conv+1]
			in, original := float64(r.shape(conv)[1]), r.out(conv)
			ratio := s.get(fmt.Sprintf("stage%d.%d.expand", stage, elastic), 0)
			if mid := round(in * ratio); ratio > 0 && mid < original {
				r.keep(expand, mid)
				r.keep(depthwise, mid)
			}
			if side := s.get(fmt.Sprintf("stage%d.%d.kernel", stage, elastic), 0); side > 0 {
				r.crop(depthwise, int(side))
			}
			conv += 2
			if r.isGate(r.convs[conv]) {
				conv += 2
			}
			if b >= kept {
				r.bypass(expand.Input[0], r.end(r.convs[conv], false))
			}
			conv++
		}
	}
}

// applyConvNeXt walks the blocks of a depthwise convolution and two linear layers.
func applyConvNeXt(f family, r *reference, s setting) {
	conv, layer := 2, 0 // a stem, and a convolution before each stage
	for k, n := range f.blocks {
		stage := f.first + 3*k
		kept := int(s.get(fmt.Sprintf("stage%d.depth", stage), float64(n)))
		for b := range n {
			depthwise := r.convs[conv]
			from := depthwise.Input[0]
			if side := s.get(fmt.Sprintf("stage%d.%d.kernel", stage, b), 0); side > 0 {
				r.crop(depthwise, int(side))
			}
			if ratio := s.get(fmt.Sprintf("stage%d.%d.expand", stage, b), 0); ratio > 0 {
				r.keepLinear(layer, round(float64(r.out(conv))*ratio))
			}
			if b >= kept {
				r.bypass(from, r.endAt(r.linears[layer+1], from))
			}
			conv++
			layer += 2
		}
		conv++
	}
}

// applyViT walks the blocks of two normalisations and four linear layers.
func applyViT(f family, r *reference, s setting) {
	n := f.blocks[0]
	if side, ok := s["resolution"]; ok {
		r.interpolate(8, int(side)/4)
	}
	kept := int(s.get(fmt.Sprintf("stage%d.depth", f.first), float64(n)))
	for b := n - 1; b >= 0; b-- {
		from, result := r.norms[2*b].Input[0], r.norms[2*b+2].Input[0]
		if ratio := s.get(fmt.Sprintf("stage%d.%d.expand", f.first, b), 0); ratio > 0 {
			width := r.stored(r.norms[2*b].Input[1]).GetDims()[0]
			r.keepLinear(4*b+2, round(float64(width)*ratio))
		}
		r.keepAttention(4*b, func(name string) float64 { return s.get(fmt.Sprintf("stage%d.%d.%s", f.first, b, name), 1) })
		if b >= kept {
			r.bypass(from, result)
		}
	}
}

// keepAttention zeroes the queries, keys and values that a SubNet of the small ViT lacks: 4 heads of 32, all three in one linear layer.
func (r *reference) keepAttention(layer int, share func(name string) float64) {
	const heads, dim = 4, 32
	kept := [3]int{int(dim * share("qk")), int(dim * share("qk")), int(dim * share("value"))}
	r.keepRows(layer, func(row int) bool {
		part, head, i := row/(heads*dim), row/dim%heads, row%dim
		return head < int(heads*share("heads")) && i < kept[part]
	})
}

// applyResNet50 walks the stem, then three convolutions of each bottleneck, and a fourth in the first one of a stage.
func applyResNet50(f family, r *reference, s setting) {
	width := func(conv, stage int) int {
		if m := s.get(fmt.Sprintf("stage%d.width", stage), 1); m < 1 {
			return round(float64(r.out(conv)) * m)
		}
		return r.out(conv)
	}
	r.keep(r.convs[0], width(0, 0))
	conv := 1
	for k, n := range f.blocks {
		stage := f.first + k
		kept := int(s.get(fmt.Sprintf("stage%d.depth", stage), float64(n)))
		for b := range n {
			reduce, middle, restore := r.convs[conv], r.convs[conv+1], r.convs[conv+2]
			from := reduce.Input[0]
			out := width(conv+2, stage)
			if ratio := s.get(fmt.Sprintf("stage%d.%d.expand", stage, b), 0.25); ratio < 0.25 || out < r.out(conv+2) {
				mid := round(float64(out) * ratio)
				r.keep(reduce, mid)
				r.keep(middle, mid)
			}
			r.keep(restore, out)
			conv += 3
			if b == 0 {
				r.keep(r.convs[conv], out)
				conv++
			}
			if b >= kept {
				r.bypass(from, r.end(restore, true))
			}
		}
	}
}
