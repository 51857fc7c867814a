"""Labelled images: IDX files as of MNIST; pictures.py has class folders and tar shards, arrays.py NumPy's files.

Images are kept as bytes and become model input on the device, as in Go's runtime/train/data: padded with black, divided by 255, less the
mean and divided by the standard deviation of each channel, and resized with a filter as wide as the shrinking.
"""

import glob
import gzip
import hashlib
import multiprocessing
import os
from typing import Iterator, NamedTuple, Optional, Sequence, Tuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from . import arrays
from .augment import ONE, Changes
from .ordering import grouped, numbered, share, stratified
from .pictures import Files, class_folders, folders, keys, shards
from .sample import Rand

SPLITS = {"train": ("train",), "test": ("t10k", "test", "val", "validation")}


class Transform(NamedTuple):
    """How images become input."""

    pad: int = 0
    mean: Tuple[float, ...] = ()
    std: Tuple[float, ...] = ()
    resize: int = 0  # shorter side that pictures are scaled to before their centre is cut out; 0 means the side that is cut out

    def __call__(self, images: Tensor) -> Tensor:
        """Bytes [n, channels, height, width] to float32 of the same shape, padded."""
        x = images.float().div_(255)
        mean, std = (torch.tensor((v + (d,) * x.shape[1])[: x.shape[1]], device=x.device).view(1, -1, 1, 1) for v, d in ((self.mean, 0.0), (self.std, 1.0)))
        x = F.pad(x, (self.pad,) * 4)
        return x.sub_(mean).div_(std)

    def text(self) -> str:
        """How images become input, for tables: that of Go's data.Transform.String."""
        mean, std = (" ".join(f"{v:.6g}" for v in x) or "-" for x in (self.mean, self.std))
        return f"bilinear, antialiased; resize {self.resize}, pad {self.pad}, mean {mean}, std {std}"


def resize(x: Tensor, side: int) -> Tensor:
    """Images of another side: bilinear, antialiased. The result has its channels innermost in memory, which convolutions like."""
    if x.shape[-2:] != (side, side):
        x = F.interpolate(x, (side, side), mode="bilinear", antialias=True, align_corners=False)
    return x.contiguous(memory_format=torch.channels_last)


class Images(NamedTuple):
    """Images in memory."""

    pixels: Tensor  # bytes [n, channels, height, width]
    labels: Tensor  # int64 [n]
    digest: str  # identifies them, as Go's data.Set.Digest

    def __len__(self) -> int:
        return len(self.labels)

    def batch(self, indices: Sequence[int]) -> Tuple[Tensor, Tensor]:
        i = torch.as_tensor(indices, dtype=torch.int64)
        return self.pixels[i], self.labels[i]

    def part(self, first: int, upto: int) -> "Images":
        """The images from first up to but not including upto."""
        pixels, labels = self.batch(range(first, upto))
        return Images(pixels, labels, _digest(pixels, labels))


def _digest(pixels: Tensor, labels: Tensor) -> str:
    h = hashlib.sha256((" ".join(str(n) for n in pixels.shape) + "\n").encode())
    h.update(pixels.contiguous().numpy().tobytes())
    h.update(labels.to(torch.uint8 if len(labels) == 0 or int(labels.max()) < 256 else torch.int32).numpy().tobytes())
    return h.hexdigest()[:16]


def _idx(path: str) -> np.ndarray:
    with open(path, "rb") as f:
        data = f.read()
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    if data[:3] != b"\x00\x00\x08" or not 1 <= data[3] <= 4:
        raise ValueError(f"{path}: it is no IDX file of bytes")
    rank = data[3]
    shape = [int.from_bytes(data[4 + 4 * k : 8 + 4 * k], "big") for k in range(rank)]
    body = np.frombuffer(data, np.uint8, offset=4 + 4 * rank)
    if body.size != int(np.prod(shape)):
        raise ValueError(f"{path}: it has {body.size} bytes of data, its header says {shape}")
    return body.reshape(shape)


def open_idx(images: str, labels: str) -> Images:
    """Images and labels in the format of MNIST, plain or compressed by gzip. A file that is sorted by class is mixed; others stay as they stand."""
    x, y = _idx(images), _idx(labels)
    x = x[:, None] if x.ndim == 3 else x
    if x.ndim != 4 or y.ndim != 1 or len(x) != len(y):
        raise ValueError(f"{images} has images of shape {x.shape}, {labels} labels of shape {y.shape}: they do not belong together")
    if grouped(y):
        order = stratified(numbered(len(y)), y)
        x, y = x[order], y[order]
    pixels, tags = torch.from_numpy(x.copy()), torch.from_numpy(y.astype(np.int64))
    return Images(pixels, tags, _digest(pixels, tags))


def open_split(folder: str, split: str, side: int, channels: int, resize: int = 0):
    """The split "train" or "test" of a folder: IDX files, a folder for each class, or tar shards, whichever is there."""
    for name in SPLITS[split]:
        stem = os.path.join(folder, name)
        for tail in ("", ".gz"):
            images, labels = stem + "-images-idx3-ubyte" + tail, stem + "-labels-idx1-ubyte" + tail
            if os.path.exists(images) and os.path.exists(labels):
                return open_idx(images, labels)
        tars = sorted(glob.glob(stem + "*.tar"))
        if tars:
            return Files(folder, shards(tars), side, channels, resize)
        fields = arrays.find(folder, [name])
        if fields:
            return arrays.Arrays(folder, fields, channels)
        if os.path.isdir(stem):
            train = os.path.join(folder, "train")
            return Files(stem, folders(stem, class_folders(train if os.path.isdir(train) else stem)), side, channels, resize)
    a = SPLITS[split][0]
    wanted = f"want {a}-images-idx3-ubyte[.gz] and {a}-labels-idx1-ubyte[.gz], {a}*.tar, a folder {a}/CLASS/*.jpg, CLASS/*.jpg without splits, or {a}.npz or {a}_x.npy with images of bytes"
    if any(os.path.exists(os.path.join(folder, n)) for names in SPLITS.values() for n in names):
        raise ValueError(f"{folder}: no split {split}; {wanted}")
    fields = arrays.whole(folder)
    if fields:
        return arrays.Arrays(folder, fields, channels, split)
    if not os.path.isdir(folder) or not class_folders(folder):
        raise ValueError(f"{folder}: no split {split}, and no folder with pictures for each class; {wanted}")
    x = folders(folder, class_folders(folder))
    return Files(folder, x.rows(share(keys(x), x.label, split)), side, channels, resize)


def part(images, first: int, upto: int):
    """The images from first up to but not including upto."""
    return images if (first, upto) == (0, len(images)) else images.part(first, upto)


def take(images, n: int):
    """The first n images, which have all classes in proportion."""
    return part(images, 0, min(n, len(images)))


OF_ORDER = 1 << 32  # the third number of a key of Rand, as in Go


class Order:
    """Training images in an endless row of epochs: each has all of them once, in an order that follows from seed and epoch, as in Go's
    runtime/train/tune. Any step can be the first."""

    def __init__(self, n: int, seed: int) -> None:
        self.n, self.seed, self.epoch, self.order = n, seed, -1, np.zeros(0, np.int32)

    def __call__(self, first: int, n: int) -> np.ndarray:
        """n images from a place on."""
        out = []
        while n > 0:
            epoch, k = divmod(first, self.n)
            if epoch != self.epoch:
                self.epoch, self.order = epoch, shuffled(self.n, Rand(self.seed, epoch, OF_ORDER))
            out.append(self.order[k : k + n])
            first, n = first + len(out[-1]), n - len(out[-1])
        return np.concatenate(out)


def shuffled(n: int, r: Rand) -> np.ndarray:
    """The numbers below n in random order: Fisher and Yates, inside out."""
    upto = np.arange(1, n + 1, dtype=np.uint64)
    places = ((r.many(n) >> np.uint64(32)) * upto >> np.uint64(32)).astype(np.int32)
    order = np.zeros(n, np.int32)
    view = memoryview(order)  # numbers one by one are faster without numpy
    for i, j in enumerate(memoryview(places)):
        view[i], view[j] = view[j], i
    return order


class Steps:
    """The images of a process in each step of training."""

    def __init__(self, n: int, seed: int, first: int, steps: int, batch: int, rank: int = 0, world: int = 1) -> None:
        if n < batch * world:
            raise ValueError(f"{n} images do not fill a batch of {batch} on {world} processes")
        self.order, self.first, self.steps = Order(n, seed), first, steps
        self.batch, self.rank, self.world = batch, rank, world

    def __len__(self) -> int:
        return self.steps - self.first

    def __getitem__(self, i: int) -> np.ndarray:
        if i >= len(self):
            raise IndexError(i)
        return self.order(((self.first + i) * self.world + self.rank) * self.batch, self.batch)


class Batches(torch.utils.data.Dataset):
    """Pixels and labels of the images that lists have."""

    def __init__(self, images, lists) -> None:
        self.images, self.lists = images, lists

    def __len__(self) -> int:
        return len(self.lists)

    def __getitem__(self, i: int) -> Tuple[Tensor, Tensor]:
        return self.images.batch(self.lists[i])


class Feed(Batches):
    """What a process trains on in each step: images that are changed, with their padding, labels, and the share of their own labels; the others are those
    of the last image but as many."""

    def __init__(self, images, steps: Steps, changes: Changes, pad: int, seed: int) -> None:
        super().__init__(images, steps)
        self.changes, self.pad, self.seed = changes, pad, seed

    def __getitem__(self, i: int) -> Tuple[Tensor, Tensor, float]:
        pixels, labels = super().__getitem__(i)
        pixels, own = self.changes(pixels.numpy(), self.pad, self.seed, self.lists.first + i, self.lists.rank * self.lists.batch)
        return torch.from_numpy(pixels), labels, own / ONE


def loaded(batches: Batches, workers: Optional[int] = None) -> Iterator:
    """All of batches in order. Worker processes take them in turns and read ahead: this process's share of the cores where images are decoded, unless
    workers says how many."""
    if workers is None:
        workers = len(os.sched_getaffinity(0)) // int(os.environ.get("LOCAL_WORLD_SIZE", 1)) if isinstance(batches.images, Files) else 0
    workers = min(workers, len(batches)) if "fork" in multiprocessing.get_all_start_methods() else 0
    return iter(torch.utils.data.DataLoader(batches, batch_size=None, num_workers=workers, multiprocessing_context="fork" if workers else None))
