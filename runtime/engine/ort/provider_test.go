package ort

import (
	"strings"
	"testing"
)

// TestChoose: what follows the engine's name is a provider with options, and the precision follows the options.
func TestChoose(t *testing.T) {
	for text, want := range map[string]struct{ name, precision, options string }{
		"cuda":                                         {"cuda", "fp32/tf32", ""},
		"CUDA,use_tf32=0,device_id=1":                  {"cuda", "fp32", "device_id=1,use_tf32=0"},
		"tensorrt,trt_fp16_enable=True":                {"tensorrt", "fp16", "trt_fp16_enable=True"},
		"tensorrt,trt_fp16_enable=0":                   {"tensorrt", "fp32/tf32", "trt_fp16_enable=0"},
		"tensorrt,trt_int8_enable=1,trt_fp16_enable=1": {"tensorrt", "int8", "trt_fp16_enable=1,trt_int8_enable=1"},
		"coreml,ModelFormat=MLProgram":                 {"coreml", "fp16/fp32", "ModelFormat=MLProgram"},
		"coreml,MLComputeUnits=CPUOnly":                {"coreml", "fp32", "MLComputeUnits=CPUOnly"},
		"xnnpack,intra_op_num_threads=2":               {"xnnpack", "fp32", "intra_op_num_threads=2"},
		"openvino,device_type=CPU":                     {"openvino", "fp32", "device_type=CPU"},
		"openvino,device_type=CPU,precision=FP16":      {"openvino", "fp16", "device_type=CPU,precision=FP16"},
		"qnn,backend_path=libQnnHtp.so":                {"qnn", "unknown", "backend_path=libQnnHtp.so"},
		"cpu":                                          {"cpu", "fp32", ""},
	} {
		c, err := choose(text)
		if err != nil || c.name != want.name || c.computesIn() != want.precision || c.text() != want.options {
			t.Errorf("%s: %s, %s, %q, %v", text, c.name, c.computesIn(), c.text(), err)
		}
	}
	for text, want := range map[string]string{
		"cudda": "did you mean cuda?", "": "there are cpu, cuda", "cuda,device_id": "not an option=value", "cuda,a=1,a=2": "there twice", "cpu,a=1": "no options", "nnapi": "adb-onnxruntime.sh",
	} {
		if _, err := choose(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
