"""Counts for lists of SubNets, in the files that the Go package's commands write and read."""

import argparse
import os
import sys
import time
from typing import Dict, List

import torch

from . import data, evaluation, files, space, tasks
from .onnxfile import write
from .subnet import SubNet


def add_arguments(p: argparse.ArgumentParser, split: str, images: int, calibrate: int) -> None:
    p.add_argument("--model", required=True, help="ONNX file, of the original or tuned")
    p.add_argument("--original", help="ONNX file of the original, for tasks that compare with it, where --model has been tuned")
    p.add_argument("--data", required=True, help="folder with the images")
    p.add_argument("--out", required=True, help="table to write, or to go on with")
    p.add_argument("--split", choices=("train", "test"), default=split, help="images that are counted: train (the last ones, which no statistics come from) or test (the first ones); default %(default)s")
    p.add_argument("--first", type=int, help="first image of the split that is counted, where it is another")
    p.add_argument("--images", type=int, default=images, help="how many at most, 0 for all; each class in proportion (default %(default)s)")
    p.add_argument("--calibrate", type=int, default=calibrate, help="training images, from the first, that BatchNorm statistics are recomputed from; 0 leaves the model's (default %(default)s)")
    p.add_argument("--batch", type=int, default=512, help="images at once (default %(default)s)")
    p.add_argument("--workers", type=int, help="processes that read images, for each counting process (default: its share of the cores, where images are decoded)")


class Table:
    """A table of counts, one row for each SubNet. It is written after each of them, so that an interrupted run goes on."""

    def __init__(self, kind: str, a: argparse.Namespace, rank: int, world: int, device: torch.device) -> None:
        self.path, self.rank, self.world = a.out, rank, world
        images, calibration = _opened(a)
        _, self.net = files.open_model(a.model, device)
        if not evaluation.norms(self.net):
            calibration = None
        task = tasks.task(space.TASK, space.METRIC, images.labels, space.END)
        original = files.open_model(a.original or a.model, device)[1].eval() if task.from_original else None
        self.evaluator = evaluation.Evaluator(space.TRANSFORM, images, calibration, space.SIDE, device, a.batch, a.workers, task, original)
        self.head = _header(kind, a, images, calibration, task)
        self.counts = self._begun()

    def _begun(self) -> Dict[str, str]:
        """The counts that the table has already. The first process reads it for all."""
        counts = [_rows(self.path, self.head) if self.rank == 0 else None]
        if self.world > 1:
            torch.distributed.broadcast_object_list(counts)
        return counts[0]

    def count(self, nets: List[SubNet]) -> None:
        """Counts those of nets that are not in the table, and writes the table in their order."""
        names = list(dict.fromkeys(str(s) for s in nets))
        todo = [s for s in dict.fromkeys(nets) if str(s) not in self.counts]
        start = time.monotonic()
        for k, s in enumerate(todo):
            self.counts[str(s)] = str(self.evaluator.count(self.net, s, self.rank, self.world))
            if self.rank == 0:
                write(self.path, (self.head + "".join(f"{n} {self.counts[n]}\n" for n in names if n in self.counts)).encode())
                left = int((time.monotonic() - start) / (k + 1) * (len(todo) - k - 1))
                print(f"{k + 1}/{len(todo)}  {s} {self.counts[str(s)]}  left {left // 60}:{left % 60:02}", file=sys.stderr, flush=True)


def _opened(a: argparse.Namespace):
    """The images that are counted and those for statistics, as the Go package's commands choose them: of the training images the first, at
    most half of them, are for statistics and the last are counted."""
    images, calibration = files.open_images(a.data, a.split), None
    if a.calibrate:
        train = images if a.split == "train" else files.open_images(a.data, "train")
        calibration = data.take(train, min(a.calibrate, len(train) // 2) if a.split == "train" else a.calibrate)
    n, held = a.images or len(images), len(calibration) if calibration is not None else 0
    first = a.first if a.first is not None else max(held, len(images) - n) if a.split == "train" else 0
    if not 0 <= first < len(images):
        raise ValueError(f"--first {first}: the split has {len(images)} images")
    if a.split == "train" and first < held:
        raise ValueError(f"--calibrate {a.calibrate} and --first {first}: these images would be counted and calibrate; start at {held}")
    return data.part(images, first, min(len(images), first + n)), calibration


def _rows(path: str, head: str) -> Dict[str, str]:
    """The rows of a table that is there, whose header must be the same but for the date and the model's name: its weights have a digest."""
    if not os.path.exists(path):
        return {}
    with open(path) as f:
        old, _, rows = f.read().partition("\n\n")
    stable = lambda h: [line for line in h.strip().split("\n") if not line.startswith(("date:", "model:"))]
    if old.startswith("format:") and old.split("\n")[0] != head.split("\n")[0]:
        raise ValueError(f"{path}: another version wrote it; the Go package's command migrate converts files of version 1")
    if stable(old) != stable(head):
        raise ValueError(f"{path}: what was begun here has another header: finish it with its own settings, or remove it")
    rows = rows[: rows.rfind("\n") + 1]  # a row that was cut off is counted again
    return dict(line.rsplit(" ", 1) for line in rows.split("\n") if line)


def _described(task: tasks.Task) -> List[str]:
    """What the header says of a task: nothing of the usual accuracy."""
    if type(task) is tasks.Classification:
        return []
    lines = [f"task: {space.TASK or 'classification'}", f"metric: {task.metric}", f"unit: {task.unit}"]
    return lines + (["better: lower", f"worst: {task.worst!r}"] if task.worst else ["better: higher"])


def _header(kind: str, a: argparse.Namespace, images, calibration, task: tasks.Task) -> str:
    digest = images.digest + ("+" + calibration.digest if calibration else "")
    return "\n".join([
        f"format: autotailor {kind} 2", f"package: {space.PACKAGE}", f"digest: {space.DIGEST}", f"source: {space.SHA256}",
        f"model: {files.shown(a.model)}", f"weights: {files.sha256(a.model)}", f"images: {len(images)}", f"split: {a.split}", f"data: {digest}", f"recalibration: {len(calibration) if calibration else 0}", "seed: 0",
        f"resize: {space.TRANSFORM.text()}", "engine: pytorch", f"date: {time.strftime('%Y-%m-%d', time.gmtime())}",
        *_described(task), "units: " + ("images classified correctly" if task.exact else f"1/{tasks.PARTS} of quality"),
    ]) + "\n\n"
