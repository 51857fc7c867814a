"""Orders of samples that mix classes, alike wherever the data are."""

import hashlib
from typing import Tuple

import numpy as np


def drawn(keys: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The numbers of all samples, class by class, within a class in the order of random keys."""
    return np.lexsort((keys, labels))


def within(labels: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Of labels in order: the number of each in its class, and how many the class has."""
    _, first, counts = np.unique(labels, return_index=True, return_counts=True)
    return np.arange(len(labels)) - np.repeat(first, counts), np.repeat(counts, counts)


def stratified(keys: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """An order in which each run of samples has every class in proportion: the k-th of the n samples of a class, as drawn, stands at
    (k + 1/2) / n of the whole. Data are often sorted by class, and tools take the first samples, or those from a position on."""
    order = drawn(keys, labels)
    k, n = within(labels[order])
    return order[np.lexsort((labels[order], (2 * k + 1) / (2 * n)))]


def share(keys: np.ndarray, labels: np.ndarray, split: str) -> np.ndarray:
    """A split of samples that have none: the first fifth of each class, as drawn, for the test, the rest for training."""
    order = drawn(keys, labels)
    k, n = within(labels[order])
    return order[k < n // 5 if split == "test" else k >= n // 5]


def numbered(n: int) -> np.ndarray:
    """Random keys of samples that have numbers and no names."""
    return np.array([hashlib.sha256(str(i).encode()).digest()[:8] for i in range(n)], "S8")


def grouped(labels: np.ndarray) -> bool:
    """Whether samples of one class stand together: whether neighbours differ less than half as often as they would at random."""
    n, same = float(len(labels)), float((np.unique(labels, return_counts=True)[1].astype(np.float64) ** 2).sum())
    return 2 * float((labels[1:] != labels[:-1]).sum()) * n * n < (n - 1) * (n * n - same)
