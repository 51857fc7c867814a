"""Counts how good SubNets are at their task, with BatchNorm statistics recomputed for each."""

from typing import Dict, Iterator, List, Optional

import torch
from torch import Tensor

from .data import Batches, loaded, resize
from .layers import BatchNorm, Net
from .subnet import SubNet
from .tasks import Classification, Task


def norms(net: Net):
    return [m for m in net.modules() if isinstance(m, BatchNorm)]


def gathered(mine: List, world: int) -> List:
    """What all processes have, in the order of one: process r has the things with the numbers r, r + world and so on."""
    if world == 1:
        return mine
    all_: List = [None] * world
    torch.distributed.all_gather_object(all_, mine)
    return [all_[k % world][k // world] for k in range(sum(len(one) for one in all_))]


@torch.no_grad()
def recalibrate(net: Net, s: SubNet, batches: Iterator[Tensor], world: int = 1) -> None:
    """Sets the statistics of s: sample-weighted averages over batches that are each normalised by their own (OFA). Several processes have
    the batches in turns, and add up what all found in the order of one, which gives the same bits."""
    net.eval()
    found = []
    for x in batches:
        sums: Dict[str, list] = {}
        for m in norms(net):
            m.adapted, m.sums = None, sums.setdefault(m.statistics, [0.0, 0.0, 0])
        net(x, s)
        found.append({name: [mean.cpu(), var.cpu(), n] for name, (mean, var, n) in sums.items() if n})
    total: Dict[str, list] = {}
    for batch in gathered(found, world):
        for name, values in batch.items():
            total[name] = [a + b for a, b in zip(total.get(name, (0.0, 0.0, 0)), values)]
    for m in norms(net):
        m.sums = None
        if m.statistics in total:
            mean, var, n = total[m.statistics]
            m.adapted = tuple((v / n).float().to(m.weight.device) for v in (mean, var))


def forget(net: Net) -> None:
    """Goes back to the stored statistics."""
    for m in norms(net):
        m.adapted = None


class Evaluator:
    """Counts for one set of images, all on the same ones."""

    def __init__(self, transform, images, calibration, side: int, device: torch.device, batch: int = 512, workers: Optional[int] = None, task: Optional[Task] = None, original: Optional[Net] = None) -> None:
        """original is for tasks that compare with what it computes."""
        self.transform, self.images, self.calibration = transform, images, calibration
        self.side, self.device, self.batch, self.workers = side, device, batch, workers
        self.task, self.original = task or Classification(), original
        self.taught: List[Tensor] = []  # outputs of the original for each batch of this process

    def batches(self, images, side: int, rank: int = 0, world: int = 1) -> Iterator:
        """Inputs and labels of every batch of a process; several have them in turns."""
        lists = [range(first, min(first + self.batch, len(images))) for first in range(rank * self.batch, len(images), world * self.batch)]
        for pixels, labels in loaded(Batches(images, lists), self.workers):
            yield resize(self.transform(pixels.to(self.device)), side), labels.to(self.device)

    def inputs(self, images, side: int, rank: int = 0, world: int = 1) -> Iterator[Tensor]:
        return (x for x, _ in self.batches(images, side, rank, world))

    def adapt(self, net: Net, s: SubNet, rank: int = 0, world: int = 1) -> None:
        """Recomputes statistics, if there are images for it."""
        if self.calibration is not None and norms(net):
            recalibrate(net, s, self.inputs(self.calibration, s.side(self.side), rank, world), world)

    @torch.no_grad()
    def count(self, net: Net, s: SubNet, rank: int = 0, world: int = 1) -> int:
        """How good s is: how many images are right, or the mean quality in parts; of several processes each judges its share of the batches."""
        if self.task.from_original and not self.taught:
            original = SubNet(s.space)
            self.taught = [self.original(x, original).float() for x in self.inputs(self.images, self.side, rank, world)]
        was = net.training
        self.adapt(net, s, rank, world)
        net.eval()
        qualities = []
        for k, (x, labels) in enumerate(self.batches(self.images, s.side(self.side), rank, world)):
            out = net(x, s).float()
            out = out if self.task.exact else self.task.logits(out)
            qualities.append(float(self.task.quality(out, self.taught[k] if self.taught else labels).sum()))
        forget(net)
        net.train(was)
        return self.task.count(sum(gathered(qualities, world)), len(self.images))
