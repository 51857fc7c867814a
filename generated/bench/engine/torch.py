"""Runs a network that autotailor recorded, described in JSON, with PyTorch, and times it.

usage: torch.py GRAPH.json THREADS FORMAT    (FORMAT is nchw or nhwc: the memory format of images)

It prints "ready VERSION", then for every line "train N" or "infer N" on standard input the seconds that N iterations took.
Weights are random: only time is measured.
"""
import json
import sys
import time

import torch
import torch.nn.functional as F


def half(pads):
    """pads are begins then ends; PyTorch wants them equal."""
    n = len(pads) // 2
    if pads[:n] != pads[n:]:
        raise SystemExit("padding %s differs between the sides" % pads)
    return pads[:n]


def conv(a, x, w, b=None):
    return F.conv2d(x, w, b, a.get("strides", 1), half(a.get("pads", [0] * 4)), a.get("dilations", 1), a.get("group", 1))


def clip(a, x):
    return F.hardtanh(x, a["min"], a["max"])


OPERATORS = {
    "Conv": conv,
    "Clip": clip,
    "Relu": lambda a, x: F.relu(x),
    "Add": lambda a, x, y: x + y,
    "GlobalAveragePool": lambda a, x: F.adaptive_avg_pool2d(x, 1),
    "Flatten": lambda a, x: torch.flatten(x, 1),
    "Gemm": lambda a, x, w, b: F.linear(x, w, b),
}


class Net(torch.nn.Module):
    def __init__(self, graph):
        super().__init__()
        self.graph = graph
        for v in graph["Params"]:
            shape = v["Shape"]
            fan = max(1, torch.Size(shape).numel() // shape[0]) if len(shape) > 1 else 1
            value = torch.randn(shape) / fan**0.5 if len(shape) > 1 else torch.ones(shape)
            if v["Statistic"]:
                self.register_buffer(v["Key"], value)
            else:
                self.register_parameter(v["Key"], torch.nn.Parameter(value))
        self.missing = {n["Type"] for n in graph["Nodes"]} - set(OPERATORS) - {"BatchNormalization"}
        if self.missing:
            raise SystemExit("no operators %s" % sorted(self.missing))

    def forward(self, x):
        values = {self.graph["Input"]: x}
        get = lambda name: values[name] if name in values else getattr(self, name)
        for n in self.graph["Nodes"]:
            args = [get(name) for name in n["In"]]
            if n["Type"] == "BatchNormalization":
                x, scale, bias, mean, var = args
                y = F.batch_norm(x, mean, var, scale, bias, self.training, 0.1, n["Attrs"].get("epsilon", 1e-5))
            else:
                y = OPERATORS[n["Type"]](n["Attrs"], *args)
            values[n["Out"]] = y
        return values[self.graph["Output"]]


def main():
    graph = json.load(open(sys.argv[1]))
    torch.set_num_threads(int(sys.argv[2]))
    torch.manual_seed(1)
    form = torch.channels_last if sys.argv[3] == "nhwc" else torch.contiguous_format
    net = Net(graph).to(memory_format=form)
    x = torch.randn(graph["InputShape"]).contiguous(memory_format=form)
    y = torch.randint(0, graph["Classes"], (len(x),))
    solver = torch.optim.SGD(net.parameters(), lr=1e-4, momentum=0.9)

    def train():
        net.train()
        solver.zero_grad(set_to_none=True)
        F.cross_entropy(net(x), y).backward()
        solver.step()

    def infer():
        net.eval()
        with torch.inference_mode():
            net(x)

    print("ready", torch.__version__, flush=True)
    for line in sys.stdin:
        what, n = line.split()
        run = {"train": train, "infer": infer}[what]
        start = time.perf_counter()
        for _ in range(int(n)):
            run()
        print(time.perf_counter() - start, flush=True)


main()
