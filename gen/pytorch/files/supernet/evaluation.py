"""Counts what SubNets classify correctly, with BatchNorm statistics recomputed for each."""

from typing import Callable, Dict, Iterator, List, Optional

import torch
from torch import Tensor

from .data import batches, resize
from .layers import BatchNorm, Net
from .subnet import SubNet

Batches = Callable[[], Iterator[Tensor]]


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

    def __init__(self, transform, images, calibration, side: int, device: torch.device, batch: int = 512, workers: Optional[int] = None) -> None:
        self.transform, self.images, self.calibration = transform, images, calibration
        self.side, self.device, self.batch, self.workers = side, device, batch, workers

    def batches(self, images, side: int, rank: int = 0, world: int = 1) -> Iterator:
        """Inputs and labels of every batch of a process; several have them in turns."""
        lists = [range(first, min(first + self.batch, len(images))) for first in range(rank * self.batch, len(images), world * self.batch)]
        for pixels, labels in batches(images, lists, self.workers):
            yield resize(self.transform(pixels.to(self.device)), side), labels.to(self.device)

    def inputs(self, images, side: int, rank: int = 0, world: int = 1) -> Iterator[Tensor]:
        return (x for x, _ in self.batches(images, side, rank, world))

    def adapt(self, net: Net, s: SubNet, rank: int = 0, world: int = 1) -> None:
        """Recomputes statistics, if there are images for it."""
        if self.calibration is not None and norms(net):
            recalibrate(net, s, self.inputs(self.calibration, s.side(self.side), rank, world), world)

    @torch.no_grad()
    def correct(self, net: Net, s: SubNet, rank: int = 0, world: int = 1) -> int:
        """How many images s classifies correctly; of several processes each counts its share of the batches."""
        was = net.training
        self.adapt(net, s, rank, world)
        net.eval()
        n = torch.zeros((), dtype=torch.int64, device=self.device)
        for x, labels in self.batches(self.images, s.side(self.side), rank, world):
            out = net(x, s).float()
            n += ((out.argmax(1) == labels) & ~out.isnan().any(1)).sum()
        forget(net)
        net.train(was)
        if world > 1:
            torch.distributed.all_reduce(n)
        return int(n)
