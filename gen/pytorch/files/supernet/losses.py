"""What SubNets learn from: labels, and the soft outputs of a teacher."""

import torch
import torch.nn.functional as F
from torch import Tensor


def soft_cross_entropy(out: Tensor, teacher: Tensor) -> Tensor:
    """Cross entropy with the teacher's distribution (Hinton et al. 2015)."""
    return -(F.softmax(teacher, 1) * F.log_softmax(out, 1)).sum(1).mean()


def _alpha(log_q: Tensor, p: Tensor, alpha: float, clip: float):
    """The alpha-divergence of the student's distribution from the teacher's, and a surrogate with its gradient by log_q. Ratios of
    the distributions are bounded by clip to keep gradients calm."""
    q = log_q.exp().detach()
    ratio = p / q.clamp_min(1e-12)
    if alpha == 1:  # Kullback-Leibler
        ratio = ratio.clamp(0, clip)
        value, weight = ratio * ratio.clamp_min(1e-12).log(), ratio
    else:
        power = ratio.clamp_min(1e-12).pow(alpha).clamp(0, clip)
        scale = 1 / (alpha * (alpha - 1))
        value, weight = (power - 1) * scale, power / alpha + scale
    return (q * value).sum(1), -(q * weight * log_q).sum(1)


def adaptive_alpha_divergence(out: Tensor, teacher: Tensor, low: float = -1.0, high: float = 1.0, clip: float = 5.0) -> Tensor:
    """The larger of two alpha-divergences of each image: one punishes certainty that the teacher lacks, the other doubt that it has
    not (AlphaNet, Wang et al. 2021)."""
    log_q, p = F.log_softmax(out, 1), F.softmax(teacher, 1).detach()
    (a, grad_a), (b, grad_b) = _alpha(log_q, p, low, clip), _alpha(log_q, p, high, clip)
    return torch.where(a > b, grad_a, grad_b).mean()
