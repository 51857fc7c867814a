"""Writes data/train.npz and data/test.npz: scenes composed of images of Fashion-MNIST.

    python3 prepare.py ../../data/fashion-mnist data

A scene has 48 x 48 pixels: up to three garments lie at random places on a grey ground. The mask has a class for each pixel: 0 is the ground, 1 to 10 are the
classes of Fashion-MNIST. Garments of the test split are in no scene of the training split.
"""
import gzip
import pathlib
import sys

import numpy as np

SIDE = 48


def garments(folder, split):
    """Images and classes of a split of Fashion-MNIST."""
    def read(name, header):
        return np.frombuffer(gzip.decompress(pathlib.Path(folder, name).read_bytes()), np.uint8, offset=header)
    return read(f"{split}-images-idx3-ubyte.gz", 16).reshape(-1, 28, 28), read(f"{split}-labels-idx1-ubyte.gz", 8)


def scene(images, classes, random):
    """A picture and its mask."""
    picture = np.full((SIDE, SIDE), random.integers(0, 64), np.uint8)
    mask = np.zeros((SIDE, SIDE), np.uint8)
    for _ in range(random.integers(1, 4)):
        i = random.integers(len(images))
        image = images[i][:, :: random.choice([1, -1])]
        top, left = random.integers(0, SIDE - 28 + 1, 2)
        inside = image > 16
        picture[top : top + 28, left : left + 28][inside] = image[inside]
        mask[top : top + 28, left : left + 28][inside] = classes[i] + 1
    return picture, mask


def scenes(images, classes, random, n):
    pictures, masks = zip(*(scene(images, classes, random) for _ in range(n)))
    return np.stack(pictures), np.stack(masks)


def main(folder, out):
    for split, source, n, seed in (("train", "train", 2000, 1), ("test", "t10k", 500, 2)):
        pictures, masks = scenes(*garments(folder, source), np.random.default_rng(seed), n)
        np.savez_compressed(pathlib.Path(out, split + ".npz"), x=pictures, mask=masks)
        print(split, len(pictures), "scenes,", f"{(masks == 0).mean():.2f} of the pixels are ground")


if __name__ == "__main__":
    main(*sys.argv[1:])
