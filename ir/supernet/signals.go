package supernet

import (
	"slices"

	"github.com/autotailor/autotailor/internal/operators"
	"github.com/autotailor/autotailor/ir"
)

// signals tells which values with three axes have the form [N, channels, length], as one-dimensional convolutions make them. All others are sequences,
// [N, length, channels].
func signals(g *ir.Graph, sizes [][]int) []bool {
	out := make([]bool, len(g.Values))
	for _, n := range g.Nodes {
		if n.Domain != "" || moves[n.Op] {
			continue
		}
		o, _ := operators.Lookup("", n.Op)
		if convolutions[n.Op] || o.Class == operators.Window || o.Norm.ByChannel() || slices.ContainsFunc(n.In, func(id ir.ValueID) bool { return out[id] }) {
			for _, id := range n.Out {
				out[id] = id != 0 && len(sizes[id]) == 3
			}
		}
	}
	return out
}

// convolutions are the products whose channels are in the second axis, as they are in those of windows and of normalisations by channel.
var convolutions = map[string]bool{"Conv": true, "ConvTranspose": true, "QLinearConv": true, "ConvInteger": true}

// moves are operators whose results may have the channels on another axis than their operands.
var moves = map[string]bool{
	"Transpose": true, "Reshape": true, "MatMul": true, "Gemm": true, "Einsum": true, "Gather": true, "Squeeze": true, "Unsqueeze": true,
	"LSTM": true, "GRU": true, "RNN": true,
}

// channelAxis is the axis of a value's channels.
func channelAxis(rank int, signal bool) int {
	if rank == 3 && !signal {
		return 2
	}
	return 1
}
