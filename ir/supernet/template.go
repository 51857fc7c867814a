package supernet

// Template recognises one kind of block by its topology (paper, section 4.1.2) and says what can vary in it.
// Templates are values that the caller of Compile passes in, tried in order at every item of the flow.
type Template struct {
	Name string // the paper authors' name, as used in configs: "BottleneckResidualBlock"
	// Chain is set for templates over consecutive items of the straight flow. They are tried only if the config's arch.blocks lists them, or if the config
	// has no such list.
	Chain bool
	Match func(f *Flow, i int) (Match, bool)
	// Why explains a failed Match at an item: it names the first node that does not fit, with the reason, such as "is a 3x3 convolution, the place wants
	// a 1x1 convolution".
	Why func(f *Flow, i int) (node int, reason string)
}

// Match is what a Template found at an item.
type Match struct {
	Items   int            // number of items that the block spans
	GoName  string         // name of the Go type
	Doc     string         // one sentence on the type
	Roles   map[int]string // node -> role: "expand", "depthwise", "project", ...
	Inner   []int          // nodes whose output width is the block's inner width: expand moves it
	Widens  bool           // expand ratios are relative to the width of the block's input (inverted residual), not of its output (bottleneck)
	Kernels []int          // convolutions with an elastic window: kernel moves it
	Scores  int            // product of queries and keys, 0 when there is none
	Grows   int            // the Concat of a block's input with its own results, 0 if there is none; without the block there are fewer channels after it
	Mix     int            // product of scores and values; heads, qk and value move axes of both products
}
