"""Labelled images: IDX files as of MNIST, folders with a folder for each class, and WebDataset-style tar shards.

Images are kept as bytes and become model input on the device, as in Go's runtime/train/data: padded with black, divided by 255, less the
mean and divided by the standard deviation of each channel, and resized with a filter as wide as the shrinking.
"""

import glob
import gzip
import hashlib
import io
import os
import random
import tarfile
from typing import Dict, Iterator, List, NamedTuple, Sequence, Tuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

SPLITS = {"train": ("train",), "test": ("t10k", "test", "val", "validation")}
PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".ppm", ".webp")


class Transform(NamedTuple):
    """How images become input."""

    pad: int = 0
    mean: Tuple[float, ...] = ()
    std: Tuple[float, ...] = ()

    def __call__(self, images: Tensor) -> Tensor:
        """Bytes [n, channels, height, width] to float32 of the same shape, padded."""
        x = images.float().div_(255)
        mean, std = (torch.tensor((v + (d,) * x.shape[1])[: x.shape[1]], device=x.device).view(1, -1, 1, 1) for v, d in ((self.mean, 0.0), (self.std, 1.0)))
        x = F.pad(x, (self.pad,) * 4)
        return x.sub_(mean).div_(std)

    def black(self) -> float:
        """What a black pixel becomes."""
        return -(self.mean or (0.0,))[0] / (self.std or (1.0,))[0]


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
        i = torch.as_tensor(indices)
        return self.pixels[i], self.labels[i]



def _digest(pixels: Tensor, labels: Tensor) -> str:
    h = hashlib.sha256((" ".join(str(n) for n in pixels.shape) + "\n").encode())
    h.update(pixels.contiguous().numpy().tobytes())
    h.update(labels.to(torch.uint8).numpy().tobytes())
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
    """Images and labels in the format of MNIST, plain or compressed by gzip."""
    x, y = _idx(images), _idx(labels)
    x = x[:, None] if x.ndim == 3 else x
    if x.ndim != 4 or y.ndim != 1 or len(x) != len(y):
        raise ValueError(f"{images} has images of shape {x.shape}, {labels} labels of shape {y.shape}: they do not belong together")
    pixels, tags = torch.from_numpy(x.copy()), torch.from_numpy(y.astype(np.int64))
    return Images(pixels, tags, _digest(pixels, tags))


def stratified(labels: Sequence[int], seed: int = 0) -> List[int]:
    """An order of images in which each run of them has every class in proportion: the k-th of the n images of a class, which are
    shuffled by the seed, stands at about (k + 1/2) / n of the whole. Folders and shards are sorted by class, and tools take the first
    images, or those from a position on."""
    draw = random.Random(seed)
    members: Dict[int, List[int]] = {}
    for i, y in enumerate(labels):
        members.setdefault(int(y), []).append(i)
    places = []
    for y, own in sorted(members.items()):
        draw.shuffle(own)
        places += [((2 * k + 1) / (2 * len(own)), y, i) for k, i in enumerate(own)]
    return [i for _, _, i in sorted(places)]


class Files:
    """Pictures in an order that mixes classes. They are decoded when they are needed: scaled so that the shorter side is side + margin, then cropped to the centre."""

    def __init__(self, where: str, names: List[str], labels: List[int], side: int, channels: int) -> None:
        try:
            import PIL.Image  # noqa: F401
        except ImportError as e:
            raise RuntimeError(f"{where}: pictures need the package Pillow (Debian: python3-pil), which is not installed; IDX files do without") from e
        if not names:
            raise ValueError(f"{where}: there are no pictures ({' '.join(PICTURES)})")
        self.order = stratified(labels)
        self.names, self.side, self.channels = [names[i] for i in self.order], side, channels
        self.labels = torch.tensor([labels[i] for i in self.order])
        self.digest = hashlib.sha256("\n".join(f"{n} {y}" for n, y in zip(self.names, self.labels.tolist())).encode()).hexdigest()[:16]

    def __len__(self) -> int:
        return len(self.names)

    def _bytes(self, i: int) -> bytes:
        with open(self.names[i], "rb") as f:
            return f.read()

    def _decode(self, i: int) -> Tensor:
        import PIL.Image

        with PIL.Image.open(io.BytesIO(self._bytes(i))) as im:
            im = im.convert("L" if self.channels == 1 else "RGB")
            scale = self.side / min(im.size)
            im = im.resize([max(self.side, round(n * scale)) for n in im.size], PIL.Image.BILINEAR)
            left, top = ((n - self.side) // 2 for n in im.size)
            pixels = np.asarray(im.crop((left, top, left + self.side, top + self.side)))
        return torch.from_numpy(pixels.reshape(self.side, self.side, self.channels).transpose(2, 0, 1).copy())

    def batch(self, indices: Sequence[int]) -> Tuple[Tensor, Tensor]:
        i = [int(k) for k in indices]
        return torch.stack([self._decode(k) for k in i]), self.labels[i]


class Shards(Files):
    """Tar files in which pictures stand beside labels: name.jpg and name.cls. Headers are read once; pictures are then read where
    they are, so that a run can go on at any step."""

    def __init__(self, where: str, tars: List[str], side: int, channels: int) -> None:
        self.places, names, labels = [], [], []
        for path in tars:
            pictures, classes = {}, {}
            with tarfile.open(path) as tar:
                for m in tar:
                    stem, ext = os.path.splitext(m.name)
                    if m.isfile() and ext.lower() in PICTURES:
                        pictures[stem] = (path, m.offset_data, m.size)
                    elif m.isfile() and ext == ".cls":
                        classes[stem] = int(tar.extractfile(m).read())
            lacking = sorted(pictures.keys() - classes.keys())
            if lacking:
                raise ValueError(f"{path}: {len(lacking)} pictures have no label beside them, the first is {lacking[0]}; want {lacking[0]}.cls")
            for stem, place in pictures.items():
                self.places.append(place)
                names.append(f"{os.path.basename(path)}/{stem}")
                labels.append(classes[stem])
        super().__init__(where, names, labels, side, channels)

    def _bytes(self, i: int) -> bytes:
        path, at, n = self.places[self.order[i]]
        with open(path, "rb") as f:
            f.seek(at)
            return f.read(n)


def open_split(folder: str, split: str, side: int, channels: int):
    """The split "train" or "test" of a folder: IDX files, a folder for each class, or tar shards, whichever is there."""
    for name in SPLITS[split]:
        stem = os.path.join(folder, name)
        for tail in ("", ".gz"):
            images, labels = stem + "-images-idx3-ubyte" + tail, stem + "-labels-idx1-ubyte" + tail
            if os.path.exists(images) and os.path.exists(labels):
                return open_idx(images, labels)
        tars = sorted(glob.glob(stem + "*.tar"))
        if tars:
            return Shards(folder, tars, side, channels)
        if os.path.isdir(stem):
            classes = sorted(d for d in os.listdir(stem) if os.path.isdir(os.path.join(stem, d)))
            found = [(os.path.join(stem, c, f), k) for k, c in enumerate(classes) for f in sorted(os.listdir(os.path.join(stem, c))) if f.lower().endswith(PICTURES)]
            return Files(stem, [n for n, _ in found], [k for _, k in found], side, channels)
    a = SPLITS[split][0]
    raise ValueError(f"{folder}: no split {split}; want {a}-images-idx3-ubyte[.gz] and {a}-labels-idx1-ubyte[.gz], {a}*.tar, or a folder {a}/CLASS/*.png")


def part(images, first: int, upto: int):
    """The images from first up to but not including upto."""
    if (first, upto) == (0, len(images)):
        return images
    pixels, labels = images.batch(range(first, upto))
    return Images(pixels, labels, _digest(pixels, labels))


def take(images, n: int) -> Images:
    """The first n images in memory. Those of folders and shards have all classes in proportion, see stratified; an IDX file's are as they stand."""
    n = min(n, len(images))
    pixels, labels = images.batch(range(n))
    return Images(pixels, labels, _digest(pixels, labels))


def order(n: int, seed: int, step: int, batch: int, rank: int, world: int) -> Tensor:
    """The images of a rank in a step: every epoch is a new shuffling, of which the last incomplete batch is left out."""
    each = batch * world
    per_epoch = n // each
    if per_epoch < 1:
        raise ValueError(f"{n} images do not fill a batch of {batch} on {world} processes")
    epoch, k = divmod(step, per_epoch)
    g = torch.Generator().manual_seed(seed * 1_000_003 + epoch)
    return torch.randperm(n, generator=g)[k * each + rank * batch :][:batch]


class _Steps(torch.utils.data.Dataset):
    def __init__(self, images, seed: int, first: int, steps: int, batch: int, rank: int, world: int) -> None:
        self.images, self.first, self.steps = images, first, steps
        self.key = (seed, batch, rank, world)

    def __len__(self) -> int:
        return self.steps - self.first

    def __getitem__(self, i: int) -> Tuple[Tensor, Tensor]:
        seed, batch, rank, world = self.key
        return self.images.batch(order(len(self.images), seed, self.first + i, batch, rank, world))


def batches(images, seed: int, first: int, steps: int, batch: int, rank: int = 0, world: int = 1, workers: int = 0) -> Iterator[Tuple[Tensor, Tensor]]:
    """Training batches of the steps from first on. Worker processes take steps in turns."""
    steps_ = _Steps(images, seed, first, steps, batch, rank, world)
    return iter(torch.utils.data.DataLoader(steps_, batch_size=None, num_workers=workers))


def augment(x: Tensor, generator: torch.Generator, crop: int, flip: bool, erase: float, black: float) -> Tensor:
    """Random crop out of a border of that many pixels, random flip, and random erasing (Zhong et al. 2020) of a square of at most a
    third of the side, of each image for itself. The generator is the CPU's, so that all devices do the same."""
    n, _, h, w = x.shape
    draw = lambda high, shape: torch.randint(0, high, shape, generator=generator).to(x.device)
    rows, columns = torch.arange(h, device=x.device), torch.arange(w, device=x.device)
    if crop:
        dy, dx = draw(2 * crop + 1, (n, 1)), draw(2 * crop + 1, (n, 1))
        x = F.pad(x, (crop,) * 4, value=black)
        x = x[torch.arange(n, device=x.device)[:, None, None, None], torch.arange(x.shape[1], device=x.device)[None, :, None, None], (rows + dy)[:, None, :, None], (columns + dx)[:, None, None, :]]
    if flip:
        x = torch.where(draw(2, (n, 1, 1, 1)).bool(), x.flip(3), x)
    if erase > 0:
        cy, cx, half = draw(h, (n, 1)), draw(w, (n, 1)), draw(max(2, h // 6), (n, 1)) + 1
        inside = ((rows - cy).abs() < half)[:, None, :, None] & ((columns - cx).abs() < half)[:, None, None, :]
        on = torch.rand(n, 1, 1, 1, generator=generator).to(x.device) < erase
        x = torch.where(inside & on, torch.full_like(x, 0.0), x)
    return x
