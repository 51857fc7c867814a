package kernel

// Transposed is a convolution the other way round (ONNX's ConvTranspose), whose weights do not change: its result is what a Trainable has as
// gradients with respect to its operand.
type Transposed struct {
	c    *Trainable
	bias *Broadcast // added to one image
	add  []float32
}

// NewTransposed takes weights [in, out/groups, kh, kw], and a bias or nil. g is the window over images of the result.
func (u *ISA) NewTransposed(g Window, in, out, groups int, w, bias []float32) *Transposed {
	p := ConvWeights(g, out, in, groups)
	c := u.NewTrainable(g, p, func(n int) []float32 { return make([]float32, n) })
	c.SetWeights(NewTeam(1), w, nil)
	c.prepare()
	c.forward, c.cross = nil, nil
	t := &Transposed{c: c}
	if bias != nil {
		sum, _ := BinaryOf("Add")
		t.bias, t.add = u.NewBroadcast(sum, []int{g.H * g.W, out}, []int{out}, NoLimits()), bias
	}
	return t
}

// Run sets y to the results for the images in x.
func (c *Transposed) Run(t *Team, x, y []float32, batch int) {
	c.c.Operand(t, x, y, batch)
	if c.bias == nil {
		return
	}
	image := c.c.g.H * c.c.g.W * c.c.in
	for i := range batch {
		part := y[i*image : (i+1)*image]
		c.bias.Run(t, part, part, c.add)
	}
}
