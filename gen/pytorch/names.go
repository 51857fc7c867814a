package pytorch

import (
	"fmt"
	"strings"
	"unicode"
)

// names hands out each identifier once.
type names map[string]bool

// reserved are Python's keywords and what attributes of a torch.nn.Module must not be called.
const reserved = `and as assert async await break class continue def del elif else except finally for from global if import in is lambda
nonlocal not or pass raise return try while with yield None True False self s x F torch nn
training forward train eval apply to cpu cuda xpu ipu float half double bfloat16 type buffers parameters modules children state_dict
load_state_dict register_buffer register_parameter zero_grad share_memory requires_grad_ extra_repr dump_patches add_module
named_modules named_children named_parameters named_buffers get_parameter get_buffer get_submodule onnx at`

func newNames(taken ...string) names {
	n := names{}
	for _, w := range append(strings.Fields(reserved), taken...) {
		n[w] = true
	}
	return n
}

func (n names) first(name string) string {
	if n[name] && !strings.HasSuffix(name, "_") {
		name += "_"
	}
	base := name
	for k := 2; n[name]; k++ {
		name = fmt.Sprintf("%s%d", base, k)
	}
	n[name] = true
	return name
}

// snake turns camelCase into snake_case; digits stay with what stands before them.
func snake(name string) string {
	var b strings.Builder
	runes := []rune(name)
	for i, r := range runes {
		upper := unicode.IsUpper(r)
		if upper && i > 0 && (!unicode.IsUpper(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1])) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}
