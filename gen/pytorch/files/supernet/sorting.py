"""Sorts channels by importance, so that smaller SubNets, which keep the first ones, keep those that matter most (OFA, CompOFA).

Channels that are cut together form a group: all places of all tensors where they stand. A permutation of a whole group changes
nothing but the order of channels inside the net.
"""

from typing import Dict, List, NamedTuple, Tuple

import torch
from torch import Tensor



class Place(NamedTuple):
    """Where a group's channels stand on an axis of a tensor: channel i is at start + r*every + i*step + j, for each r below repeat and
    each j below step."""

    name: str
    axis: int
    start: int = 0
    repeat: int = 1
    every: int = 0
    step: int = 1
    reads: bool = False  # the tensor's operator sums over the axis: importance is measured by what reads a channel

    def positions(self, size: int) -> List[List[int]]:
        """Where each channel is on the axis."""
        return [[self.start + r * self.every + i * self.step + j for r in range(self.repeat) for j in range(self.step)] for i in range(size)]


class Group(NamedTuple):
    """Channels that are cut together."""

    size: int
    places: Tuple[Place, ...]


def importance(g: Group, tensors: Dict[str, Tensor]) -> Tensor:
    """The L1 norm of the weights that read each channel; of all its weights where none reads it."""
    total = torch.zeros(g.size, dtype=torch.float64)
    for p in [p for p in g.places if p.reads] or g.places:
        t = tensors[p.name].detach().double().cpu().abs()
        t = t.sum([k for k in range(t.dim()) if k != p.axis]) if t.dim() > 1 else t
        total += torch.stack([t[at].sum() for at in p.positions(g.size)])
    return total


@torch.no_grad()
def sort_channels(groups: List[Group], tensors: Dict[str, Tensor]) -> int:
    """Sorts every group by falling importance, in place. Returns how many stayed as they are because a tensor that the file stores
    once stands in several groups."""
    owner: Dict[Place, int] = {}
    clash = set()
    for k, g in enumerate(groups):
        for p in g.places:
            first = owner.setdefault(p._replace(reads=False), k)
            clash |= {first, k} if first != k else set()
    for k, g in enumerate(groups):
        if k in clash:
            continue
        new = importance(g, tensors).argsort(descending=True, stable=True).tolist()
        for p in dict.fromkeys(p._replace(reads=False) for p in g.places):  # a tensor that is stored once may stand twice
            t, at = tensors[p.name], p.positions(g.size)
            index = list(range(t.shape[p.axis]))
            for to, source in zip(at, new):
                for a, b in zip(to, at[source]):
                    index[a] = b
            t.copy_(t.index_select(p.axis, torch.tensor(index, device=t.device)))
    return len(clash)
