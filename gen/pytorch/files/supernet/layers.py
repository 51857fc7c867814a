"""Elastic layers: each holds the SuperNet's full tensors and runs with the part of them that a SubNet uses.

A part is a view where it is one range of positions, else an index_select; gradients flow back into the full tensors. Tensors are
stored as in the ONNX file and named by its initializers.
"""

from functools import lru_cache
from typing import Container, Dict, List, NamedTuple, Optional, Tuple, Union

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Pick(NamedTuple):
    """Positions that are kept of a structured axis, such as heads x head width."""

    full: int
    kept: Tuple[int, ...]


def prefix(full: int, keep: int) -> Pick:
    """The first positions."""
    return Pick(full, tuple(range(keep)))


def centre(full: int, keep: int) -> Pick:
    """The positions in the middle."""
    start = (full - keep) // 2
    return Pick(full, tuple(range(start, start + keep)))


@lru_cache(maxsize=None)
def product(*factors: Pick) -> Pick:
    """Nested axes, the outermost first."""
    full, kept = 1, (0,)
    for f in factors:
        full, kept = full * f.full, tuple(o * f.full + i for o in kept for i in f.kept)
    return Pick(full, kept)


@lru_cache(maxsize=None)
def concat(*terms: Pick) -> Pick:
    """Axes one after the other, such as q, k and v."""
    full, kept = 0, ()
    for t in terms:
        full, kept = full + t.full, kept + tuple(full + i for i in t.kept)
    return Pick(full, kept)


class Grid(NamedTuple):
    """A positional axis: positions of their own, then a square map of one side that is resized to another."""

    prefix: int
    side: int
    to: int


Keep = Union[None, int, Pick, Grid]


@lru_cache(maxsize=None)
def _index(kept: Tuple[int, ...], device: torch.device) -> Tensor:
    return torch.tensor(kept, device=device)


def cut(t: Tensor, axis: int, keep: Keep) -> Tensor:
    """The part of t that keep tells, along axis."""
    if keep is None:
        return t
    if isinstance(keep, Grid):
        return _resize_map(t, axis, keep)
    if isinstance(keep, int):
        return t.narrow(axis, 0, keep) if keep != t.shape[axis] else t
    start, n = keep.kept[0], len(keep.kept)
    if keep.kept == tuple(range(start, start + n)):
        return t.narrow(axis, start, n)
    return t.index_select(axis, _index(keep.kept, t.device))


def _resize_map(t: Tensor, axis: int, g: Grid) -> Tensor:
    """Bilinear, with a filter as wide as the shrinking (timm, resample_abs_pos_embed, has another filter)."""
    if g.side == g.to:
        return t
    own, rest = t.split([g.prefix, g.side * g.side], axis)
    rest = rest.movedim(axis, -1)
    maps = rest.reshape(1, -1, g.side, g.side)
    maps = F.interpolate(maps, (g.to, g.to), mode="bilinear", antialias=True, align_corners=False)
    rest = maps.reshape(*rest.shape[:-1], g.to * g.to).movedim(-1, axis)
    return torch.cat((own, rest), axis)


class Layer(nn.Module):
    """A module whose tensors have names in the ONNX file."""

    def __init__(self) -> None:
        super().__init__()
        self.onnx: Dict[str, str] = {}  # attribute -> name of the initializer

    def add(self, attr: str, name: Optional[str], shape: Tuple[int, ...], dtype: torch.dtype = torch.float32, trained: bool = True) -> None:
        if name is None:
            self.register_parameter(attr, None)
            return
        self.onnx[attr] = name
        value = torch.zeros(shape, dtype=dtype)
        if trained and dtype.is_floating_point:
            self.register_parameter(attr, nn.Parameter(value))
        else:
            self.register_buffer(attr, value)


class Conv(Layer):
    """A convolution, dense, grouped or depthwise, of any spatial rank. Pads are begins, then ends."""

    def __init__(self, weight: str, *shape: int, bias: Optional[str] = None, stride=1, padding=0, dilation=1, groups: int = 1, auto_pad: str = "", windows: Tuple[int, ...] = ()) -> None:
        super().__init__()
        self.windows = windows  # sides of the smaller ones that SubNets may have
        self.add("weight", weight, shape)
        self.add("bias", bias, shape[:1])
        rank = len(shape) - 2
        self.stride, self.dilation, self.groups, self.auto_pad = _each(stride, rank), _each(dilation, rank), groups, auto_pad
        self.padding = _each(padding, 2 * rank)

    def forward(self, x: Tensor, cout: Keep = None, cin: Keep = None, group: Optional[int] = None, groups: Optional[int] = None, kernel: Optional[int] = None) -> Tensor:
        """cout and cin are kept channels, group the channels of a depthwise convolution, kernel the side of the window's centre."""
        if group is not None:
            cout = groups = group
        w = cut(cut(self.weight, 0, cout), 1, cin)
        b = self.bias if self.bias is None else cut(self.bias, 0, cout)
        pads, rank = self.padding, w.dim() - 2
        if kernel is not None:
            less = [(step * ((full - kernel) // 2), step * (full - kernel - (full - kernel) // 2)) for step, full in zip(self.dilation, w.shape[2:])]
            pads = tuple(p - l for p, l in zip(pads, [a for a, _ in less] + [b for _, b in less]))
            w = self._window(w, kernel)
        if self.auto_pad:
            pads = auto_pads(self.auto_pad, x.shape[2:], w.shape[2:], self.stride, self.dilation)
        x, pads = _pad(x, pads, 0.0)
        conv = (F.conv1d, F.conv2d, F.conv3d)[rank - 1]
        return conv(x, w, b, self.stride, pads, self.dilation, self.groups if groups is None else groups)

    def _window(self, w: Tensor, side: int) -> Tensor:
        """The smaller window: by its kernel transform, or the middle where there is none."""
        transform = getattr(self, f"kernel{side}", None)
        if transform is not None:
            return (w.flatten(2) @ transform.t()).reshape(*w.shape[:2], *(side,) * (w.dim() - 2))
        for axis in range(2, w.dim()):
            w = cut(w, axis, centre(w.shape[axis], side))
        return w

    def transform(self, side: int) -> str:
        """The name of the smaller window's kernel transform in the ONNX file."""
        return f"{self.onnx['weight']}.kernel{'x'.join([str(side)] * (self.weight.dim() - 2))}"

    def learn(self, side: int) -> None:
        """Gives the smaller window a kernel transform: every tap is a linear function of all taps of the whole window, the same for all
        channels (once-for-all, Cai et al. 2020, whose matrices map the middle of the next larger one). At first it keeps the middle."""
        full = self.weight.shape[2:]
        taps = torch.arange(full.numel()).reshape(full)
        for axis, n in enumerate(full):
            taps = cut(taps, axis, centre(n, side))
        self.add(f"kernel{side}", self.transform(side), (taps.numel(), full.numel()))
        with torch.no_grad():
            getattr(self, f"kernel{side}")[torch.arange(taps.numel()), taps.flatten()] = 1.0
        self.to(self.weight.device)


class Linear(Layer):
    """y = alpha*x*W + beta*bias over the last axis. The weight is stored [out, in], or [in, out] when out_axis is 1."""

    def __init__(self, weight: str, *shape: int, bias: Optional[str] = None, out_axis: int = 0, alpha: float = 1.0, beta: float = 1.0) -> None:
        super().__init__()
        self.out_axis, self.alpha, self.beta = out_axis, alpha, beta
        self.add("weight", weight, shape)
        self.add("bias", bias, (shape[out_axis],))

    def forward(self, x: Tensor, cout: Keep = None, cin: Keep = None) -> Tensor:
        w = cut(cut(self.weight, self.out_axis, cout), 1 - self.out_axis, cin)
        w = w.t() if self.out_axis == 1 else w
        b = self.bias if self.bias is None else cut(self.bias, 0, cout)
        w = w if self.alpha == 1 else self.alpha * w
        return F.linear(x, w, b if b is None or self.beta == 1 else self.beta * b)


class BatchNorm(Layer):
    """Batch normalisation of axis 1.

    In training it normalises by the batch's own statistics and leaves the stored ones alone, because SubNets of other widths share
    them. Otherwise it uses adapted statistics where evaluation.recalibrate has set them, else the stored ones. Layers of one statistics
    name are one normalisation that is used several times.
    """

    def __init__(self, prefix: str, channels: int, eps: float = 1e-5, names: Optional[Tuple[str, str, str, str]] = None, own: Optional[str] = None) -> None:
        super().__init__()
        scale, bias, mean, var = names or tuple(f"{prefix}.{n}" for n in ("weight", "bias", "running_mean", "running_var"))
        self.statistics = own or mean  # own is said where the file stores equal tensors of several normalisations once
        self.add("weight", scale, (channels,))
        self.add("bias", bias, (channels,))
        self.add("mean", mean, (channels,), trained=False)
        self.add("var", var, (channels,), trained=False)
        self.eps = eps
        self.sums: Optional[list] = None  # of mean, variance and samples, while statistics are gathered
        self.adapted: Optional[Tuple[Tensor, Tensor]] = None
        self.keep: Keep = None  # of the last forward

    def forward(self, x: Tensor, keep: Keep = None) -> Tensor:
        w, b = cut(self.weight, 0, keep), cut(self.bias, 0, keep)
        if self.training:
            return F.batch_norm(x, None, None, w, b, True, 0.0, self.eps)
        self.keep = keep
        if self.sums is not None:
            self._gather(x)
            return F.batch_norm(x, None, None, w, b, True, 0.0, self.eps)
        mean, var = self.adapted or (cut(self.mean, 0, keep), cut(self.var, 0, keep))
        return F.batch_norm(x, mean, var, w, b, False, 0.0, self.eps)

    def _gather(self, x: Tensor) -> None:
        """Adds the batch's mean and biased variance, weighted by its samples (OFA, set_running_statistics)."""
        n = x.shape[0]
        var, mean = torch.var_mean(x.detach().float(), [0] + list(range(2, x.dim())), unbiased=False)
        for k, v in enumerate((mean.double() * n, var.double() * n, n)):
            self.sums[k] = self.sums[k] + v

    def store(self) -> None:
        """Makes the adapted statistics the stored ones, at the positions that were used."""
        if self.adapted is not None:
            for full, part in zip((self.mean, self.var), self.adapted):
                cut(full, 0, self.keep).copy_(part) if not isinstance(self.keep, Pick) else full.index_copy_(0, _index(self.keep.kept, full.device), part)
        self.adapted = None


class LayerNorm(Layer):
    """Layer normalisation of the axes from axis on."""

    def __init__(self, weight: str, channels: int, bias: Optional[str] = None, axis: int = -1, eps: float = 1e-5) -> None:
        super().__init__()
        self.axis, self.eps = axis, eps
        self.add("weight", weight, (channels,))
        self.add("bias", bias, (channels,))

    def forward(self, x: Tensor, keep: Keep = None) -> Tensor:
        shape = x.shape[self.axis:]
        w = cut(self.weight, 0, keep).expand(shape)
        b = self.bias if self.bias is None else cut(self.bias, 0, keep).expand(shape)
        return F.layer_norm(x, shape, w, b, self.eps)


class Param(Layer):
    """A tensor of its own: positional embeddings, layer scales, tables of indices."""

    def __init__(self, name: str, *shape: int, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.add("value", name, shape, dtype)

    def forward(self, keep: Optional[Dict[int, Keep]] = None) -> Tensor:
        """keep tells by axis what is kept."""
        t = self.value
        for axis, k in (keep or {}).items():
            t = cut(t, axis, k)
        return t


class Pool(nn.Module):
    """A windowed pooling, kind "max" or "average"."""

    def __init__(self, kind: str, kernel: Tuple[int, ...], stride=1, padding=0, dilation=1, ceil_mode: bool = False, count_pad: bool = False, auto_pad: str = "") -> None:
        super().__init__()
        rank = len(kernel)
        self.kind, self.kernel, self.stride, self.dilation = kind, kernel, _each(stride, rank), _each(dilation, rank)
        self.padding, self.ceil_mode, self.count_pad, self.auto_pad = _each(padding, 2 * rank), ceil_mode, count_pad, auto_pad

    def forward(self, x: Tensor) -> Tensor:
        rank, pads = len(self.kernel), self.padding
        if self.auto_pad:
            pads = auto_pads(self.auto_pad, x.shape[2:], self.kernel, self.stride, self.dilation)
        if self.kind == "max":
            x, pads = _pad(x, pads, float("-inf"))
            return (F.max_pool1d, F.max_pool2d, F.max_pool3d)[rank - 1](x, self.kernel, self.stride, pads, self.dilation, self.ceil_mode)
        pool = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)[rank - 1]
        if pads[:rank] == pads[rank:]:
            return pool(x, self.kernel, self.stride, pads[:rank], self.ceil_mode, self.count_pad)
        y, inner = _pad(x, pads, 0.0)
        y = pool(y, self.kernel, self.stride, inner, self.ceil_mode)
        if self.count_pad:
            return y
        ones, inner = _pad(torch.ones_like(x[:1, :1]), pads, 0.0)
        return y / pool(ones, self.kernel, self.stride, inner, self.ceil_mode)


def global_average(x: Tensor) -> Tensor:
    """The mean over space, whose axes stay with size 1."""
    return x.mean(tuple(range(2, x.dim())), keepdim=True)


def global_max(x: Tensor) -> Tensor:
    """The maximum over space, whose axes stay with size 1."""
    return x.amax(tuple(range(2, x.dim())), keepdim=True)


def flatten(x: Tensor, axis: int) -> Tensor:
    """A matrix: the axes before axis times the axes from axis on."""
    rows = 1
    for n in x.shape[:axis]:
        rows *= n
    return x.reshape(rows, -1)


def _each(value, n: int) -> Tuple[int, ...]:
    return (value,) * n if isinstance(value, int) else tuple(value)


def auto_pads(mode: str, size, kernel, stride, dilation) -> Tuple[int, ...]:
    """ONNX's auto_pad: begins, then ends."""
    begin, end = [], []
    for n, k, s, d in zip(size, kernel, stride, dilation):
        total = 0 if mode == "VALID" else max((-(-n // s) - 1) * s + (k - 1) * d + 1 - n, 0)
        small, large = total // 2, total - total // 2
        begin.append(large if mode == "SAME_LOWER" else small)
        end.append(small if mode == "SAME_LOWER" else large)
    return tuple(begin + end)


def _pad(x: Tensor, pads: Tuple[int, ...], value: float):
    """Pads x where begins and ends differ; returns what the operator is to pad itself."""
    rank = len(pads) // 2
    begin, end = pads[:rank], pads[rank:]
    if begin == end and min(begin) >= 0:
        return x, begin
    flat = [n for b, e in zip(reversed(begin), reversed(end)) for n in (b, e)]
    return F.pad(x, flat, value=value), (0,) * rank


class Net(nn.Module):
    """A SuperNet: layers whose tensors are read from and written to an ONNX file by name."""

    def tie(self) -> None:
        """Makes tensors that the file stores once one tensor."""
        seen: Dict[str, Tensor] = {}
        for layer in self.layers():
            for attr, name in layer.onnx.items():
                if name in seen and isinstance(getattr(layer, attr), nn.Parameter) == isinstance(seen[name], nn.Parameter):
                    setattr(layer, attr, seen[name])
                seen.setdefault(name, getattr(layer, attr))

    def layers(self):
        return (m for m in self.modules() if isinstance(m, Layer))

    def twofold(self) -> List[str]:
        """Names of tensors that the file stores once, and that are both trained and not: equal weights and statistics."""
        kinds: Dict[str, set] = {}
        for layer in self.layers():
            for attr, name in layer.onnx.items():
                kinds.setdefault(name, set()).add(isinstance(getattr(layer, attr), nn.Parameter))
        return [name for name, both in kinds.items() if len(both) == 2]

    def learn_transforms(self, names: Optional[Container[str]] = None) -> None:
        """Gives all smaller windows kernel transforms, or those whose names are given."""
        for layer in self.layers():
            for side in layer.windows if isinstance(layer, Conv) else ():
                name = layer.transform(side)
                if name not in layer.onnx.values() and (names is None or name in names):
                    layer.learn(side)
        self.tie()

    def transforms(self) -> Dict[str, Tensor]:
        """The kernel transforms by their names in the ONNX file, which has them only when they were learned."""
        return {layer.onnx[a]: getattr(layer, a) for layer in self.layers() for a in layer.onnx if a.startswith("kernel")}

    def initializers(self) -> Dict[str, Tensor]:
        """The tensors by their names in the ONNX file."""
        out: Dict[str, Tensor] = {}
        for layer in self.layers():
            for attr, name in layer.onnx.items():
                out.setdefault(name, getattr(layer, attr))
        return out

    def load(self, tensors: Dict[str, Tensor]) -> "Net":
        """Takes the values of all tensors, kernel transforms among them; what is missing or has another shape is reported at once."""
        self.learn_transforms(tensors)
        wrong = []
        for name, t in ((name, getattr(layer, attr)) for layer in self.layers() for attr, name in layer.onnx.items()):
            if name not in tensors:
                wrong.append(f"{name}: missing")
            elif tuple(tensors[name].shape) != tuple(t.shape):
                wrong.append(f"{name}: shape {tuple(tensors[name].shape)}, want {tuple(t.shape)}")
            else:
                with torch.no_grad():
                    t.copy_(tensors[name])
        wrong = list(dict.fromkeys(wrong))
        if wrong:
            more = f"; and {len(wrong) - 8} more" if len(wrong) > 8 else ""
            raise ValueError("these weights are of another model: " + "; ".join(wrong[:8]) + more)
        return self
