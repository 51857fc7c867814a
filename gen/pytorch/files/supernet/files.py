"""Opens what commands work on, and reports mistakes in one line."""

import argparse
import hashlib
import os
import sys
from typing import Callable, Tuple

import torch

from . import space
from .data import open_split
from .model import SuperNet
from .onnxfile import Model


def parser(doc: str) -> argparse.ArgumentParser:
    """A parser whose help is a command's docstring: a line, then examples and what else there is to know."""
    first, _, rest = doc.split("\n", 2)
    return argparse.ArgumentParser(description=first, epilog=rest, formatter_class=argparse.RawDescriptionHelpFormatter)


def main(run: Callable[[], int]) -> None:
    """Runs a command; mistakes of the user become one line and exit code 1."""
    try:
        code = run()
    except KeyboardInterrupt:
        code = 130
    except (ValueError, OSError, RuntimeError) as e:
        print(f"{os.path.basename(sys.argv[0])}: {e}", file=sys.stderr)
        code = 1
    sys.exit(code)


def sha256(path: str) -> str:
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


def shown(path: str) -> str:
    """The name of a file in tables: its base name unless it lies below the working folder."""
    local = not os.path.isabs(path) and ".." not in path.replace(os.sep, "/").split("/")
    return path if local else os.path.basename(path)


def open_model(path: str, device: torch.device = torch.device("cpu")) -> Tuple[Model, SuperNet]:
    """The ONNX file and a SuperNet with its weights."""
    model = Model(path)
    try:
        net = SuperNet().load(model.tensors())
    except ValueError as e:
        raise ValueError(f"{path}: {e}; this package is of {space.SOURCE}") from e
    return model, net.to(device)


def open_images(folder: str, split: str, margin: int = 0):
    """A split of a data set that fits the model's input."""
    if space.BATCH:
        raise ValueError(f"the model's batch is fixed at {space.BATCH}: export it with an open batch axis to tune it")
    side = space.SIDE - 2 * space.TRANSFORM.pad
    images = open_split(folder, split, side + margin, space.CHANNELS, space.TRANSFORM.resize)
    if images.labels is None and space.TASK != "original":
        raise ValueError(f'{folder}: there are no targets in it; task = "original" in autotailor.toml needs none')
    pixels, _ = images.batch([0])
    want = (space.CHANNELS, side, side)
    if margin == 0 and tuple(pixels.shape[1:]) != want:
        raise ValueError(f"{folder}: images of shape {tuple(pixels.shape[1:])}, the model's input is {want} before padding")
    return images
