"""Runs SubNets of emitted PyTorch packages, and prints a line of JSON for each package: its SubNets' outputs, or an error.

    python3 forward.py DIR..., where each DIR has a package "any", model.onnx and cases.json: a list of {"subnet", "shape", "input"}
"""

import importlib
import json
import pathlib
import sys
import traceback

import torch

torch.set_num_threads(1)


def outputs(folder):
    for name in [m for m in sys.modules if m.split(".")[0] == "any"]:
        del sys.modules[name]
    sys.path[0] = str(folder)
    importlib.invalidate_caches()
    part = lambda module: importlib.import_module(f"any.{module}")
    space, SubNet = part("space").SPACE, part("subnet").SubNet
    _, net = part("files").open_model(str(folder / "model.onnx"))
    net.eval()
    with torch.no_grad():
        for case in json.loads((folder / "cases.json").read_text()):
            x = torch.tensor(case["input"]).reshape(case["shape"])
            yield net(x, SubNet(space, space.parse(case["subnet"]))).flatten().tolist()


for folder in sys.argv[1:]:
    try:
        result = {"outputs": list(outputs(pathlib.Path(folder)))}
    except Exception:
        result = {"error": traceback.format_exc()}
    print(json.dumps(result), flush=True)
