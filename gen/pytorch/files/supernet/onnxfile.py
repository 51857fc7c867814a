"""Reads the tensors of an ONNX file and writes others in their place; every other byte of the file stays.

It knows just enough of the protobuf wire format to find them: ModelProto.graph (7), GraphProto.initializer (5) and node (1), whose
Constant nodes hold tensors too, and TensorProto's dims (1), data_type (2), float_data (4), int64_data (7), name (8), raw_data (9) and
external_data (13).
"""

import os
from typing import Container, Dict, Iterator, List, NamedTuple, Optional, Tuple

import numpy as np
import torch

DTYPES = {1: np.dtype("<f4"), 2: np.dtype("u1"), 3: np.dtype("i1"), 6: np.dtype("<i4"), 7: np.dtype("<i8"), 9: np.dtype("?"), 10: np.dtype("<f2"), 11: np.dtype("<f8")}


class Entry(NamedTuple):
    """Where a tensor is."""

    shape: Tuple[int, ...]
    dtype: np.dtype
    chunks: List[Tuple[int, int]]  # offset and length of its bytes, in order
    external: Optional[str]  # file that they are in, beside the model, when not in the model


def _varint(b: memoryview, at: int) -> Tuple[int, int]:
    value = shift = 0
    while True:
        byte = b[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def _fields(b: memoryview, start: int, end: int) -> Iterator[Tuple[int, int, int, int, int]]:
    """Yields number, wire type, value (of a varint), and the range of the payload of each field of a message."""
    at = start
    while at < end:
        key, at = _varint(b, at)
        number, wire, value, size = key >> 3, key & 7, 0, 0
        if wire == 0:
            first = at
            value, at = _varint(b, at)
            yield number, wire, value, first, at
            continue
        if wire == 2:
            size, at = _varint(b, at)
        elif wire in (1, 5):
            size = 8 if wire == 1 else 4
        else:
            raise ValueError(f"byte {at}: wire type {wire}")
        if at + size > end:
            raise ValueError(f"byte {at}: a field of {size} bytes does not fit")
        yield number, wire, value, at, at + size
        at += size


def _varints(b: memoryview, wire: int, value: int, lo: int, hi: int) -> List[int]:
    if wire == 0:
        return [value]
    out = []
    while lo < hi:
        v, lo = _varint(b, lo)
        out.append(v)
    return out


class Model:
    """An ONNX file in memory."""

    def __init__(self, path: str) -> None:
        self.path = path
        with open(path, "rb") as f:
            self.data = f.read()
        self.entries: Dict[str, Entry] = {}
        self._inline: Dict[str, np.ndarray] = {}  # int64_data and the like, which are no fixed bytes
        try:
            self._model(memoryview(self.data))
        except (ValueError, IndexError) as e:
            raise ValueError(f"{path}: it is no ONNX file or damaged: {e}") from e
        if not self.entries and not self._inline:
            raise ValueError(f"{path}: it has no tensors, so it is no trained ONNX model")

    def _model(self, b: memoryview) -> None:
        for number, _, _, lo, hi in _fields(b, 0, len(b)):
            if number != 7:
                continue
            for number, _, _, lo, hi in _fields(b, lo, hi):
                if number == 5:
                    self._tensor(b, lo, hi, None)
                elif number == 1:
                    self._constant(b, lo, hi)

    def _constant(self, b: memoryview, lo: int, hi: int) -> None:
        """A Constant node's tensor has the name of the node's output."""
        op, output, attributes = "", "", []
        for number, _, _, lo, hi in _fields(b, lo, hi):
            if number == 2:
                output = bytes(b[lo:hi]).decode()
            elif number == 4:
                op = bytes(b[lo:hi]).decode()
            elif number == 5:
                attributes.append((lo, hi))
        if op == "Constant":
            for lo, hi in attributes:
                for number, _, _, lo, hi in _fields(b, lo, hi):
                    if number == 5:
                        self._tensor(b, lo, hi, output)

    def _tensor(self, b: memoryview, lo: int, hi: int, name: Optional[str]) -> None:
        dims, kind, chunks, ints, external = [], 0, [], [], {}
        for number, wire, value, lo, hi in _fields(b, lo, hi):
            if number == 1:
                dims += _varints(b, wire, value, lo, hi)
            elif number == 2:
                kind = value
            elif number in (4, 9):
                chunks.append((lo, hi - lo))
            elif number in (5, 7):
                ints += _varints(b, wire, value, lo, hi)
            elif number == 8 and name is None:
                name = bytes(b[lo:hi]).decode()
            elif number == 13:
                pair = {n: bytes(b[l:h]).decode() for n, _, _, l, h in _fields(b, lo, hi)}
                external[pair.get(1, "")] = pair.get(2, "")
        if kind not in DTYPES or name is None:
            return
        if ints:
            self._inline[name] = np.array([v - (1 << 64) if v >> 63 else v for v in ints]).astype(DTYPES[kind]).reshape(dims)
            return
        if external:
            size = int(np.prod(dims, dtype=np.int64)) * DTYPES[kind].itemsize
            chunks = [(int(external.get("offset", 0)), int(external.get("length", size)))]
        self.entries[name] = Entry(tuple(dims), DTYPES[kind], chunks, external.get("location"))

    def tensors(self) -> Dict[str, torch.Tensor]:
        """All tensors by name."""
        files = {None: self.data}
        out = {name: torch.from_numpy(v.copy()) for name, v in self._inline.items()}
        for name, e in self.entries.items():
            if e.external not in files:
                with open(self._beside(self.path, e.external), "rb") as f:
                    files[e.external] = f.read()
            raw = b"".join(files[e.external][at : at + n] for at, n in e.chunks)
            out[name] = torch.from_numpy(np.frombuffer(raw, e.dtype).reshape(e.shape).copy())
        return out

    def save(self, path: str, tensors: Dict[str, torch.Tensor], new: Container[str] = ()) -> None:
        """Writes the model with other values of some tensors; new are names of float32 ones that are added where it does not have them. The
        file appears whole or not at all; external data goes beside it."""
        files, added = {None: bytearray(self.data)}, b""
        for name, t in tensors.items():
            e = self.entries.get(name)
            if e is None and (name in self._inline or name not in new):
                raise ValueError(f"{self.path}: it has no tensor {name} that could be replaced")
            if e is None:
                added += _delimited(5, _initializer(name, t))
                continue
            if tuple(t.shape) != e.shape:
                raise ValueError(f"{self.path}: {name} has the shape {e.shape}, not {tuple(t.shape)}")
            if e.external not in files:
                with open(self._beside(self.path, e.external), "rb") as f:
                    files[e.external] = bytearray(f.read())
            raw = t.detach().cpu().numpy().astype(e.dtype).tobytes()
            for at, n in e.chunks:
                files[e.external][at : at + n], raw = raw[:n], raw[n:]
        outside = {e.external for e in self.entries.values()} - {None}
        for location in sorted(outside):
            if location in files or os.path.abspath(path) != os.path.abspath(self.path):
                write(self._beside(path, location), bytes(files.get(location) or open(self._beside(self.path, location), "rb").read()))
        # Parts of a message that come one after the other are one message: a second graph adds to the first.
        write(path, bytes(files[None]) + (_delimited(7, added) if added else b""))

    @staticmethod
    def _beside(path: str, location: str) -> str:
        if os.path.isabs(location) or ".." in location.replace("\\", "/").split("/"):
            raise ValueError(f"{path}: its external data {location} is outside its folder")
        return os.path.join(os.path.dirname(path), location)


def _number(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(out) + bytes([value])


def _delimited(number: int, payload: bytes) -> bytes:
    return _number(number << 3 | 2) + _number(len(payload)) + payload


def _initializer(name: str, t: torch.Tensor) -> bytes:
    """A TensorProto of float32s."""
    dims = b"".join(_number(1 << 3) + _number(n) for n in t.shape)
    return dims + _number(2 << 3) + _number(1) + _delimited(8, name.encode()) + _delimited(9, t.detach().cpu().numpy().astype("<f4").tobytes())


def write(path: str, data: bytes) -> None:
    """Replaces a file at once."""
    tmp = f"{path}.{os.getpid()}.tmp"
    with open(tmp, "wb") as f:
        f.write(data)
        f.flush()
        os.fsync(f.fileno())
    os.replace(tmp, path)
