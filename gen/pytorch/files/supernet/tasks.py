"""What networks are for: how good outputs are, from 0 to 1 for each sample, and the loss that makes them better. gen/doc/tasks.md has the definitions, which
Go's runtime/train/data shares."""

import math
from typing import NamedTuple, Optional, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from . import losses

SMALLEST = 1e-7  # what probabilities count as at least, and 1 less at most, since a logarithm of 0 has no gradient
PARTS = 20_000  # what 1 is counted in where samples are not right or wrong


class Recipe(NamedTuple):
    """Settings of a training loss."""

    smoothing: float = 0.0  # of labels: classes share this much of the target
    distil: float = 0.0  # weight of the teacher's outputs, from 0 to 1; targets have the rest
    alpha: bool = False  # AlphaNet's adaptive divergence from the teacher


def means(values: Tensor, known: Tensor) -> Tensor:
    """The mean of those values of each sample that are known, 0 where none is."""
    values = torch.where(known, values, torch.zeros((), device=values.device))
    return values.reshape(len(values), -1).sum(1) / known.reshape(len(values), -1).sum(1).clamp_min(1)


def sound(rows: Tensor) -> Tensor:
    """Rows all of whose scores are numbers: others are never right."""
    return ~rows.isnan().any(-1)


class Task:
    """A task of labelled samples: the first output is judged by targets, whose first axis is that of samples."""

    metric, unit = "", ""
    worst = 0.0  # value of the metric at quality 0 where lower values are better; it is 0 where higher ones are
    exact = False  # whether each sample is right or wrong
    from_original = False  # whether targets are what the original computes
    of_logits = False  # whether outputs are logits: where a network ends with softmax or sigmoid, that is undone first
    end = ""  # "share" or "odds" where a network ends with one of these

    def __init__(self, targets: Optional[Tensor] = None) -> None:
        """targets are those of all samples, where a task looks at them."""

    def logits(self, out: Tensor) -> Tensor:
        """What a network computes as a task of logits takes it."""
        if not self.of_logits or not self.end:
            return out
        most = 1.0 if self.end == "share" else 1 - SMALLEST
        p = out + (out.clamp(SMALLEST, most) - out).detach()  # a clamp alone would have no gradient
        return p.log() if self.end == "share" else p.log() - (1 - p).log()

    def quality(self, out: Tensor, y: Tensor) -> Tensor:
        raise NotImplementedError

    def hard(self, out: Tensor, y: Tensor, r: Recipe) -> Tensor:
        """The loss of each sample."""
        raise NotImplementedError

    def soft(self, out: Tensor, teacher: Tensor, r: Recipe) -> Tensor:
        """That against a teacher's outputs."""
        raise NotImplementedError

    def loss(self, out: Tensor, y: Optional[Tensor], teacher: Optional[Tensor], r: Recipe) -> Tensor:
        """The mean loss of a batch."""
        weight = r.distil if teacher is not None else 0.0
        total = torch.zeros(len(out), device=out.device)
        if weight < 1:
            total = total + (1 - weight) * self.hard(out, y, r)
        if weight > 0:
            total = total + weight * self.soft(out, teacher, r)
        return total.mean()

    def count(self, qualities: float, n: int) -> int:
        """The sum of the qualities of n samples as tables have it."""
        return math.floor((qualities if self.exact else qualities / n * PARTS) + 0.5)

    def whole(self, n: int) -> int:
        """The count of n samples of the best quality."""
        return n if self.exact else PARTS

    def value(self, quality: float) -> float:
        """The metric's value."""
        return (1 - quality) * self.worst if self.worst else quality


class Scored(Task):
    """Rows of scores of classes [n, ..., classes], and a label for each row, below 0 where it is not known."""

    of_logits = True

    def hard(self, out: Tensor, y: Tensor, r: Recipe) -> Tensor:
        y = y.clamp_min(-1)
        return means(losses.cross_entropy(out, y, r.smoothing), y >= 0)

    def soft(self, out: Tensor, teacher: Tensor, r: Recipe) -> Tensor:
        return losses.divergence(out, teacher, r.alpha).view(len(out), -1).mean(1)


class Classification(Scored):
    """A sample is right whose class is one of the k with the highest scores; of equal ones the first count as higher."""

    metric, unit = "accuracy", "share of images"
    exact = True
    k = 1

    def quality(self, out: Tensor, y: Tensor) -> Tensor:
        own = out.gather(1, y[:, None])
        earlier = torch.arange(out.shape[1], device=out.device) < y[:, None]
        before = ((out > own) | (out == own) & earlier).sum(1)
        return ((before < self.k) & sound(out)).double()


class TopFive(Classification):
    metric, unit = "top-5", "share of images"
    k = 5


class TokenClassification(Scored):
    """The share of a sample's tokens that are right; 1 where no label is known."""

    metric, unit = "token accuracy", "share of tokens"

    def quality(self, out: Tensor, y: Tensor) -> Tensor:
        known, right = y >= 0, (out.argmax(-1) == y) & sound(out)
        return torch.where(known.any(1), means(right.double(), known), torch.ones((), dtype=torch.float64, device=out.device))


class LanguageModel(Scored):
    """The mean negative logarithm of the next tokens' probabilities, in nats, at most that of the vocabulary."""

    metric, unit = "nats per token", "nats, at most the logarithm of the vocabulary"
    worst = 1.0  # the logarithm of the vocabulary, once an output is known

    def quality(self, out: Tensor, y: Tensor) -> Tensor:
        self.worst = math.log(out.shape[-1])
        nats = self.hard(out.double(), y, Recipe())
        return (1 - (nats / self.worst).clamp_max(1)).nan_to_num(0)


class Labels(Task):
    """Several labels, of logits: the F1 of each sample. Targets below 0 are not known."""

    metric, unit = "F1", "mean F1 of samples"
    of_logits = True

    def quality(self, out: Tensor, y: Tensor) -> Tensor:
        known = y >= 0
        said, so = (out > 0) & known, (y >= 0.5) & known
        all_ = (said.sum(1) + so.sum(1)).double()
        f1 = torch.where(all_ > 0, 2 * (said & so).sum(1) / all_.clamp_min(1), torch.ones_like(all_))
        return f1 * ~(out.isnan() & known).any(1)

    def hard(self, out: Tensor, y: Tensor, r: Recipe) -> Tensor:
        return means(F.binary_cross_entropy_with_logits(out, y.clamp_min(0), reduction="none"), y >= 0)

    def soft(self, out: Tensor, teacher: Tensor, r: Recipe) -> Tensor:
        return losses.binary_divergence(out, teacher).flatten(1).mean(1)


class Regression(Task):
    """Values: the mean absolute error of a sample, relative to twice the standard deviation of all targets. Targets that are no numbers are not known."""

    metric, unit = "absolute error", "in the unit of the targets, at most twice their standard deviation"

    def __init__(self, targets: Optional[Tensor] = None) -> None:
        known = targets[~targets.isnan()].double() if targets is not None else torch.zeros(0)
        self.worst = 2 * float(known.std(unbiased=False)) if len(known) else 0.0
        self.worst = self.worst or 1.0

    def quality(self, out: Tensor, y: Tensor) -> Tensor:
        y = y.view_as(out)
        error = means((out.double() - y).abs(), ~y.isnan())
        return (1 - (error / self.worst).clamp_max(1)).nan_to_num(0)
    def hard(self, out: Tensor, y: Tensor, r: Recipe) -> Tensor:
        y = y.view_as(out)
        return means((out - y.nan_to_num(0)).square(), ~y.isnan())

    def soft(self, out: Tensor, teacher: Tensor, r: Recipe) -> Tensor:
        return self.hard(out, teacher, r)


class Embedding(Task):
    """Vectors: the cosine of the angle to the target, at least 0."""

    metric, unit = "cosine", "mean cosine of the angle to the target"

    def quality(self, out: Tensor, y: Tensor) -> Tensor:
        return losses.cosine(out.double().flatten(1), y.double().flatten(1)).clamp_min(0).nan_to_num(0)

    def hard(self, out: Tensor, y: Tensor, r: Recipe) -> Tensor:
        return 1 - losses.cosine(out.flatten(1), y.flatten(1))

    def soft(self, out: Tensor, teacher: Tensor, r: Recipe) -> Tensor:
        return self.hard(out, teacher, r)


def nearest(x: Tensor, first: int, grid: Sequence[int]) -> Tensor:
    """Maps, whose axes begin at first, at the positions of a grid: at (i+1/2)*from/to, rounded down."""
    for axis, n in enumerate(grid, first):
        old = x.shape[axis]
        if old != n:
            at = (2 * torch.arange(n, device=x.device) + 1) * old // (2 * n)
            x = x.index_select(axis, at.clamp_max(old - 1))
    return x


class Segmentation(Task):
    """Maps of classes, [n, classes, height, width] or with classes last, or one map that is class 1 where it is above 0. Labels below 0 are not known, nor
    are those of 255 where there is no such class. Each pixel of a target is judged by the position of the maps that it lies in."""

    metric, unit = "mean IoU", "mean over samples"
    of_logits = True
    UNLABELLED = 255

    def __init__(self, targets: Optional[Tensor] = None) -> None:
        self.grid = tuple(targets.shape[1:]) if targets is not None else ()

    def rows(self, out: Tensor, grid: Optional[Sequence[int]] = None) -> Tensor:
        """Scores [n, ..., classes] at the positions of a grid, or where they are. Classes are first, unless only the extents that are then left are
        not those of the targets, or of the same proportions."""
        alike = lambda extents: all(e * self.grid[0] == extents[0] * g for e, g in zip(extents, self.grid))
        last = not alike(out.shape[2:]) and alike(out.shape[1:-1])
        rows = out if last else out.movedim(1, -1)
        return nearest(rows, 1, grid if grid is not None else rows.shape[1:-1])

    def labels(self, rows: Tensor, y: Tensor) -> Tensor:
        classes = max(rows.shape[-1], 2)
        y = y.clamp_min(-1)
        return torch.where(y == self.UNLABELLED, -torch.ones_like(y), y) if classes <= self.UNLABELLED else y

    def quality(self, out: Tensor, y: Tensor) -> Tensor:
        rows = self.rows(out, y.shape[1:])
        y = self.labels(rows, y)
        best = rows.argmax(-1) if rows.shape[-1] > 1 else (rows[..., 0] > 0).long()
        best = torch.where(sound(rows), best, -torch.ones_like(best))
        return torch.stack([_iou(b[t >= 0], t[t >= 0], max(rows.shape[-1], 2)) for b, t in zip(best, y)])

    def hard(self, out: Tensor, y: Tensor, r: Recipe) -> Tensor:
        rows = self.rows(out, y.shape[1:])
        y = self.labels(rows, y)
        if rows.shape[-1] > 1:
            return means(losses.cross_entropy(rows, y, r.smoothing), y >= 0)
        return means(F.binary_cross_entropy_with_logits(rows[..., 0], y.clamp_min(0).float(), reduction="none"), y >= 0)

    def soft(self, out: Tensor, teacher: Tensor, r: Recipe) -> Tensor:
        its = self.rows(teacher)
        own = self.rows(out, its.shape[1:-1])
        rows = losses.divergence(own, its, r.alpha) if own.shape[-1] > 1 else losses.binary_divergence(own, its)
        return rows.flatten(1).mean(1)


def _iou(predicted: Tensor, labels: Tensor, classes: int) -> Tensor:
    """The mean over classes that one of both has; 1 where no label is known."""
    counts = lambda x: torch.bincount(x[x >= 0], minlength=classes).double()
    both = counts(torch.where(predicted == labels, labels, -torch.ones_like(labels)))
    either = counts(predicted) + counts(labels) - both
    return (both / either)[either > 0].mean() if len(labels) else torch.ones((), dtype=torch.float64, device=labels.device)


class Original(Task):
    """What the original computes: no labels. Scores of classes agree where the best class is the same; other outputs are compared by their relative
    distance."""

    metric, unit = "agreement", "with the original, from 0 to 1"
    from_original = True
    agreement = True

    def scores(self, out: Tensor) -> bool:
        return self.agreement and out.dim() == 2 and out.shape[1] > 1

    def quality(self, out: Tensor, y: Tensor) -> Tensor:
        if self.scores(out):
            return TokenClassification().quality(out[:, None], torch.where(sound(y), y.argmax(1), -torch.ones_like(y[:, 0], dtype=torch.int64))[:, None])
        own = self._at(out, y)
        return torch.zeros(len(out), dtype=torch.float64, device=out.device) if own is None else near(own.double().flatten(1), y.double().flatten(1))

    def _at(self, out: Tensor, y: Tensor) -> Optional[Tensor]:
        """The output at the positions of the original's, which maps of another resolution have, too; None where they cannot be compared."""
        if out.dim() == 4 and out.shape[:2] == y.shape[:2]:
            return nearest(out, 2, y.shape[2:])
        return out if out.shape == y.shape else None

    def loss(self, out: Tensor, y: Optional[Tensor], teacher: Optional[Tensor], r: Recipe) -> Tensor:
        if self.scores(out):
            return losses.divergence(out, teacher, r.alpha).mean()
        own = self._at(out, teacher)
        return losses.relative(own, teacher).mean() if own is not None else 0 * out.sum()


class Closeness(Original):
    metric, unit = "closeness", "1 less the relative distance from the original"
    agreement = False


def near(values: Tensor, original: Tensor) -> Tensor:
    """1 less the distance of rows from the original's, relative to their length, but at least 0. What is equal, or no number in both, does not differ."""
    same = (values == original) | (values.isnan() & original.isnan())
    broken = (~same & ~(values.isfinite() & original.isfinite())).any(1)
    zero = torch.zeros((), dtype=values.dtype, device=values.device)
    diff = torch.where(same, zero, values - original).norm(dim=1)
    norm = torch.where(original.isfinite(), original, zero).norm(dim=1)
    q = torch.where(diff == 0, torch.ones_like(diff), 1 - diff / norm.clamp_min(losses.SHORT)).clamp_min(0)
    return torch.where(broken, torch.zeros_like(q), q)


# Tasks with their metrics, the first of which is the default.
TASKS = {
    "classification": {"accuracy": Classification, "top-5": TopFive},
    "labels": {"F1": Labels},
    "regression": {"absolute error": Regression},
    "segmentation": {"mean IoU": Segmentation},
    "token classification": {"token accuracy": TokenClassification},
    "language model": {"nats per token": LanguageModel},
    "embedding": {"cosine": Embedding},
    "original": {"agreement": Original, "distance": Closeness},
}


def task(name: str, metric: str, targets: Optional[Tensor] = None, end: str = "") -> Task:
    """The task that a config names, "" for the defaults, of a network whose outputs end so, see Task.end."""
    kinds = TASKS[name or "classification"]
    out = kinds[metric or next(iter(kinds))](targets)
    out.end = end
    return out
