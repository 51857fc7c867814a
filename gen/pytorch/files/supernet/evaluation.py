"""Counts what SubNets classify correctly, with BatchNorm statistics recomputed for each."""

from typing import Callable, Dict, Iterator, Optional

import torch
from torch import Tensor

from .data import resize
from .layers import BatchNorm, Net
from .subnet import SubNet

Batches = Callable[[], Iterator[Tensor]]


def norms(net: Net):
    return [m for m in net.modules() if isinstance(m, BatchNorm)]


@torch.no_grad()
def recalibrate(net: Net, s: SubNet, batches: Iterator[Tensor]) -> None:
    """Sets the statistics of s: sample-weighted averages over batches that are each normalised by their own (OFA)."""
    net.eval()
    sums: Dict[str, list] = {}
    for m in norms(net):
        m.adapted, m.sums = None, sums.setdefault(m.statistics, [0.0, 0.0, 0])
    for x in batches:
        net(x, s)
    for m in norms(net):
        mean, var, n = m.sums
        m.sums = None
        if n:
            m.adapted = ((mean / n).float(), (var / n).float())


def forget(net: Net) -> None:
    """Goes back to the stored statistics."""
    for m in norms(net):
        m.adapted = None


class Evaluator:
    """Counts for one set of images, all on the same ones."""

    def __init__(self, transform, images, calibration, side: int, device: torch.device, batch: int = 512) -> None:
        self.transform, self.images, self.calibration = transform, images, calibration
        self.side, self.device, self.batch = side, device, batch

    def inputs(self, images, side: int) -> Iterator[Tensor]:
        for first in range(0, len(images), self.batch):
            pixels, _ = images.batch(range(first, min(first + self.batch, len(images))))
            yield resize(self.transform(pixels.to(self.device)), side)

    def adapt(self, net: Net, s: SubNet) -> None:
        """Recomputes statistics, if there are images for it."""
        if self.calibration is not None and norms(net):
            recalibrate(net, s, self.inputs(self.calibration, s.side(self.side)))

    @torch.no_grad()
    def correct(self, net: Net, s: SubNet, rank: int = 0, world: int = 1, progress: Optional[Callable[[int], None]] = None) -> int:
        """How many images s classifies correctly; of several processes each counts its share of the batches."""
        was = net.training
        self.adapt(net, s)
        net.eval()
        n = torch.zeros((), dtype=torch.int64, device=self.device)
        for k, first in enumerate(range(0, len(self.images), self.batch)):
            if k % world == rank:
                pixels, labels = self.images.batch(range(first, min(first + self.batch, len(self.images))))
                out = net(resize(self.transform(pixels.to(self.device)), s.side(self.side)), s).float()
                n += ((out.argmax(1) == labels.to(self.device)) & ~out.isnan().any(1)).sum()
                if progress:
                    progress(first + len(labels))
        forget(net)
        net.train(was)
        if world > 1:
            torch.distributed.all_reduce(n)
        return int(n)
