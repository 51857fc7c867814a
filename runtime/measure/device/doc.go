// Package device drives devices that this process does not run on: any program that speaks a small protocol becomes one.
//
// A driver is a program that reads one JSON object a line from its standard input and answers each with one line on its
// standard output. What it writes to standard error is shown when something goes wrong. Its input ends when the work is done.
//
// The first line asks who it is. The formats are those that probes can be written in, the best first; threads is what the user asked for:
//
//	{"type":"hello","version":1,"formats":["onnx","ncnn","graph"],"threads":1}
//	{"type":"hello","version":1,"device":"Pixel 8","runtime":"ncnn","runtime_version":"20240820","format":"onnx","rules":"ncnn","threads":1,"precision":"fp16","cores":"big","governor":"performance"}
//
// "device" and "runtime" are needed; "format" is the first that was offered unless the driver says another of them, "rules" (fusion rules
// that describe the runtime's kernels) is "none", "threads" what was asked for, "precision" is "unknown". "cores" and
// "governor" (of the clocks), and "options" of the runtime, are what else changes times; they stand in the table's header where they are told. A "message"
// instead says why the driver cannot work.
//
// Every other line is a network to measure. Keys always stand in this order, so that sed can take them apart. The files are there until
// the answer comes:
//
//	{"type":"measure","id":"5e1f...","model":"/.../probe.onnx","warmup":5,"runs":30,"limit_ms":10000,"inputs":"1x3x224x224"}
//	{"type":"result","id":"5e1f...","times_ns":[81250,80917,83333],"energy_mj":0.41}
//	{"type":"result","id":"5e1f...","error":"unsupported operator"}
//
// Inputs are the shapes of the model's inputs, with spaces between. The times are of single runs, as many as were asked for
// or fewer where limit_ms ended them; "energy_mj" of one run may be left out. An
// error is of this network only: it becomes a failed row of the table. A driver that dies is started again, and the network that it died
// of is tried once more; one that does not answer in time is killed. Lines that are no JSON, or an answer to something else, count as
// death, because nothing that such a driver says can be trusted.
//
// Format "onnx" is an ONNX model, and "graph" that of package graphfile, for programs in Go (see Drive). "ncnn" is a .param file
// alone, since benchncnn makes up the weights; its inputs are written as NCNN counts them, without batch and the innermost
// extent first, such as 224x224x3. Because benchncnn's clock has steps of 10 microseconds, a network that is faster than 100 of
// them is measured a second time, as up to 64 copies side by side.
//
// Folder drivers has examples that are ready to be changed.
package device
