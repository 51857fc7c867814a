"""Draws the SubNets that a step of tuning trains: the same ones, for a seed, step and number in the step, as Go's runtime/train/tune."""

from typing import List, NamedTuple, Sequence, Tuple

import numpy as np

from .subnet import Choice, Space

STRATEGIES = ("compound", "progressive", "sandwich", "random")
MAX_TRIES = 16  # draws of a SubNet that its step has already
MASK = (1 << 64) - 1
GAMMA = 0x9E3779B97F4A7C15


class Rand:
    """splitmix64 (Steele, Lea and Flood, 2014), keyed as described in runtime/train/tune/rand.go."""

    def __init__(self, *key: int) -> None:
        self.state = 0
        for v in key:
            self.state ^= v & MASK
            self.state = self.next()

    def next(self) -> int:
        self.state = (self.state + GAMMA) & MASK
        z = self.state
        z = ((z ^ z >> 30) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ z >> 27) * 0x94D049BB133111EB) & MASK
        return z ^ z >> 31

    def many(self, n: int) -> np.ndarray:
        """The next n numbers at once."""
        z = np.arange(1, n + 1, dtype=np.uint64) * np.uint64(GAMMA) + np.uint64(self.state)
        self.state = (self.state + n * GAMMA) & MASK
        z = (z ^ z >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ z >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
        return z ^ z >> np.uint64(31)

    def below(self, n: int) -> int:
        return (self.next() >> 32) * n >> 32


def scope(name: str) -> str:
    """The stage of a choice, "" for choices of the whole net."""
    stage, found, _ = name.partition(".")
    return stage if found else ""


class Phase(NamedTuple):
    """A part of progressive shrinking: kinds with all candidates, and one kind that is limited to its largest ones."""

    full: Tuple[str, ...]
    growing: str
    limit: int

    def allows(self, c: Choice) -> int:
        if not scope(c.name) or c.kind in self.full:
            return len(c.values)
        return min(self.limit, len(c.values)) if c.kind == self.growing else 1


SHRINKING = ("kernel", "depth", "expand", "ratio", "heads", "qk", "value", "width")


def phases(choices: Sequence[Choice]) -> List[Phase]:
    """Kinds become elastic one after the other, one candidate more each time (once-for-all, Cai et al. 2020)."""
    longest, order = {}, list(SHRINKING)
    for c in choices:
        if scope(c.name):
            longest[c.kind] = max(longest.get(c.kind, 0), len(c.values))
            if c.kind not in order:
                order.append(c.kind)
    out, full = [], ()
    for kind in order:
        out += [Phase(full, kind, n) for n in range(2, longest.get(kind, 0) + 1)]
        full += (kind,) if longest.get(kind, 0) else ()
    return out


class Sampler:
    """compound draws a level for each stage that its choices follow together (CompOFA); progressive makes one kind of choice elastic
    after the other (OFA); sandwich draws the largest first, the smallest last and others in between at random (BigNAS), where the
    smallest has a resolution of chance; random draws every choice for itself."""

    def __init__(self, space: Space, strategy: str, seed: int, steps: int, per_step: int, one_side: bool = False) -> None:
        least = 2 if strategy == "sandwich" else 1
        if strategy not in STRATEGIES or per_step < least or steps < 1:
            raise ValueError(f"{strategy} with {per_step} SubNets in each of {steps} steps: want one of {' '.join(STRATEGIES)}, at least {least} SubNets and 1 step")
        self.space, self.strategy, self.seed, self.steps, self.per_step, self.one_side = space, strategy, seed, steps, per_step, one_side
        self.phases = phases(space.choices)
        self.levels = {}
        for c in space.choices:
            if scope(c.name):
                self.levels[scope(c.name)] = max(self.levels.get(scope(c.name), 0), len(c.values))

    def step(self, step: int) -> List[Tuple[int, ...]]:
        """The canonical genes of a step's SubNets, in the order in which they are trained."""
        out, shared = [], Rand(self.seed, step, MASK).next()
        for k in range(self.per_step):
            r = Rand(self.seed, step, k)
            for _ in range(MAX_TRIES):
                g = self.space.canonical(self._draw(r, step, k, shared))
                if g not in out:
                    break
            out.append(g)
        return out

    def _draw(self, r: Rand, step: int, k: int, shared: int) -> List[int]:
        choices = self.space.choices
        if self.strategy == "sandwich" and k == 0:
            return [0] * len(choices)
        if self.strategy == "sandwich" and k == self.per_step - 1:
            return [r.below(len(c.values)) if not scope(c.name) else len(c.values) - 1 for c in choices]
        levels = {s: r.below(n) for s, n in self.levels.items()} if self.strategy == "compound" else {}
        phase = self.phases[min(step * len(self.phases) // self.steps, len(self.phases) - 1)] if self.phases else Phase((), "", 0)
        g = []
        for i, c in enumerate(choices):
            n = phase.allows(c) if self.strategy == "progressive" else len(c.values)
            at = r.below(n)
            if not scope(c.name) and self.one_side:
                one = Rand()
                one.state = (shared + i) & MASK
                at = one.below(n)
            elif scope(c.name) and self.strategy == "compound":  # levels count from the smallest candidate, genes from the largest
                at = n - 1 - levels[scope(c.name)] * n // self.levels[scope(c.name)]
            g.append(at)
        return g
