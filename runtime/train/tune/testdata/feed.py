"""What PyTorch's tools train on, for TestStepsAreAsInPyTorch: reads a case as JSON, writes pixels in hexadecimal, labels and shares of each step.

usage: feed.py FOLDER    (that has the library of generated packages)
"""

import json
import sys

import numpy as np
import torch

sys.path.insert(0, sys.argv[1])
from supernet.augment import Changes
from supernet.data import Feed, Images, Steps

for line in sys.stdin:
    case = json.loads(line)
    x = np.frombuffer(bytes.fromhex(case["pixels"]), np.uint8).reshape(case["shape"])
    images = Images(torch.from_numpy(x.copy()), torch.arange(len(x)), "")
    o = case["options"]
    changes = Changes(**{k: o[k] for k in Changes._fields if k in o})
    parts = []
    for rank in range(case["world"]):
        steps = Steps(len(x), o["seed"], case["first"], case["first"] + 3, o["batch"] // case["world"], rank, case["world"])
        feed = Feed(images, steps, changes, case["pad"], o["seed"])
        parts.append([feed[i] for i in range(len(feed))])
    print(json.dumps([{
        "pixels": b"".join(part[k][0].numpy().tobytes() for part in parts).hex(),
        "labels": [y for part in parts for y in part[k][1].tolist()],
        "share": parts[0][k][2],
    } for k in range(3)]))
