package supernet

// Template recognises one kind of block by its topology (paper, section 4.1.2) and says what can vary in it.
// Templates are values that the caller of Compile passes in, tried in order at every item of the flow.
type Template struct {
	Name string // the paper authors' name, as used in configs: "BottleneckResidualBlock"
	// Chain is set for templates over consecutive items of the straight flow: those are only tried when the config's
	// arch.blocks lists them or has no such list.
	Chain bool
	Match func(f *Flow, i int) (Match, bool)
	// Why names the first node that keeps the region at an item from being the block, with the reason: "is a 3x3 convolution, the place wants
	// a 1x1 convolution". It is asked where Match fails.
	Why func(f *Flow, i int) (node int, reason string)
}

// Match is what a Template found at an item.
type Match struct {
	Items   int            // number of items that the block spans
	GoName  string         // name of the Go type
	Doc     string         // one sentence on the type
	Roles   map[int]string // node -> role: "expand", "depthwise", "project", ...
	Inner   []int          // nodes whose output width is the block's inner width: expand moves it
	Widens  bool           // expand ratios are relative to the block's input, as an inverted residual widens it; a bottleneck narrows for its output
	Kernels []int          // convolutions with an elastic window: kernel moves it
	Scores  int            // product of queries and keys, 0 when there is none
	Grows   int            // the Concat of a block that stands beside its input what it makes of it, 0 when the block does not; without it the channels after it are fewer
	Mix     int            // product of scores and values: heads, qk and value move what both work on
}
