package gen

import (
	"fmt"
	"strings"

	"github.com/dave/jennifer/jen"

	"github.com/autotailor/autotailor/gen/view"
)

// wording is how a kind of choice is documented, and what accessor it has beside String.
type wording struct {
	what   string // a type is, with %s for where it is that
	field  string // a field is
	value  string // a value is, with %s for the number
	whole  string // the value 1 is instead
	method string
	says   string // the method does
	result string
}

var wordings = map[string]wording{
	"resolution": {"is the side of the square input image%s, in pixels", "side of the input image", "%s pixels", "", "Pixels", "returns the length of a side in pixels", "int"},
	"width": {"is the share of a stage's output channels that is kept%s", "share of the output channels", "%s of the channels", "all channels",
		"Multiplier", "returns the share as a number up to 1", "float64"},
	"depth":  {"is how many blocks are kept%s, from the first", "blocks that are kept, from the first", "%s blocks", "one block", "Blocks", "returns the number of blocks", "int"},
	"expand": {"is the inner width of a block in multiples of its base width%s", "inner width over base width", "%s times the base width", "as wide as its base", "Ratio", "returns the inner width over the base width", "float64"},
	"kernel": {"is the side of the convolution windows%s, in pixels", "side of the windows", "windows of %s pixels", "windows of one pixel", "Side", "returns the side of a window in pixels", "int"},
	"ratio":  {"is the share of the inner channels that is kept%s", "share of the inner channels", "%s of the inner channels", "all inner channels", "Share", "returns the share as a number up to 1", "float64"},
	"heads":  {"is the share of an attention's heads that is kept%s, from the first", "share of the attention's heads", "%s of the attention's heads", "all of the attention's heads", "Share", "returns the share as a number up to 1", "float64"},
	"qk": {"is the share of each head's query and key dimension that is kept%s", "share of each head's query and key dimension", "%s of the query and key dimension", "the whole query and key dimension",
		"Share", "returns the share as a number up to 1", "float64"},
	"value": {"is the value dimension of each head in multiples of the model's query dimension%s", "value dimension of each head over query dimension", "%s times the query dimension", "as large as the query dimension",
		"Ratio", "returns the value dimension over the query dimension", "float64"},
}

// wordingOf is how a type is documented.
func wordingOf(t *view.ChoiceType) wording {
	if w, ok := wordings[t.Kind]; ok {
		return w
	}
	return wording{"is what can be chosen of " + t.Kind + "%s", "choice of " + t.Kind, "%s", "", "Number", "returns the value as a number", "float64"}
}

// text is a value in words.
func (w wording) text(v view.Candidate) string {
	if v.Number == 1 && w.whole != "" {
		return w.whole
	}
	return fmt.Sprintf(w.value, v.Text)
}

// choiceField is a choice in a struct.
func choiceField(name string, t *view.ChoiceType) *jen.Statement {
	return jen.Id(name).Id(t.Name).Comment(wordingOf(t).field)
}

// choiceType writes the type of a choice, its values and its methods.
func choiceType(f *jen.File, t *view.ChoiceType) {
	w := wordingOf(t)
	list := view.Unexported(t.Name)
	f.Comment(fmt.Sprintf("%s %s; %s in the original.", t.Name, fmt.Sprintf(w.what, t.Where()), t.Values[0].Text))
	f.Type().Id(t.Name).Struct(jen.Id("i").Uint8())
	f.Line()
	f.Comment(fmt.Sprintf("The legal values of %s. The zero value is %s, the original model's.", t.Name, t.Original()))
	var vars, nums []jen.Code
	var texts []string
	for k, v := range t.Values {
		says := w.text(v)
		if k == 0 {
			says += ", as in the original"
		}
		vars = append(vars, jen.Id(v.Name).Op("=").Id(t.Name).Values(number(k)).Comment(says))
		nums = append(nums, float64Lit(v.Number))
		texts = append(texts, v.Text)
	}
	f.Var().Defs(vars...)
	f.Line()
	f.Var().Defs(
		jen.Id(list+"Values").Op("=").Index(jen.Op("...")).Id(w.result).Values(nums...),
		jen.Id(list+"Texts").Op("=").Index().String().Values(stringLits(texts)...),
	)
	f.Line()
	recv := strings.ToLower(t.Name[:1])
	f.Comment(w.method + " " + w.says + ".")
	f.Func().Params(jen.Id(recv).Id(t.Name)).Id(w.method).Params().Id(w.result).Block(jen.Return(jen.Id(list + "Values").Index(jen.Id(recv).Dot("i"))))
	f.Line()
	f.Comment("String returns the value as it is written in a SubNet's text.")
	f.Func().Params(jen.Id(recv).Id(t.Name)).Id("String").Params().String().Block(jen.Return(jen.Id(list + "Texts").Index(jen.Id(recv).Dot("i"))))
	f.Line()
	values(f, t)
}
