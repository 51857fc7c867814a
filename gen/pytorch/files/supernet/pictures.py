"""Pictures of class folders and of WebDataset-style tar shards, of any number: of each its place is kept, and it is decoded when it is needed.

Splits, order, digests and pixels are those of Go's runtime/train/data.
"""

import hashlib
import io
import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from typing import Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np
import torch
from torch import Tensor

from .ordering import stratified

PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp")
BLOCK = 512  # bytes, of a tar
MAX_CACHE = 8 << 30  # bytes


class Index(NamedTuple):
    """Where pictures are: a row in each column, about 35 bytes for a picture of a shard."""

    root: str  # folder of the names; "" where files are shards
    files: List[str]  # shards
    file: np.ndarray  # which of them has a picture
    at: np.ndarray  # where it begins there
    size: np.ndarray  # in bytes
    label: np.ndarray
    stem: np.ndarray  # its name in the shard or folder

    def __len__(self) -> int:
        return len(self.label)

    def rows(self, which) -> "Index":
        return Index(self.root, self.files, *(column[which] for column in self[2:]))

    def name(self, i: int) -> str:
        """The name of a picture, which splits, order and digests go by."""
        stem = os.fsdecode(self.stem[i])
        return stem if self.root else f"{os.path.basename(self.files[self.file[i]])}/{stem}"

    def path(self, i: int) -> str:
        return os.path.join(self.root, self.name(i)) if self.root else self.files[self.file[i]]


def index(root: str, files: List[str], columns: Sequence[Tuple[np.ndarray, ...]]) -> Index:
    """The index of what was found in each place: numbers of files, places, sizes, labels and stems."""
    if not columns:
        columns = [(np.zeros(0, np.int32), np.zeros(0, np.int64), np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0, "S1"))]
    return Index(root, files, *(np.concatenate(parts) for parts in zip(*columns)))


def _columns(file: int, found: Sequence[Tuple[str, int, int, int]]) -> Tuple[np.ndarray, ...]:
    """Columns of pictures: stem, place, size and label of each."""
    stems, at, size, labels = zip(*found)
    return np.full(len(found), file, np.int32), np.array(at, np.int64), np.array(size, np.int32), np.array(labels, np.int32), np.array([os.fsencode(s) for s in stems])


def keys(x: Index) -> np.ndarray:
    """What draws pictures at random: the SHA-256 of their names."""
    return np.array([hashlib.sha256(os.fsencode(x.name(i))).digest() for i in range(len(x))], "S32")


class Cache:
    """Decoded images in a temporary file, which processes that read images share. A byte behind each says that it is there."""

    def __init__(self, n: int, each: int) -> None:
        self.n, self.each = min(n, MAX_CACHE // (each + 1)), each
        self.file = tempfile.TemporaryFile(prefix="images-")

    def read(self, i: int) -> Optional[bytes]:
        raw = os.pread(self.file.fileno(), self.each + 1, i * (self.each + 1)) if i < self.n else b""
        return raw[:-1] if len(raw) == self.each + 1 and raw[-1] else None

    def write(self, i: int, pixels: bytes) -> None:
        if i < self.n:
            try:
                os.pwrite(self.file.fileno(), pixels + b"\1", i * (self.each + 1))
            except OSError:  # the disk is full, for example: images are decoded again
                self.n = 0


class Files:
    """Pictures in an order that mixes classes. They are turned as EXIF says, scaled so that the shorter side is resize, then cropped to the
    centre, as torchvision's Resize and CenterCrop do."""

    def __init__(self, where: str, x: Index, side: int, channels: int, resize: int = 0, mixed: bool = False) -> None:
        try:
            import PIL.Image  # noqa: F401
        except ImportError as e:
            raise RuntimeError(f"{where}: pictures need the package Pillow (Debian: python3-pil), which is not installed; IDX files do without") from e
        if not len(x):
            raise ValueError(f"{where}: there are no pictures ({' '.join(PICTURES)})")
        self.where, self.index = where, x if mixed else x.rows(stratified(keys(x), x.label))
        self.side, self.channels, self.resize = side, channels, max(resize, side)
        self.labels = torch.from_numpy(self.index.label.astype(np.int64))
        self.digest = self._identity()
        self.cache = Cache(len(self), channels * side * side) if hasattr(os, "pread") else None

    def _identity(self) -> str:
        """Identifies the pictures, as Go's data.Set.Digest."""
        h = hashlib.sha256(f"{len(self)} {self.channels} {self.side} {self.side}\n".encode())
        for i, (size, label) in enumerate(zip(memoryview(self.index.size.copy()), memoryview(self.index.label.copy()))):
            h.update(os.fsencode(f"{self.index.name(i)} {size} {self.resize} {self.side} {label}\n"))
        return h.hexdigest()[:16]

    def __len__(self) -> int:
        return len(self.index)

    def part(self, first: int, upto: int) -> "Files":
        """The pictures from first up to but not including upto."""
        return Files(self.where, self.index.rows(slice(first, upto)), self.side, self.channels, self.resize, mixed=True)

    def raw(self, i: int) -> bytes:
        """The file of a picture."""
        with open(self.index.path(i), "rb", buffering=0) as f:
            f.seek(int(self.index.at[i]))
            return f.read(int(self.index.size[i]))

    def picture(self, i: int):
        """A picture as Pillow has it, in the right colours and turned."""
        import PIL.Image
        import PIL.ImageOps

        try:
            with PIL.Image.open(io.BytesIO(self.raw(i))) as im:
                im = PIL.ImageOps.exif_transpose(im)
                if im.mode.startswith("I"):  # 16 bits, of which the upper ones count; Pillow would make all of them white
                    im = PIL.Image.fromarray((np.asarray(im).astype(np.int64) >> 8).astype(np.uint8))
                return im.convert("L" if self.channels == 1 else "RGB")
        except Exception as e:  # Pillow has many
            raise ValueError(f"{self.index.path(i)}: {self.index.name(i)}: it is no picture, or damaged: {e}") from e

    def image(self, i: int) -> bytes:
        """The bytes of an image: channels x side x side."""
        import PIL.Image

        pixels = self.cache and self.cache.read(i)
        if pixels is None:
            im = self.picture(i)
            w, h = im.size
            im = im.resize((self.resize, int(self.resize * h / w)) if w < h else (int(self.resize * w / h), self.resize), PIL.Image.BILINEAR)
            left, top = (int(round((n - self.side) / 2.0)) for n in im.size)
            x = np.asarray(im.crop((left, top, left + self.side, top + self.side)))
            pixels = x.reshape(self.side, self.side, self.channels).transpose(2, 0, 1).tobytes()
            if self.cache:
                self.cache.write(i, pixels)
        return pixels

    def batch(self, indices: Sequence[int]) -> Tuple[Tensor, Tensor]:
        i = [int(k) for k in indices]
        pixels = np.frombuffer(b"".join(self.image(k) for k in i), np.uint8).copy()
        return torch.from_numpy(pixels.reshape(-1, self.channels, self.side, self.side)), self.labels[i]


def members(path: str) -> Iterator[Tuple[str, int, int]]:
    """The regular files of a tar: names, where their data begin, and how long they are. Of what lies between headers nothing is read;
    Python's tarfile takes four times as long."""
    end, at, extended = os.path.getsize(path), 0, {}
    with open(path, "rb", buffering=4 * BLOCK) as f:
        while True:
            f.seek(at)
            head = f.read(BLOCK)
            if len(head) < BLOCK or not head.strip(b"\0"):
                return
            if sum(head[:148]) + 8 * 32 + sum(head[156:]) != _number(head[148:156]):
                raise ValueError(f"{path}: at byte {at} there is no header of a tar: it is damaged")
            kind, size = head[156:157], int(extended.get("size") or _number(head[124:136]))
            if at + BLOCK + size > end:
                raise ValueError(f"{path}: it is cut off: the file at byte {at} has {size} bytes")
            if kind in b"xL":  # what stands in an extended header belongs to the next file
                text = f.read(size)
                extended.update({"path": text.rstrip(b"\0")} if kind == b"L" else dict(_records(text)))
            elif kind in b"\0" + b"07":
                own, before = (part.partition(b"\0")[0] for part in (head[:100], head[345:500] if head[257:262] == b"ustar" and head[262:264] != b"  " else b""))
                yield os.fsdecode(extended.get("path", before + b"/" + own if before else own)), at + BLOCK, size
            elif kind == b"S":
                raise ValueError(f"{path}: the file at byte {at} is sparse; pack it without --sparse")
            if kind not in b"xLg":
                extended = {}
            at += BLOCK + (size + BLOCK - 1) // BLOCK * BLOCK


def _number(field: bytes) -> int:
    """A number of a header: octal, or binary where the first bit is set."""
    return int.from_bytes(field[1:], "big") if field[0] & 0x80 else int(field.strip(b" \0") or b"0", 8)


def _records(text: bytes) -> Iterator[Tuple[str, bytes]]:
    """Names and values of a pax header: each record begins with its length."""
    while text:
        n = int(text.partition(b" ")[0])
        key, _, value = text[:n].partition(b" ")[2].partition(b"=")
        yield key.decode(), value[:-1]
        text = text[n:]


def shards(tars: Sequence[str]) -> Index:
    """The pictures of tar files in which they stand beside labels: name.jpg and name.cls. Several are read at once, for disks that answer
    slowly."""
    with ThreadPoolExecutor(8) as pool:
        found = pool.map(_shard, tars)
        return index("", list(tars), [_columns(k, own) for k, own in enumerate(found) if own])


def _shard(path: str) -> List[Tuple[str, int, int, int]]:
    pictures: Dict[str, Tuple[int, int]] = {}
    classes: Dict[str, int] = {}
    with open(path, "rb", buffering=BLOCK) as f:
        for name, at, size in members(path):
            stem, ext = os.path.splitext(name)
            if ext.lower() in PICTURES:
                if stem in pictures:
                    raise ValueError(f"{path}: it has two pictures called {stem}")
                pictures[stem] = (at, size)
            elif ext == ".cls":
                f.seek(at)
                text = f.read(min(size, 64)).strip()
                if not text.isdigit():
                    raise ValueError(f"{path}: {name}: want the number of a class, got {text!r}")
                classes[stem] = int(text)
    lacking = sorted(pictures.keys() - classes.keys())
    if lacking:
        raise ValueError(f"{path}: {len(lacking)} pictures have no label beside them, the first is {lacking[0]}; want {lacking[0]}.cls")
    return [(stem, at, size, classes[stem]) for stem, (at, size) in pictures.items()]


def class_folders(folder: str) -> List[str]:
    return sorted(e.name for e in os.scandir(folder) if e.is_dir() and not e.name.startswith("."))


def folders(folder: str, classes: Sequence[str]) -> Index:
    """The pictures of class folders, which have the numbers that classes gives them."""
    columns = []
    for c in class_folders(folder):
        if c not in classes:
            raise ValueError(f"{os.path.join(folder, c)}: the training images have no class of that name")
        found = []
        for where, _, files in os.walk(os.path.join(folder, c)):
            paths = [os.path.join(where, f) for f in files if f.lower().endswith(PICTURES)]
            found += [(os.path.relpath(p, folder).replace(os.sep, "/"), 0, os.path.getsize(p), classes.index(c)) for p in paths]
        if not found:
            raise ValueError(f"{os.path.join(folder, c)}: there are no pictures in it ({' '.join(PICTURES)}); each folder is a class, so move it away if it is none")
        columns.append(_columns(0, found))
    return index(folder, [], columns)
