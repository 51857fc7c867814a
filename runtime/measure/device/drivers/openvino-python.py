#!/usr/bin/env python3
"""openvino-python.py [DEVICE]: Intel's OpenVINO through its Python package, on CPU (the default), GPU or NPU.

    go run ./cmd/mynet profile --engine 'cmd:python3 openvino-python.py' --out openvino.lut

A driver need not be a shell script: this one reads the lines as JSON, and times each run itself. A time includes the call from Python,
which takes some microseconds. The file must not be called openvino.py, or Python would import it instead of the package.
"""
import json
import sys
import time

target = sys.argv[1] if len(sys.argv) > 1 else "CPU"
threads = 1


def answer(**fields):
    print(json.dumps(fields), flush=True)


def hello(request):
    global ov, core, threads
    threads = request["threads"]
    try:
        import openvino as ov

        core = ov.Core()
        device = core.get_property(target, "FULL_DEVICE_NAME")
    except Exception as e:  # whatever it is, the user must see it
        answer(type="hello", version=1, message=f"OpenVINO does not start on {target}: {e}")
        return
    answer(type="hello", version=1, device=device, runtime="openvino-" + target.lower(), runtime_version=ov.__version__, format="onnx", precision="fp32")


def configuration():
    """One network at a time, in float32. Only a CPU has threads."""
    chosen = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
    if target == "CPU" and threads > 0:
        chosen["INFERENCE_NUM_THREADS"] = threads
    return chosen


def measure(request):
    """The times of single runs in nanoseconds, as many as were asked for or as limit_ms allows, one at least."""
    run = core.compile_model(request["model"], target, configuration()).create_infer_request()
    for tensor in run.input_tensors:
        tensor.data[...] = 1
    for _ in range(request["warmup"]):
        run.infer()
    times, end = [], time.perf_counter() + request["limit_ms"] / 1e3
    while not times or len(times) < request["runs"] and time.perf_counter() < end:
        start = time.perf_counter_ns()
        run.infer()
        times.append(max(1, time.perf_counter_ns() - start))
    return times


for line in sys.stdin:
    request = json.loads(line)
    if request["type"] == "hello":
        hello(request)
        continue
    try:
        answer(type="result", id=request["id"], times_ns=measure(request))
    except Exception as e:  # of this network only
        answer(type="result", id=request["id"], error=str(e))
