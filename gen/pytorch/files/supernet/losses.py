"""Losses of rows of numbers: one value for each row, as in Go's internal/quality. Means are taken by tasks.py."""

import torch
import torch.nn.functional as F
from torch import Tensor

TINY = 1e-30  # what probabilities count as at least
SHORT = 1e-8  # what a length counts as at least where it is divided by
CLIP = 5.0  # ratios of the adaptive divergence


def cross_entropy(scores: Tensor, labels: Tensor, smoothing: float = 0.0) -> Tensor:
    """Of scores [..., classes] and labels, of which those below 0 are not known: these have 0."""
    rows = F.cross_entropy(scores.flatten(0, -2), labels.flatten(), ignore_index=-1, label_smoothing=smoothing, reduction="none")
    return rows.view(labels.shape)


def divergence(scores: Tensor, teacher: Tensor, alpha: bool = False) -> Tensor:
    """Kullback and Leibler's divergence of scores [..., classes] from the teacher's, as probabilities. With alpha it is the larger of two (AlphaNet,
    Wang et al. 2021): another one, with the exponent -1, punishes what the student makes up, and its ratios are clipped to keep gradients calm."""
    log_q, p = F.log_softmax(scores, -1), F.softmax(teacher, -1)
    kl = (p * (p.clamp_min(TINY).log() - log_q)).sum(-1)
    if not alpha:
        return kl
    q = log_q.detach().exp()
    ratio = (q / p.clamp_min(TINY)).clamp_max(CLIP)
    value, slope = (q * (ratio / 2 - 0.5)).sum(-1), -(q * (0.5 - ratio) * log_q).sum(-1)
    return torch.where(value > kl, value + slope - slope.detach(), kl)


def binary_divergence(logits: Tensor, teacher: Tensor) -> Tensor:
    """That of each logit's probability from a teacher's."""
    total = torch.zeros_like(logits)
    for sign in (1, -1):
        p = torch.sigmoid(sign * teacher)
        total = total + p * (p.clamp_min(TINY).log() - F.logsigmoid(sign * logits))
    return total


def cosine(x: Tensor, y: Tensor) -> Tensor:
    """Of the angle between vectors in the last axis, 0 where one is zero."""
    return (x * y).sum(-1) / (x.norm(dim=-1) * y.norm(dim=-1)).clamp_min(SHORT)


def relative(values: Tensor, teacher: Tensor) -> Tensor:
    """The squared distance of values [n, ...] from those of a teacher, relative to the squared length of these. What is not finite does not count."""
    on = (values.isfinite() & teacher.isfinite()).flatten(1)
    values, teacher = (torch.where(on, t.flatten(1), torch.zeros((), device=t.device)) for t in (values, teacher))
    return (values - teacher).square().sum(1) / (teacher.square().sum(1) + 1e-6 * teacher.shape[1])
