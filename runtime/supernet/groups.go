package supernet

// Group is a class of positions that choices cut together: channels, heads, or dimensions of a head. Reordering all its members
// alike leaves the function of the original as it is, and changes what smaller SubNets keep.
type Group struct {
	Size int
	Of   []Member
}

// Member is where a group lies in a parameter: position i of the group are the elements From + r*Every + i*Step + j along Axis, for
// each r below Repeat and each j below Step. Repeat and Step of 0 mean 1.
type Member struct {
	Param                           string // name, see nn.Param
	Axis, From, Repeat, Every, Step int
	Reads                           bool // the parameter's operator sums over the axis
}

// Positions calls visit with the first element and the number of elements of each run that position i of the group has.
func (m Member) Positions(i int, visit func(from, n int)) {
	step := max(m.Step, 1)
	for r := range max(m.Repeat, 1) {
		visit(m.From+r*m.Every+i*step, step)
	}
}
