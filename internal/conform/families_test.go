package conform

import "fmt"

// family knows where the convolutions of an architecture are: what the compiler finds, told by hand.
type family struct {
	first  int   // stage with the first elastic block
	blocks []int // by stage
	apply  func(f family, r *reference, s setting)
}

// The two architectures at their full size (timm), and the small ones that were trained on Fashion-MNIST.
var (
	mobileNetV2      = family{2, []int{2, 3, 4, 3, 3, 1}, applyMobileNetV2}
	smallMobileNetV2 = family{0, []int{3, 3, 4, 3, 3, 1}, applyMobileNetV2}
	resNet50         = family{2, []int{3, 4, 6, 3}, applyResNet50}
	smallResNet50    = family{1, []int{3, 4, 6, 3}, applyResNet50}
)

// applyMobileNetV2 walks stem, a separable block (convolutions 0 to 2), then expansion, depthwise and projection of each block.
func applyMobileNetV2(f family, r *reference, s setting) {
	conv := 3
	for k, n := range f.blocks {
		stage := f.first + k
		kept := int(s.get(fmt.Sprintf("stage%d.depth", stage), float64(n)))
		for b := range n {
			if stage == 0 && b == 0 { // the small model's first stage begins with the separable block
				continue
			}
			expand, depthwise, project := r.convs[conv], r.convs[conv+1], r.convs[conv+2]
			in := float64(r.shape(conv)[1])
			ratio := s.get(fmt.Sprintf("stage%d.%d.expand", stage, b), 6)
			if mid := round(in * ratio); mid < r.out(conv) {
				r.keep(expand, mid)
				r.keep(depthwise, mid)
			}
			if b >= kept {
				r.bypass(expand.Input[0], r.end(project, false))
			}
			conv += 3
		}
	}
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
