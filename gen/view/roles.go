package view

import (
	"slices"
	"strings"

	"github.com/autotailor/autotailor/ir/dim"
	"github.com/autotailor/autotailor/ir/supernet"
)

// extentNames proposes names by the role of an extent in the body: cin, cout, mid, ffn, kernel, tokens, side, heads. The first free name is used.
func (l *layouter) extentNames() func(call, j int, col []dim.Dim) []string {
	in, out := l.ends()
	calls := l.places[0].body.Calls
	return func(call, j int, col []dim.Dim) []string {
		c := calls[call]
		switch {
		case out != nil && slices.EqualFunc(col, out, dim.Dim.Equal):
			return []string{"cout"}
		case in != nil && slices.EqualFunc(col, in, dim.Dim.Equal):
			return []string{"cin"}
		case j < len(c.Cuts) && c.Cuts[j].Verb == "Crop":
			return []string{"kernel"}
		}
		kinds := l.kinds(col)
		if slices.Equal(kinds, []string{string(supernet.Resolution)}) {
			return l.positions(col, c)
		}
		if name := attentionNames[strings.Join(kinds, " ")]; name != "" {
			return []string{name}
		}
		switch {
		case l.section && j < len(c.Cuts) && c.Cuts[j].Verb == "In":
			return []string{"cin"}
		case l.section:
			return []string{"cout"}
		case l.feedForward() && slices.Contains(kinds, string(supernet.Expand)):
			return []string{"ffn"}
		}
		return []string{"mid"}
	}
}

// attentionNames are the names of extents that depend on choices of an attention, by these choices.
var attentionNames = map[string]string{
	"heads":          "heads",
	"qk":             "query",   // of one head, and of its keys
	"value":          "value",   // of one head
	"heads qk":       "queries", // of all heads
	"heads value":    "values",
	"qk value":       "perHead", // queries, keys and values of one head
	"heads qk value": "qkv",
}

// extentDocs explain extents in comments of generated code, by name without digits.
var extentDocs = map[string]string{
	"cout": "channels of the result", "cin": "channels of the input", "mid": "inner channels", "ffn": "inner width of the feed-forward network", "kernel": "side of the windows",
	"side": "side of the map", "outSide": "side of the result's map", "tokens": "positions", "outTokens": "positions of the result", "heads": "number of heads that are kept",
	"query": "dimension of one head's queries and keys", "value": "dimension of one head's values", "queries": "dimension of the queries of all heads", "values": "dimension of the values of all heads",
	"perHead": "dimension of one head's query, key and value together", "qkv": "dimension of the queries, keys and values of all heads",
}

// Doc says what the extent is.
func (e *Extent) Doc() string { return extentDocs[strings.TrimRight(e.Name, "0123456789")] }

// ends finds the columns of the channels of the body's input and result, nil if no cut has them.
func (l *layouter) ends() (in, out []dim.Dim) {
	body := l.places[0].body
	for k, c := range body.Calls {
		for j, d := range c.Cuts {
			switch {
			case c.Role == "shortcut":
			case d.Verb == "Out":
				out = l.columns(k)[cutSlot(c, j)]
			case d.Verb == "In" && in == nil && len(body.In) > 0 && c.In[0] == body.In[0]:
				in = l.columns(k)[cutSlot(c, j)]
			}
		}
	}
	return in, out
}

// kinds lists the kinds of the choices that a column depends on, in alphabetical order.
func (l *layouter) kinds(col []dim.Dim) []string {
	var out []string
	for _, d := range col {
		for _, g := range d.Deps() {
			out = appendNew(out, l.p.Choices[g].Kind)
		}
	}
	slices.Sort(out)
	return out
}

// positions names an extent that follows the resolution: the side of a map, or the number of its positions, which are the tokens of an attention. A second such extent
// belongs to the result.
func (l *layouter) positions(col []dim.Dim, c Call) []string {
	name := "side"
	if c.Method == Reshape && len(c.Dims) == 3 || l.own != nil && l.attends() && !l.rooted(col) || l.squared(col) {
		name = "tokens"
	}
	return []string{name, "out" + strings.ToUpper(name[:1]) + name[1:]}
}

// rooted tells whether some extent of the body is the square of a column.
func (l *layouter) rooted(col []dim.Dim) bool {
	return l.anyColumn(func(other []dim.Dim) bool { return squares(other, col) })
}

// squared tells whether a column is the square of some extent of the body.
func (l *layouter) squared(col []dim.Dim) bool {
	return l.anyColumn(func(other []dim.Dim) bool { return squares(col, other) })
}

func (l *layouter) anyColumn(fits func(col []dim.Dim) bool) bool {
	for k := range l.places[0].body.Calls {
		if slices.ContainsFunc(l.columns(k), fits) {
			return true
		}
	}
	return false
}

// squares tells whether the extents of column col are the squares of those of column of.
func squares(col, of []dim.Dim) bool {
	for k, d := range of {
		if len(d.Deps()) == 0 || !dim.Map(func(n int) int { return n * n }, d).Equal(col[k]) {
			return false
		}
	}
	return true
}

// attends tells whether the body has an attention of its own, and feedForward whether it is a part of a Transformer.
func (l *layouter) attends() bool {
	return slices.ContainsFunc(l.places, func(p *place) bool { return slices.Contains(transformers, p.name) && p.name != "FFN" })
}

func (l *layouter) feedForward() bool {
	return slices.ContainsFunc(l.places, func(p *place) bool { return slices.Contains(transformers, p.name) })
}

var transformers = []string{"Transformer", "Attention", "FFN"}
