#!/usr/bin/env python3
"""make.py DIR: exports small networks with the same weights for images of several sides, as NAME_SIDE.onnx.

What the largest one's constants should be at another side is what the exporter writes there. PyTorch traces sizes as numbers, so extents,
indices and coordinates become constants.
"""
import os
import shutil
import sys

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from torch import nn

C = 8


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, C, 3, 2, 1), nn.ReLU())
        self.body = nn.Sequential(nn.Conv2d(C, C, 3, 1, 1), nn.ReLU())
        self.down = nn.Sequential(nn.Conv2d(C, C, 3, 2, 1), nn.ReLU())
        self.more = nn.Sequential(nn.Conv2d(C, C, 3, 2, 1), nn.ReLU())
        self.up = nn.ConvTranspose2d(C, C, 2, 2)
        self.mix = nn.Conv2d(2 * C, C, 1)
        self.head = nn.Linear(C, 5)
        self.box = nn.Conv2d(C, 4, 1)
        self.lin = nn.Linear(C, C)
        self.norm = nn.LayerNorm(C)
        self.coord = nn.Conv2d(C + 2, C, 1)

    def pooled(self, x):
        return self.head(x.mean((2, 3)))


def grid(x, scale=1.0):
    """Coordinates as one constant, as simplifiers leave them."""
    h, w = (int(v) for v in x.shape[2:])
    return torch.from_numpy((np.stack(np.meshgrid(np.arange(w), np.arange(h))) * scale).astype(np.float32)[None])


class GridRange(Net):  # coordinates from ranges, in the graph
    def forward(self, x):
        y = self.body(self.stem(x))
        h, w = y.shape[2:]
        ys, xs = torch.meshgrid(torch.arange(h), torch.arange(w), indexing="ij")
        return self.box(y)[:, :2] + (torch.stack((xs, ys)).float().unsqueeze(0) + 0.5) * 2


class GridAdd(Net):  # centres in pixels, as FCOS
    def forward(self, x):
        y = self.body(self.stem(x))
        return self.box(y)[:, :2] + torch.from_numpy((grid(y).numpy() + 0.5) * 2)


class Anchors(Net):  # YOLOv8: points and strides of three levels, in one list
    def forward(self, x):
        a = self.stem(x)
        b = self.down(a)
        c = self.more(b)
        levels = [a, b, c]
        box = torch.cat([self.box(v).flatten(2) for v in levels], 2)
        points = torch.from_numpy(np.concatenate([grid(v).numpy().reshape(1, 2, -1) + np.float32(0.5) for v in levels], 2))
        strides = torch.from_numpy(np.concatenate([np.full((1, v.shape[2] * v.shape[3]), s, np.float32) for v, s in zip(levels, (2, 4, 8))], 1))
        lt, rb = box.chunk(2, 1)
        return torch.cat(((points + rb + points - lt) / 2, rb + lt), 1) * strides


class V5(Net):  # YOLOv5: anchors of three shapes on a grid
    def __init__(self):
        super().__init__()
        self.out = nn.Conv2d(C, 18, 1)

    def forward(self, x):
        y = self.down(self.body(self.stem(x)))
        b, _, h, w = (int(v) for v in self.out(y).shape)
        z = self.out(y).view(b, 3, 6, h, w).permute(0, 1, 3, 4, 2).contiguous().sigmoid()
        g = torch.from_numpy(np.ascontiguousarray(grid(y).numpy().transpose(0, 2, 3, 1))[:, None])
        size = torch.tensor([[1.0, 2], [3, 4], [5, 6]]).view(1, 3, 1, 1, 2)
        xy = (z[..., 0:2] * 2 - 0.5 + g) * 4
        wh = (z[..., 2:4] * 2) ** 2 * size
        return torch.cat((xy, wh, z[..., 4:]), -1).view(b, -1, 6)


class Priors(Net):  # SSD: centres as shares of the image
    def forward(self, x):
        y = self.stem(x)
        return self.box(y)[:, :2] * 0.1 + torch.from_numpy(((grid(y).numpy() + 0.5) / int(y.shape[2])).astype(np.float32))


class CoordConv(Net):
    def forward(self, x):
        y = self.stem(x)
        return self.pooled(self.coord(torch.cat((y, torch.from_numpy((grid(y).numpy() * 2 / (int(y.shape[2]) - 1) - 1).astype(np.float32))), 1)))


class PixelCoord(Net):
    def forward(self, x):
        y = self.stem(x)
        return self.pooled(self.coord(torch.cat((y, grid(y)), 1)))


class V3(Net):  # YOLOv3: anchors of three shapes for each position, in one list
    def __init__(self):
        super().__init__()
        self.out = nn.Conv2d(C, 12, 1)

    def forward(self, x):
        y = self.stem(x)
        g = grid(y).numpy().transpose(0, 2, 3, 1)
        table = np.concatenate([np.concatenate((g * 2, np.full_like(g, s)), 3)[:, :, :, None] for s in (3, 5, 9)], 3)
        return self.out(y).permute(0, 2, 3, 1).reshape(1, -1, 4) + torch.from_numpy(np.ascontiguousarray(table).reshape(1, -1, 4))


class RandomAnchors(Net):  # learned shifts of each position, added to a result
    def forward(self, x):
        y = self.box(self.stem(x)).flatten(2).transpose(1, 2)
        return y + torch.from_numpy(np.random.RandomState(1).rand(1, y.shape[1], 4).astype(np.float32))


class FlatIndex(Net):  # the number of each position in its map
    def forward(self, x):
        y = self.box(self.stem(x)).flatten(2)
        return y[:, :1] + torch.from_numpy(np.arange(y.shape[2], dtype=np.float32).reshape(1, 1, -1))


class Norm(Net):  # weights of a normalisation, spread over all positions
    def forward(self, x):
        y = self.stem(x).flatten(2).transpose(1, 2)
        w = torch.from_numpy(np.tile(np.linspace(0.5, 1.5, C, dtype=np.float32), (y.shape[1], 1)))
        return self.head((self.lin((y - y.mean(2, keepdim=True)) * w)).mean(1))


class Spread(Net):  # constants that are the same at all positions
    def forward(self, x):
        y = self.stem(x)
        s = np.ones((1, C, *y.shape[2:]), np.float32)
        return self.pooled(self.body(y * torch.from_numpy(s * 0.7) + torch.from_numpy(s * np.arange(C, dtype=np.float32).reshape(1, C, 1, 1))))


class LastRow(Net):
    def forward(self, x):
        y = self.body(self.stem(x))
        return self.head(y[:, :, y.shape[2] - 1].mean(2))


class LastRowFromEnd(Net):
    def forward(self, x):
        y = self.body(self.stem(x))
        return self.head(y[:, :, -1].mean(2) + y[:, :, 0].mean(2))


class Half(Net):
    def forward(self, x):
        y = self.body(self.stem(x))
        return self.pooled(y[:, :, y.shape[2] // 2:])


class Margin(Net):
    def forward(self, x):
        y = self.body(self.stem(x))
        return self.pooled(y[:, :, 2:-2, 1:])


class Crop(Net):  # U-Net with borders cut off, by numbers
    def forward(self, x):
        y = self.stem(x)
        z = self.up(self.down(F.pad(y, (2, 2, 2, 2))))
        d = (z.shape[2] - y.shape[2]) // 2
        return self.pooled(self.mix(torch.cat((y, z[:, :, d:d + y.shape[2], d:d + y.shape[3]]), 1)))


class Focus(Net):
    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(12, C, 3, 1, 1)

    def forward(self, x):
        return self.pooled(self.first(torch.cat((x[..., ::2, ::2], x[..., 1::2, ::2], x[..., ::2, 1::2], x[..., 1::2, 1::2]), 1)))


class Roll(Net):  # Swin's windows of 4, shifted by 1
    def forward(self, x):
        y = self.stem(x).permute(0, 2, 3, 1)
        _, h, w, c = (int(v) for v in y.shape)
        y = torch.roll(y, (-1, -1), (1, 2)).view(1, h // 4, 4, w // 4, 4, c).permute(0, 1, 3, 2, 4, 5).reshape(-1, 16, c)
        y = self.lin(y).softmax(1).view(1, h // 4, w // 4, 4, 4, c).permute(0, 1, 3, 2, 4, 5).reshape(1, h, w, c)
        return self.pooled(torch.roll(y, (1, 1), (1, 2)).permute(0, 3, 1, 2))


class Mean(Net):  # by the number of positions
    def forward(self, x):
        y = self.body(self.stem(x))
        return self.head(y.sum((2, 3)) / (y.shape[2] * y.shape[3]))


class NonLocal(Net):
    def forward(self, x):
        y = self.stem(x).flatten(2)
        f = y.transpose(1, 2) @ y / y.shape[2]
        return self.head((y @ f).mean(2))


class Resize(Net):
    def forward(self, x):
        y = self.stem(x)
        z = F.interpolate(self.more(self.down(y)), size=y.shape[2:], mode="nearest")
        return self.pooled(self.mix(torch.cat((y, z), 1)))


class Pooled(Net):  # a window as large as the map
    def forward(self, x):
        y = self.more(self.down(self.stem(x)))
        return self.head(F.avg_pool2d(y, tuple(int(v) for v in y.shape[2:])).flatten(1))


class Same(Net):  # TensorFlow's padding, computed from extents
    def forward(self, x):
        y = self.stem(x)
        for _ in range(2):
            h, w = y.shape[2:]
            ph, pw = max((-(-h // 2) - 1) * 2 + 3 - h, 0), max((-(-w // 2) - 1) * 2 + 3 - w, 0)
            y = F.relu(F.conv2d(F.pad(y, (pw // 2, pw - pw // 2, ph // 2, ph - ph // 2)), self.body[0].weight, self.body[0].bias, 2))
        return self.pooled(y)


def pad_same(y, k, s, value=0.0):
    """timm's padding: nothing for maps that the windows cover, which the exporter writes down all the same."""
    h, w = (int(v) for v in y.shape[2:])
    ph, pw = max((-(-h // s) - 1) * s + k - h, 0), max((-(-w // s) - 1) * s + k - w, 0)
    return F.pad(y, (pw // 2, pw - pw // 2, ph // 2, ph - ph // 2), value=value)


class OwnPad(Net):  # ElasticViT's shortcuts: the padding of a pooling is computed, beside layers that round up; joined by channels, then by elements
    def forward(self, x):
        def pool(y): return F.avg_pool2d(y, 2, padding=int(y.shape[2]) % 2)
        y = self.stem(x)
        y = self.mix(torch.cat((self.body(pool(y)), self.down(y) * self.down(y).sigmoid()), 1))
        y = self.more(y) + self.body(pool(y))
        return self.pooled(self.down(y) + pool(y))


class OwnPadShape(OwnPad):  # the same in a network that computes numbers of extents, so that it is read anew at each side
    def pooled(self, x):
        return self.head(x.flatten(2).mean(2))


class OwnPadMap(Net):  # ElasticViT: tokens become a map again, whose extents the exporter writes down, before shortcuts whose maps are even at 32 and 24 pixels
    def forward(self, x):
        def pool(y): return F.avg_pool2d(y, 2, padding=int(y.shape[2]) % 2)
        for conv in (self.down, self.more):
            y = conv(x) + self.body(pool(x)) if conv is self.more else self.body(self.stem(x))
            h, w = (int(v) for v in y.shape[2:])
            t = y.flatten(2).transpose(1, 2)
            x = (t + self.lin(self.norm(t))).transpose(1, 2).reshape(-1, C, h, w)
        return self.head((self.down(x) + pool(x)).flatten(2).mean(2))


class SamePool(Net):  # nothing tells at which end an odd map is padded
    def forward(self, x):
        y = self.down(self.stem(x))
        return self.pooled(self.more(y) + self.body(F.avg_pool2d(pad_same(y, 2, 2), 2, 2)))


class SameAlone(Net):  # nothing tells that it is padded at all
    def forward(self, x):
        return self.pooled(self.body(F.avg_pool2d(pad_same(self.down(self.stem(x)), 2, 2), 2, 2)))


class PadNothing(Net):  # a pooling without padding, as PyTorch writes it, beside one that rounds down
    def forward(self, x):
        y = self.down(self.stem(x))
        return self.pooled(F.avg_pool2d(y, 2) + F.max_pool2d(self.body(y), 2, 2))


class Sample(Net):
    def forward(self, x):
        y = self.stem(x)
        h, w = y.shape[2:]
        ys, xs = torch.meshgrid(torch.linspace(-1, 1, h) ** 3, torch.linspace(-1, 1, w) ** 3, indexing="ij")
        return self.pooled(self.body(F.grid_sample(y, torch.stack((xs, ys), -1).unsqueeze(0), align_corners=True)))


class Flip(Net):
    def forward(self, x):
        y = self.stem(x)
        return self.pooled(self.body(y + y.flip(3)))


class Best(Net):  # the best positions of a list
    def forward(self, x):
        y = self.box(self.stem(x)).flatten(2)
        return y[:, 0].topk(5)[0]


class Sorted(Net):
    def forward(self, x):
        y = self.box(self.stem(x)).flatten(2)
        v = y[:, 0].topk(y.shape[2])[0]
        return v[:, :5]


class Assign(Net):  # in place
    def forward(self, x):
        y = self.body(self.stem(x)).clone()
        y[:, :, 0] = y[:, :, 0] * 2
        return self.pooled(y)


class AssignGrid(Net):  # YOLOv5's older form: coordinates in place
    def forward(self, x):
        y = self.box(self.stem(x)).permute(0, 2, 3, 1).contiguous().clone()
        g = grid(y.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        y[..., 0:2] = (y[..., 0:2] + g) * 2
        return y


class ClassToken(Net):
    def __init__(self):
        super().__init__()
        self.token = nn.Parameter(torch.randn(1, 1, C))

    def forward(self, x):
        y = self.stem(x).flatten(2).transpose(1, 2)
        y = self.norm(torch.cat((self.token, y), 1))
        a = (self.lin(y) @ y.transpose(1, 2)).softmax(-1) @ y
        return self.head(a[:, 0] + a[:, 1:].mean(1))


class Window(Net):  # windows of 5 do not divide the map: it is padded to a multiple
    def forward(self, x):
        y = self.stem(x).permute(0, 2, 3, 1)
        _, h, w, c = (int(v) for v in y.shape)
        ph, pw = -h % 5, -w % 5
        y = F.pad(y, (0, 0, 0, pw, 0, ph))
        H, W = h + ph, w + pw
        z = self.lin(y.view(1, H // 5, 5, W // 5, 5, c).permute(0, 1, 3, 2, 4, 5).reshape(-1, 25, c).softmax(1))
        z = z.view(1, H // 5, W // 5, 5, 5, c).permute(0, 1, 3, 2, 4, 5).reshape(1, H, W, c)[:, :h, :w]
        return self.pooled(z.permute(0, 3, 1, 2))


class Tiles(Net):  # a map cut into two by two parts, as adaptive pooling writes it
    def forward(self, x):
        return self.head(F.adaptive_avg_pool2d(self.body(self.stem(x)), 2).mean((2, 3)))


class ArgMax(Net):  # rows and columns of a maximum
    def forward(self, x):
        y = self.box(self.stem(x))
        i = y.flatten(2).argmax(2)
        return torch.stack((i % y.shape[3], torch.div(i, y.shape[3], rounding_mode="floor")), -1).float()


class Cross(Net):  # attention of channels, scaled by the number of positions
    def forward(self, x):
        y = self.stem(x).flatten(2)
        return self.head(((y @ y.transpose(1, 2) * int(y.shape[2]) ** -0.5).softmax(-1) @ y).mean(2))


class Gram(Net):
    def forward(self, x):
        y = self.stem(x).flatten(2)
        return self.head((y @ y.transpose(1, 2) / (C * y.shape[2])).mean(2))


class Boxes(Net):  # shares of the image become pixels
    def forward(self, x):
        y = self.box(self.more(self.down(self.stem(x)))).sigmoid().flatten(2).transpose(1, 2)
        return y * torch.tensor([float(x.shape[3]), float(x.shape[2]), float(x.shape[3]), float(x.shape[2])])


class Warp(Net):  # by offsets from each position
    def forward(self, x):
        y = self.stem(x)
        h, w = (int(a) for a in y.shape[2:])
        v = grid(y) + self.box(y)[:, :2]
        v = torch.stack((2 * v[:, 0] / (w - 1) - 1, 2 * v[:, 1] / (h - 1) - 1), -1)
        return self.pooled(self.body(F.grid_sample(y, v, align_corners=True)))


class Shares(Net):  # of a side, from a range in the graph
    def forward(self, x):
        y = self.stem(x)
        return self.pooled(self.body(y * (torch.arange(y.shape[3]).float() * (2.0 / (y.shape[3] - 1)) - 1)))


class Log(Net):
    def forward(self, x):
        y = self.stem(x)
        return self.pooled(self.down(y * torch.as_tensor(y.shape[2] * y.shape[3]).float().log()))


class Unit(Net):  # unit length times the root of the number of positions
    def forward(self, x):
        y = self.stem(x).flatten(2)
        return self.head((F.normalize(y, dim=2) * torch.as_tensor(y.shape[2]).float().sqrt()).abs().mean(2))


class Area(Net):
    def forward(self, x):
        y = self.body(self.stem(x))
        return self.pooled(self.down(y / torch.as_tensor(y.shape[2] * y.shape[3]).float().sqrt()))


class Std(Net):  # not biased: by one less than the number of positions
    def forward(self, x):
        y = self.body(self.stem(x))
        return self.head(y.mean((2, 3)) + y.std((2, 3)))


class Variance(Net):
    def forward(self, x):
        y = self.body(self.stem(x)).flatten(2)
        return self.head(((y - y.mean(2, keepdim=True)) ** 2).sum(2) / (y.shape[2] - 1))


class UpFixed(Net):
    def forward(self, x):
        return self.pooled(self.body(F.interpolate(self.stem(x), size=(20, 20), mode="bilinear", align_corners=False)))


class UpTwice(Net):
    def forward(self, x):
        y = self.stem(x)
        return self.pooled(self.body(F.interpolate(y, size=(y.shape[2] * 2, y.shape[3] * 2), mode="bilinear", align_corners=False)))


class UpImage(Net):  # back to the extents of the image
    def forward(self, x):
        return self.box(F.interpolate(self.more(self.down(self.stem(x))), size=x.shape[2:], mode="bilinear", align_corners=True))


class Divided(Net):  # pixels become shares of the map
    def forward(self, x):
        y = self.stem(x)
        h, w = (int(v) for v in y.shape[2:])
        b = self.box(y).sigmoid()
        return torch.cat(((b[:, :2] + grid(y)) / torch.tensor([float(w), float(h)]).view(1, 2, 1, 1), b[:, 2:]), 1)


class Clipped(Net):  # boxes end where the image does
    def forward(self, x):
        y = self.box(self.down(self.stem(x))).flatten(2) * 50
        return y.clamp(0, int(x.shape[2]))


class Places(Net):  # rows and columns of maxima, in floating point
    def forward(self, x):
        y = self.box(self.stem(x))
        v, i = y.flatten(2).topk(3)
        f = i.float()
        r = (f / int(y.shape[3])).floor()
        return torch.stack((f - r * int(y.shape[3]), r, v), -1)


class Bessel(Net):
    def forward(self, x):
        y = self.stem(x)
        n = int(y.shape[2]) * int(y.shape[3])
        return self.head(((y - y.mean((2, 3), keepdim=True)) ** 2).mean((2, 3)) * (n / (n - 1.0)))


class OneOfAll(Net):  # a class for each position
    def forward(self, x):
        y = self.box(self.stem(x)).flatten(2)
        return F.one_hot(y.argmax(2), int(y.shape[2])).float()


class Quarter(Net):  # whether a quarter of the positions is on
    def forward(self, x):
        y = self.box(self.stem(x))
        return ((y > 0).float().sum((2, 3)) > int(y.shape[2]) * int(y.shape[3]) * 0.25).float()


class Centred(Net):  # a sum less its expectation
    def forward(self, x):
        y = self.stem(x).flatten(2)
        return self.head(y.sum(2) - int(y.shape[2]) * 0.5)


# With an open batch, or open sides, exporters leave the computation from extents in the graph.


class OpenScale(Net):
    def forward(self, x):
        y = self.body(self.stem(x))
        return self.pooled(self.down(y * (16.0 / y.shape[2])))


class OpenFeature(Net):  # the side as a feature
    def forward(self, x):
        r = torch.as_tensor(x.shape[2]).float() / 32
        return self.pooled(self.stem(x)) + torch.stack((r, r * r, r.sin(), r.cos(), r))


class OpenPad(Net):  # to a multiple of 16, which the side is
    def forward(self, x):
        h, w = x.shape[2:]
        return self.pooled(self.more(self.down(self.body(self.stem(F.pad(x, (0, (-w) % 16, 0, (-h) % 16)))))))


class OpenBoxes(Net):
    def forward(self, x):
        y = self.box(self.more(self.down(self.stem(x)))).sigmoid().flatten(2).transpose(1, 2)
        return torch.stack((y[..., 0] * x.shape[3], y[..., 1] * x.shape[2]), -1)


class OpenSum(Net):  # positions as sums of ones, as DETR counts them
    def forward(self, x):
        y = self.stem(x)
        o = torch.ones_like(y[:, :1])
        g, k = o.cumsum(2), o.cumsum(3)
        return self.pooled(self.coord(torch.cat((y, g / (g[:, :, -1:] + 1e-6), k / (k[:, :, :, -1:] + 1e-6)), 1)))


class OpenStride(Net):
    def forward(self, x):
        y = self.box(self.down(self.stem(x)))
        return y * (x.shape[2] / y.shape[2])


class OpenBranch(nn.Module):  # of two, by the side
    def __init__(self):
        super().__init__()
        self.stem, self.body, self.head = nn.Conv2d(3, C, 3, 2, 1), nn.Conv2d(C, C, 3, 1, 1), nn.Linear(C, 5)

    def forward(self, x: torch.Tensor):
        y = self.stem(x).relu()
        if y.shape[2] > 13:
            z = self.body(y) * 2.0
        else:
            z = self.body(y) - 1.0
        return self.head(z.mean((2, 3)))


NETS = [GridAdd, GridRange, Anchors, V5, V3, RandomAnchors, FlatIndex, Norm, PixelCoord, Priors, CoordConv, Spread, LastRow, LastRowFromEnd, Half, Margin, Crop, Focus, Roll, Mean, NonLocal, Resize, Pooled, Same, OwnPad, OwnPadShape, OwnPadMap, SamePool, SameAlone, PadNothing, Sample,
        Flip, Best, Sorted, Assign, AssignGrid, ClassToken, Window, Tiles, ArgMax, Cross, Gram, Boxes, Warp, Shares, Log, Unit, Area, Std, Variance, UpFixed, UpTwice, UpImage, Divided, Clipped, Places,
        Bessel, OneOfAll, Quarter, Centred]
OPEN = [OpenScale, OpenFeature, OpenPad, OpenBoxes, OpenSum, OpenStride, OpenBranch]


def export(net, side, **options):
    torch.manual_seed(1)
    m = net().eval()
    if net is OpenBranch:
        m = torch.jit.script(m)
    file = os.path.join(sys.argv[1], f"{net.__name__.lower()}_{side}.onnx")
    torch.onnx.export(m, torch.randn(1, 3, side, side), file, opset_version=16, input_names=["input"], do_constant_folding=True, **options)
    return file


def fix(file, side):  # the sides of the input, as `init --input` does
    m = onnx.load(file)
    for d, n in zip(m.graph.input[0].type.tensor_type.shape.dim, (1, 3, side, side)):
        d.dim_value = n
    onnx.save(m, file)


if __name__ == "__main__":
    only = sys.argv[2:]
    for net in NETS + OPEN:
        for side in (32, 24, 28, 20):
            if only and net.__name__ not in only:
                continue
            try:
                if net in OPEN:
                    file = export(net, side, dynamic_axes={"input": {0: "n", 2: "h", 3: "w"}})
                    if side == 32 and net in (OpenScale, OpenStride, OpenPad):
                        shutil.copy(file, file.replace("_32", "_any"))
                    fix(file, side)
                else:
                    export(net, side)
            except Exception as e:
                if side == 32:
                    print(net.__name__, side, type(e).__name__, str(e)[:150])
