"""Operators that few networks have, as ONNX defines them."""

import torch
import torch.nn.functional as F
from torch import Tensor


def depth_to_space(x: Tensor, block: int) -> Tensor:
    """Blocks of positions made of channels; those of a block are the outermost channels."""
    n, c, h, w = x.shape
    x = x.reshape(n, block, block, c // block**2, h, w)
    return x.permute(0, 3, 4, 1, 5, 2).reshape(n, -1, h * block, w * block)


def space_to_depth(x: Tensor, block: int) -> Tensor:
    """Channels made of blocks of positions; those of a block are the outermost channels."""
    n, c, h, w = x.shape
    x = x.reshape(n, c, h // block, block, w // block, block)
    return x.permute(0, 3, 5, 1, 2, 4).reshape(n, -1, h // block, w // block)


def local_response(x: Tensor, size: int, alpha: float, beta: float, bias: float) -> Tensor:
    """Elements over a power of the mean square of neighbouring channels; of an even size, more of them come after."""
    squares = F.pad(x.square().unsqueeze(1), (0, 0, 0, 0, (size - 1) // 2, size // 2))
    return x / (bias + alpha * F.avg_pool3d(squares, (size, 1, 1), stride=1).squeeze(1)).pow(beta)


def cumulative_sum(x: Tensor, axis: int, exclusive: bool = False, reverse: bool = False) -> Tensor:
    """Sums up to each element, which is left out if exclusive; from the last element on if reverse."""
    total = x.flip(axis).cumsum(axis).flip(axis) if reverse else x.cumsum(axis)
    return total - x if exclusive else total


def hardmax(x: Tensor, axis: int) -> Tensor:
    """1 at the first of the largest elements along an axis, else 0."""
    return torch.zeros_like(x).scatter(axis, x.argmax(axis, keepdim=True), 1.0)


def swish(x: Tensor, alpha: float) -> Tensor:
    """x times the sigmoid of alpha times x."""
    return x * torch.sigmoid(alpha * x)


def rms_norm(x: Tensor, scale: Tensor, axis: int, eps: float) -> Tensor:
    """x over the root of its mean square along the axes from one on, times a scale."""
    dims = tuple(range(axis % x.dim(), x.dim()))
    return x * (x.square().mean(dims, keepdim=True) + eps).rsqrt() * scale
