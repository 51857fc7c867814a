package ort

import (
	"fmt"
	"slices"
	"strings"

	"github.com/autotailor/autotailor/internal/spell"
)

// provider is an execution provider of the library: what runs networks on something else than its CPU kernels.
type provider struct {
	name       string // on command lines
	registered string // by which the library knows it
	precision  string // in which it computes a network of float32s
	switches   []precisionSwitch
	gpu        bool   // of NVIDIA
	instead    string // what to do where this process cannot select it, "" where it can
}

// precisionSwitch is an option that changes the precision.
type precisionSwitch struct{ option, value, precision string }

// providers are those that --engine onnxruntime:NAME selects. A precision with a slash is the provider's or the hardware's choice: GPUs since Ampere
// multiply float32s as TF32; Core ML computes in half floats on GPU and Neural Engine, in float32 on the CPU.
var providers = []provider{
	{name: "cpu", registered: "CPUExecutionProvider", precision: "fp32"},
	{name: "cuda", registered: "CUDAExecutionProvider", precision: "fp32/tf32", gpu: true, switches: []precisionSwitch{{"use_tf32", "0", "fp32"}}},
	{name: "tensorrt", registered: "TensorrtExecutionProvider", precision: "fp32/tf32", gpu: true, switches: []precisionSwitch{
		{"trt_int8_enable", "1", "int8"}, {"trt_bf16_enable", "1", "bf16"}, {"trt_fp16_enable", "1", "fp16"},
	}},
	{name: "coreml", registered: "CoreMLExecutionProvider", precision: "fp16/fp32", switches: []precisionSwitch{{"MLComputeUnits", "CPUOnly", "fp32"}}},
	{name: "xnnpack", registered: "XnnpackExecutionProvider", precision: "fp32"},
	{name: "openvino", registered: "OpenVINOExecutionProvider", precision: "fp16/fp32", switches: []precisionSwitch{
		{"precision", "FP16", "fp16"}, {"precision", "FP32", "fp32"}, {"precision", "ACCURACY", "fp32"}, {"device_type", "CPU", "fp32"},
	}},
	{name: "qnn", registered: "QNNExecutionProvider", precision: "unknown", switches: []precisionSwitch{
		{"enable_htp_fp16_precision", "1", "fp16"}, {"backend_type", "cpu", "fp32"},
	}},
	{name: "nnapi", registered: "NnapiExecutionProvider", precision: "fp32", instead: "NNAPI is selected by a function of its own, which only programs for Android can call: " +
		"measure with --engine 'cmd:sh adb-onnxruntime.sh' and PROVIDER=nnapi in the environment"},
}

// option is one key=value of a provider.
type option struct{ key, value string }

// choice is a provider with its options.
type choice struct {
	provider
	options []option
}

// choose reads NAME[,option=value...].
func choose(text string) (choice, error) {
	var c choice
	var names []string
	parts := strings.Split(text, ",")
	for _, p := range providers {
		if names = append(names, p.name); p.name == strings.ToLower(parts[0]) {
			c.provider = p
		}
	}
	switch {
	case c.name == "":
		return c, fmt.Errorf("onnxruntime:%s: there is no execution provider %q%s; there are %s", text, parts[0], spell.Suggest(parts[0], names), strings.Join(names, ", "))
	case c.instead != "":
		return c, fmt.Errorf("onnxruntime:%s: %s", text, c.instead)
	}
	for _, part := range parts[1:] {
		key, value, ok := strings.Cut(part, "=")
		if !ok || key == "" || slices.ContainsFunc(c.options, func(o option) bool { return o.key == key }) {
			return c, fmt.Errorf("onnxruntime:%s: %q is not an option=value, or is there twice", text, part)
		}
		c.options = append(c.options, option{key, value})
	}
	if c.name == "cpu" && len(c.options) > 0 {
		return c, fmt.Errorf("onnxruntime:%s: the CPU has no options", text)
	}
	slices.SortFunc(c.options, func(a, b option) int { return strings.Compare(a.key, b.key) })
	return c, nil
}

// value is that of an option, "" where it is not given.
func (c choice) value(key string) string {
	for _, o := range c.options {
		if o.key == key {
			return o.value
		}
	}
	return ""
}

// on are the texts that the library takes for a switch that is on.
var on = []string{"1", "true", "True"}

// computesIn is the precision of a network of float32s under the options. The first switch counts that is as it says.
func (c choice) computesIn() string {
	for _, s := range c.switches {
		if v := c.value(s.option); v == s.value || s.value == "1" && slices.Contains(on, v) {
			return s.precision
		}
	}
	return c.precision
}

// text is the options as they stand in tables.
func (c choice) text() string {
	var list []string
	for _, o := range c.options {
		list = append(list, o.key+"="+o.value)
	}
	return strings.Join(list, ",")
}

// lacking explains an error with which the library refuses the provider.
func (c choice) lacking(err error, lib string, have []string) error {
	text := err.Error()
	hint := ""
	for _, known := range []struct{ says, hint string }{
		{"not supported in this build", "it was built without it"},
		{"not enabled", "it was built without it"},
		{"Unknown provider name", "it does not know it"},
		{"Failed to load shared library", "its libraries for it are not beside it, or something that they need is not installed"},
		{"no such option", "an option is not known to it"},
	} {
		if strings.Contains(text, known.says) {
			hint = known.hint + ": "
			break
		}
	}
	return fmt.Errorf("onnxruntime:%s: the library %s cannot use %s: %s%s; it has %s. Name a library that has it in %s",
		c.name, lib, c.registered, hint, strings.TrimSpace(text), strings.Join(have, ", "), Variable)
}
