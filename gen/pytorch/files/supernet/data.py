"""Labelled images: IDX files as of MNIST, folders with a folder for each class, and WebDataset-style tar shards.

Images are kept as bytes and become model input on the device, as in Go's runtime/train/data: padded with black, divided by 255, less the
mean and divided by the standard deviation of each channel, and resized with a filter as wide as the shrinking.
"""

import glob
import gzip
import hashlib
import io
import os
import tarfile
from typing import Dict, Iterator, List, NamedTuple, Sequence, Tuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

SPLITS = {"train": ("train",), "test": ("t10k", "test", "val", "validation")}
PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp")


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
    """Images and labels in the format of MNIST, plain or compressed by gzip."""
    x, y = _idx(images), _idx(labels)
    x = x[:, None] if x.ndim == 3 else x
    if x.ndim != 4 or y.ndim != 1 or len(x) != len(y):
        raise ValueError(f"{images} has images of shape {x.shape}, {labels} labels of shape {y.shape}: they do not belong together")
    pixels, tags = torch.from_numpy(x.copy()), torch.from_numpy(y.astype(np.int64))
    return Images(pixels, tags, _digest(pixels, tags))


def drawn(names: Sequence[str], labels: Sequence[int]) -> Dict[int, List[int]]:
    """The pictures of each class at random, but alike wherever the folder is: by the SHA-256 of their names, as in Go."""
    members: Dict[int, List[int]] = {}
    for i, y in enumerate(labels):
        members.setdefault(int(y), []).append(i)
    for own in members.values():
        own.sort(key=lambda i: (hashlib.sha256(names[i].encode()).hexdigest(), names[i]))
    return members


def stratified(names: Sequence[str], labels: Sequence[int]) -> List[int]:
    """An order of pictures in which each run of them has every class in proportion: the k-th of the n pictures of a class, as drawn, stands
    at (k + 1/2) / n of the whole. Folders and shards are sorted by class, and tools take the first images, or those from a position on."""
    places = []
    for y, own in drawn(names, labels).items():
        places += [((2 * k + 1) / (2 * len(own)), y, names[i], i) for k, i in enumerate(own)]
    return [i for _, _, _, i in sorted(places)]


class Picture(NamedTuple):
    """A picture of a folder or shard."""

    name: str  # within the folder, with slashes
    label: int
    file: str  # that has it
    at: int  # where it begins there
    size: int  # in bytes


class Files:
    """Pictures in an order that mixes classes. They are decoded when they are needed: turned as EXIF says, scaled so that the shorter side is
    resize, then cropped to the centre, as torchvision's Resize and CenterCrop do."""

    def __init__(self, where: str, pictures: Sequence[Picture], side: int, channels: int, resize: int = 0) -> None:
        try:
            import PIL.Image  # noqa: F401
        except ImportError as e:
            raise RuntimeError(f"{where}: pictures need the package Pillow (Debian: python3-pil), which is not installed; IDX files do without") from e
        if not pictures:
            raise ValueError(f"{where}: there are no pictures ({' '.join(PICTURES)})")
        self.pictures = [pictures[i] for i in stratified([p.name for p in pictures], [p.label for p in pictures])]
        self.side, self.channels, self.resize = side, channels, max(resize, side)
        self.labels = torch.tensor([p.label for p in self.pictures])
        self.digest = self._identity(0, len(self.pictures))

    def _identity(self, first: int, upto: int) -> str:
        """Identifies the pictures from first up to but not including upto, as Go's data.Set.Digest."""
        h = hashlib.sha256(f"{upto - first} {self.channels} {self.side} {self.side}\n".encode())
        for p in self.pictures[first:upto]:
            h.update(f"{p.name} {p.size} {self.resize} {self.side} {p.label}\n".encode())
        return h.hexdigest()[:16]

    def __len__(self) -> int:
        return len(self.pictures)

    def part(self, first: int, upto: int) -> Images:
        """The pictures from first up to but not including upto, decoded."""
        pixels, labels = self.batch(range(first, upto))
        return Images(pixels, labels, self._identity(first, upto))

    def _decode(self, i: int) -> Tensor:
        import PIL.Image
        import PIL.ImageOps

        p = self.pictures[i]
        with open(p.file, "rb") as f:
            f.seek(p.at)
            raw = f.read(p.size)
        try:
            with PIL.Image.open(io.BytesIO(raw)) as im:
                im = PIL.ImageOps.exif_transpose(im)
                if im.mode.startswith("I"):  # 16 bits, of which the upper ones count; Pillow would make all of them white
                    im = PIL.Image.fromarray((np.asarray(im).astype(np.int64) >> 8).astype(np.uint8))
                im = im.convert("L" if self.channels == 1 else "RGB")
        except Exception as e:  # Pillow has many
            raise ValueError(f"{p.file}: {p.name}: it is no picture, or damaged: {e}") from e
        w, h = im.size
        im = im.resize((self.resize, int(self.resize * h / w)) if w < h else (int(self.resize * w / h), self.resize), PIL.Image.BILINEAR)
        left, top = (int(round((n - self.side) / 2.0)) for n in im.size)
        pixels = np.asarray(im.crop((left, top, left + self.side, top + self.side)))
        return torch.from_numpy(pixels.reshape(self.side, self.side, self.channels).transpose(2, 0, 1).copy())

    def batch(self, indices: Sequence[int]) -> Tuple[Tensor, Tensor]:
        i = [int(k) for k in indices]
        return torch.stack([self._decode(k) for k in i]), self.labels[i]


def shards(tars: Sequence[str]) -> List[Picture]:
    """The pictures of tar files in which they stand beside labels: name.jpg and name.cls. Headers are read once; pictures are then read where
    they are, so that a run can go on at any step."""
    out: List[Picture] = []
    for path in tars:
        pictures, classes = {}, {}
        with tarfile.open(path) as tar:
            for m in tar:
                stem, ext = os.path.splitext(m.name)
                if m.isfile() and ext.lower() in PICTURES:
                    if stem in pictures:
                        raise ValueError(f"{path}: it has two pictures called {stem}")
                    pictures[stem] = (m.offset_data, m.size)
                elif m.isfile() and ext == ".cls":
                    classes[stem] = int(tar.extractfile(m).read())
                    if classes[stem] < 0:
                        raise ValueError(f"{path}: {m.name}: want the number of a class, got {classes[stem]}")
        lacking = sorted(pictures.keys() - classes.keys())
        if lacking:
            raise ValueError(f"{path}: {len(lacking)} pictures have no label beside them, the first is {lacking[0]}; want {lacking[0]}.cls")
        out += [Picture(f"{os.path.basename(path)}/{stem}", classes[stem], path, at, size) for stem, (at, size) in pictures.items()]
    return out


def class_folders(folder: str) -> List[str]:
    return sorted(e.name for e in os.scandir(folder) if e.is_dir() and not e.name.startswith("."))


def folders(folder: str, classes: Sequence[str]) -> List[Picture]:
    """The pictures of class folders, which have the numbers that classes gives them."""
    out: List[Picture] = []
    for c in class_folders(folder):
        if c not in classes:
            raise ValueError(f"{os.path.join(folder, c)}: the training images have no class of that name")
        before = len(out)
        for where, _, files in os.walk(os.path.join(folder, c)):
            for f in files:
                path = os.path.join(where, f)
                if f.lower().endswith(PICTURES):
                    out.append(Picture(os.path.relpath(path, folder).replace(os.sep, "/"), classes.index(c), path, 0, os.path.getsize(path)))
        if len(out) == before:
            raise ValueError(f"{os.path.join(folder, c)}: there are no pictures in it ({' '.join(PICTURES)}); each folder is a class, so move it away if it is none")
    return out


def share(pictures: Sequence[Picture], split: str) -> List[Picture]:
    """A split of class folders that have none: the first fifth of each class, as drawn, for the test, the rest for training."""
    out: List[Picture] = []
    for own in drawn([p.name for p in pictures], [p.label for p in pictures]).values():
        n = len(own) // 5
        out += [pictures[i] for i in (own[:n] if split == "test" else own[n:])]
    return out


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
        if os.path.isdir(stem):
            train = os.path.join(folder, "train")
            return Files(stem, folders(stem, class_folders(train if os.path.isdir(train) else stem)), side, channels, resize)
    a = SPLITS[split][0]
    wanted = f"want {a}-images-idx3-ubyte[.gz] and {a}-labels-idx1-ubyte[.gz], {a}*.tar, a folder {a}/CLASS/*.jpg, or CLASS/*.jpg without splits"
    if any(os.path.exists(os.path.join(folder, n)) for names in SPLITS.values() for n in names):
        raise ValueError(f"{folder}: no split {split}; {wanted}")
    if not os.path.isdir(folder) or not class_folders(folder):
        raise ValueError(f"{folder}: no split {split}, and no folder with pictures for each class; {wanted}")
    return Files(folder, share(folders(folder, class_folders(folder)), split), side, channels, resize)


def part(images, first: int, upto: int):
    """The images from first up to but not including upto."""
    return images if (first, upto) == (0, len(images)) else images.part(first, upto)


def take(images, n: int) -> Images:
    """The first n images in memory. Those of folders and shards have all classes in proportion, see stratified; an IDX file's are as they stand."""
    return images.part(0, min(n, len(images)))


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
