"""What TestCountsOfTwoProcesses runs under torchrun: are the statistics of two processes those of one? The last batch is not full, and of five
batches one process has one more.

    python3 statistics.py PACKAGE MODEL DATA
"""

import importlib
import os
import sys

import torch

name, model_path, folder = sys.argv[1:]
part = lambda module: importlib.import_module(f"{name}.{module}")
space, data, evaluation, SubNet = part("space"), part("data"), part("evaluation"), part("subnet").SubNet
torch.distributed.init_process_group("gloo")
rank, world = torch.distributed.get_rank(), torch.distributed.get_world_size()
_, net = part("files").open_model(model_path)
images = data.take(part("files").open_images(folder, "train"), 18)
found = []
for r, w in ((0, 1), (rank, world)):
    evaluation.Evaluator(space.TRANSFORM, images, images, space.SIDE, torch.device("cpu"), 4).adapt(net, SubNet(space.SPACE), r, w)
    found.append([t for m in evaluation.norms(net) for t in m.adapted])
same = all(torch.equal(a, b) for a, b in zip(*found))
print("same bits" if same else "other bits", flush=True)
