"""Counts what every single modification of the original costs in accuracy, on the same images, for `search --accuracy`.

examples:
  python3 sensitivity.py --model tuned.onnx --data DIR --out net.acc --calibrate 4096
  torchrun --nproc_per_node 8 sensitivity.py --model tuned.onnx --data DIR --out net.acc --calibrate 4096
  python3 sensitivity.py --model tuned.onnx --data DIR --out net.acc --split train --first 40000 --images 20000

An interrupted run goes on where it stopped. The file is the one that the Go package's commands write and read.
"""

import argparse
import os
import sys
import time

import torch
import torch.distributed as dist

from supernet import data, evaluation, files, space
from supernet.onnxfile import write
from supernet.subnet import SubNet
from tune import connect


def arguments() -> argparse.Namespace:
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0], epilog=__doc__.split("\n", 2)[2], formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--model", required=True, help="ONNX file, of the original or tuned")
    p.add_argument("--data", required=True, help="folder with the images")
    p.add_argument("--out", required=True, help="table to write, or to go on with")
    p.add_argument("--split", choices=("train", "test"), default="test", help="images that are counted (default %(default)s)")
    p.add_argument("--first", type=int, default=0, help="first image of the split that is counted (default %(default)s)")
    p.add_argument("--images", type=int, default=0, help="how many, 0 for all")
    p.add_argument("--calibrate", type=int, default=0, help="training images, from the first, that BatchNorm statistics are recomputed from; 0 leaves the model's")
    p.add_argument("--batch", type=int, default=512)
    return p.parse_args()


def header(a, images, calibration) -> str:
    digest = images.digest + ("+" + calibration.digest if calibration else "")
    return "\n".join([
        "format: autotailor sensitivities 1", f"package: {space.PACKAGE}", f"digest: {space.DIGEST}", f"source: {space.SHA256}", f"images: {len(images)}",
        f"data: {digest}", f"recalibration: {len(calibration) if calibration else 0}", "seed: 0", "resize: bilinear, antialiased",
        f"engine: pytorch", f"date: {time.strftime('%Y-%m-%d', time.gmtime())}", "units: images classified correctly",
    ]) + "\n\n"


def begun(path: str, head: str) -> dict:
    """The counts that a table has already, whose header must be the same but for the date."""
    if not os.path.exists(path):
        return {}
    with open(path) as f:
        text = f.read()
    old, _, rows = text.partition("\n\n")
    stable = lambda h: [line for line in h.strip().split("\n") if not line.startswith("date:")]
    if stable(old) != stable(head):
        raise ValueError(f"{path}: what was begun here has another header: finish it with its own settings, or remove it")
    rows = rows[: rows.rfind("\n") + 1]  # a row that was cut off is counted again
    return dict(line.rsplit(" ", 1) for line in rows.split("\n") if line)


def run() -> int:
    a = arguments()
    rank, world, device = connect()
    images = files.open_images(a.data, a.split)
    if not 0 <= a.first < len(images):
        raise ValueError(f"--first {a.first}: the split has {len(images)} images")
    last = min(len(images), a.first + a.images) if a.images else len(images)
    images = data.part(images, a.first, last)
    calibration = data.take(files.open_images(a.data, "train"), a.calibrate) if a.calibrate else None
    if calibration is not None and a.split == "train" and a.first < len(calibration):
        raise ValueError(f"--calibrate {a.calibrate} and --first {a.first}: these images would be counted and calibrate; start at {len(calibration)}")
    _, net = files.open_model(a.model, device)
    if not evaluation.norms(net):
        calibration = None
    e = evaluation.Evaluator(space.TRANSFORM, images, calibration, space.SIDE, device, a.batch)
    head = header(a, images, calibration)
    probes = [SubNet(space.SPACE)] + [SubNet(space.SPACE, g) for g in space.SPACE.probes()]
    counts = begun(a.out, head)
    start, todo = time.monotonic(), [s for s in probes if str(s) not in counts]
    for k, s in enumerate(todo):
        counts[str(s)] = str(e.correct(net, s, rank, world))
        if rank == 0:
            write(a.out, (head + "".join(f"{p} {counts[str(p)]}\n" for p in probes if str(p) in counts)).encode())
            left = int((time.monotonic() - start) / (k + 1) * (len(todo) - k - 1))
            print(f"{k + 1}/{len(todo)}  {s} {counts[str(s)]}  left {left // 60}:{left % 60:02}", file=sys.stderr, flush=True)
    return 0


if __name__ == "__main__":
    files.main(run)
