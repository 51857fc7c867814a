"""Puts the weights of a checkpoint back into the ONNX file, by name; every other byte of the file stays.

examples:
  python3 export.py --model model.onnx --checkpoint tuned.onnx.ckpt --out tuned.onnx
  python3 export.py --model model.onnx --checkpoint tuned.onnx.ckpt --out tuned.onnx --recalibrate 4096 --data DIR

tune.py does it at the end of a run. With --recalibrate BatchNorm statistics of the largest SubNet are recomputed, else they are the
model's, which fit weights in training only roughly.
"""

import argparse
import sys

import torch

from supernet import data, evaluation, files, space
from supernet.subnet import SubNet


def arguments() -> argparse.Namespace:
    p = files.parser(__doc__)
    p.add_argument("--model", required=True, help="ONNX file that the checkpoint's run started from")
    p.add_argument("--checkpoint", required=True, help="checkpoint of tune.py")
    p.add_argument("--out", required=True, help="ONNX file to write")
    p.add_argument("--recalibrate", type=int, default=0, help="training images that BatchNorm statistics come from")
    p.add_argument("--data", help="folder with the images, for --recalibrate")
    a = p.parse_args()
    if a.recalibrate and not a.data:
        p.error("--recalibrate needs --data")
    return a


def run() -> int:
    a = arguments()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model, net = files.open_model(a.model, device)
    state = torch.load(a.checkpoint, map_location=device)
    if not isinstance(state, dict) or state.get("format") not in (1, 2):
        raise ValueError(f"{a.checkpoint}: it is no checkpoint of tune.py")
    net.load(state["average"] or state["net"])
    if a.recalibrate and evaluation.norms(net):
        images = data.take(files.open_images(a.data, "train"), a.recalibrate)
        evaluation.Evaluator(space.TRANSFORM, None, images, space.SIDE, device).adapt(net, SubNet(space.SPACE))
        for m in evaluation.norms(net):
            m.store()
    elif evaluation.norms(net):
        print("warning: without --recalibrate BatchNorm statistics are the model's, which fit weights in training only roughly", file=sys.stderr)
    model.save(a.out, {n: t for n, t in net.initializers().items() if t.is_floating_point()}, net.transforms())
    print(f"wrote {a.out}: {len(net.initializers())} tensors of step {state['step']}")
    return 0


if __name__ == "__main__":
    files.main(run)
