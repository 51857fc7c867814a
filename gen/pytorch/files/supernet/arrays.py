"""Images of bytes in NumPy's files, with targets of any kind: train.npz with the arrays x and y, or train_x.npy and train_y.npy, or train/x.npy.

Names, splits, order and digests are those of Go's runtime/train/data.
"""

import glob
import hashlib
import os
import re
from typing import Dict, List, Optional, Sequence, Tuple

import numpy as np
import torch
from torch import Tensor

from .ordering import numbered, share, stratified

LABELS = ("label", "labels", "target", "targets", "class", "y")  # the usual names of targets


def find(folder: str, names: Sequence[str]) -> Optional[Dict[str, np.ndarray]]:
    """The arrays of a split, by the names of their fields; None where there are none."""
    for name in names:
        for path in (os.path.join(folder, name + ".npz"), *sorted(glob.glob(os.path.join(glob.escape(folder), name, "*.npz")))):
            if os.path.exists(path):
                with np.load(path) as z:
                    return {k: z[k] for k in z.files}
        fields = {}
        for path in sorted(glob.glob(os.path.join(glob.escape(folder), name, "*.npy"))):
            fields[path] = _stem(path)
        for path in sorted(glob.glob(os.path.join(glob.escape(folder), "*.npy"))):
            stem = _stem(path)
            own = re.fullmatch(rf"{name}[_.-](.+)|(.+)[_.-]{name}", stem)
            if own or stem == name:
                fields[path] = "x" if stem == name else own[1] or own[2]
        if fields:
            return {fields[path]: np.load(path, mmap_mode="r") for path in sorted(fields)}
    return None


def whole(folder: str) -> Optional[Dict[str, np.ndarray]]:
    """The arrays of a folder without splits."""
    tables, single = (sorted(glob.glob(os.path.join(glob.escape(folder), f"*{end}"))) for end in (".npz", ".npy"))
    if len(tables) > 1:
        raise ValueError(f"{folder}: it has several files with rows ({', '.join(map(os.path.basename, tables[:2]))}): want one for each split, or one")
    if tables:
        with np.load(tables[0]) as z:
            return {k: z[k] for k in z.files}
    return {_stem(path): np.load(path, mmap_mode="r") for path in single} or None


def _stem(path: str) -> str:
    return os.path.splitext(os.path.basename(path))[0]


class Arrays:
    """Rows of arrays in an order that mixes classes: one field has images, another one targets."""

    def __init__(self, where: str, fields: Dict[str, np.ndarray], channels: int, split: str = "", order: Optional[np.ndarray] = None) -> None:
        """split is that of arrays which have none."""
        n = {len(a) for a in fields.values()}
        if len(n) != 1:
            raise ValueError(f"{where}: its arrays have {' and '.join(f'{len(a)} ({k})' for k, a in fields.items())} rows; want one for each sample")
        self.where, self.fields, self.channels = where, fields, channels
        label = next((name for name in LABELS if name in fields), None)
        rest = [name for name in fields if name != label]
        if len(rest) != 1:
            raise ValueError(f"{where}: it has the arrays {', '.join(fields)}; want one with images, and one called {LABELS[0]} with targets")
        self.x, self.y = fields[rest[0]], fields[label] if label else None
        if self.x.dtype != np.uint8 or self._shape() is None:
            raise ValueError(f"{where}: {rest[0]} is {self.x.dtype} of shape {self.x.shape}; want images of bytes with {channels} channels, such as [n, {channels}, height, width]")
        whole = self.y is not None and self.y.dtype.kind in "iub"
        self.classes = self.y.reshape(len(self.y)).astype(np.int32) if whole and self.y[:1].size == 1 else None
        self.order = self._split(split) if order is None else order
        self.labels = None if self.y is None else torch.from_numpy(self._targets(whole))
        self.digest = self._digest()

    def _split(self, split: str) -> np.ndarray:
        keys = numbered(len(self.x))
        classes = self.classes
        if classes is None or split and 5 * len(np.unique(classes)) > len(classes):  # values, such as prices: no class has a fifth
            classes = np.zeros(len(keys), np.int32)
        own = share(keys, classes, split) if split else np.arange(len(keys))
        return own[stratified(keys[own], classes[own])]

    def _shape(self) -> Optional[Tuple[int, int, int]]:
        """Channels, height and width, and by that which axis channels are."""
        k = self.x.shape[1:]
        if len(k) == 2 and self.channels == 1:
            return (1, *k)
        if len(k) == 3 and k[0] == self.channels:
            return tuple(k)
        return (k[2], k[0], k[1]) if len(k) == 3 and k[2] == self.channels else None

    def _targets(self, whole: bool) -> np.ndarray:
        if self.classes is not None:
            return self.classes[self.order].astype(np.int64)
        return np.asarray(self.y[self.order]).astype(np.int64 if whole else np.float32)

    def _digest(self) -> str:
        if self.classes is None and self.y is not None:
            return self._table(self.order)
        h = hashlib.sha256(f"{len(self)} {' '.join(map(str, self._shape()))}\n".encode())
        for i in self.order:
            h.update((f"{self._table([i])}" + (f" {self.classes[i]}\n" if self.classes is not None else "\n")).encode())
        return h.hexdigest()[:16]

    def _table(self, order: Sequence[int]) -> str:
        """Identifies rows by all their values."""
        h = hashlib.sha256(f"{len(order)} []\n".encode())
        for name, a in self.fields.items():
            kind = "bool" if a.dtype.kind == "b" else f"{a.dtype.kind}{8 * a.dtype.itemsize}"
            h.update(f"{name} {kind} false\n".encode())
        heads = [(a, f"[{' '.join(map(str, a.shape[1:]))}]\n".encode(), a.dtype.newbyteorder("<")) for a in self.fields.values()]
        for i in order:
            for a, head, kind in heads:
                h.update(head + np.ascontiguousarray(a[i], kind).tobytes())
        return h.hexdigest()[:16]

    def __len__(self) -> int:
        return len(self.order)

    def part(self, first: int, upto: int) -> "Arrays":
        return Arrays(self.where, self.fields, self.channels, order=self.order[first:upto])

    def batch(self, indices: Sequence[int]) -> Tuple[Tensor, Tensor]:
        i = np.asarray(indices, np.int64)
        x = np.asarray(self.x[self.order[i]])
        if x.ndim == 3:
            x = x[:, None]
        elif x.shape[1] != self.channels:
            x = x.transpose(0, 3, 1, 2)
        return torch.from_numpy(np.ascontiguousarray(x)), self.labels[i] if self.labels is not None else torch.zeros(len(i), 0)
