"""Changes of training images, the same bytes as Go's runtime/train/tune for the same seed and step, where their formulas are explained.

Everything is arithmetic on whole numbers, and fractions are counted in 1/65536. Random numbers follow from the seed, the step and the number of the
image in its step, which of several processes have a part.
"""

import math
from typing import NamedTuple, Tuple

import numpy as np

from .sample import GAMMA, MASK, Rand

ONE = 1 << 16  # 1 as a fraction
OF_AUGMENT, OF_MIX, OF_IMAGE = (1 << 32) + 1, (1 << 32) + 2, (1 << 32) + 3  # the third numbers of keys of Rand
MAX_MAGNITUDE = 30


class Changes(NamedTuple):
    """How training images are changed; zeros change nothing."""

    shift: int = 0  # pixels of black around that images are cropped from
    flip: bool = False  # half of them
    erase: float = 0.0  # share of images that lose a rectangle
    crop: float = 0.0  # least share of the area that a random part has, which is scaled to the image's size
    jitter: float = 0.0  # most that brightness, contrast and saturation change by, as a share
    rand_augment: int = 0  # operations of RandAugment
    magnitude: int = 9  # of these, from 0 to 30
    mixup: float = 0.0  # parameter of the Beta distribution of the shares of mixed images
    cutmix: float = 0.0  # likewise, of images that get a rectangle of another one

    def check(self) -> None:
        for name, bad, want in (
            ("shift", not 0 <= self.shift <= 64, "a number of pixels from 0 to 64"), ("erase", not 0 <= self.erase <= 1, "a share from 0 to 1"),
            ("crop", not 0 <= self.crop <= 1, "a share of the area from 0 to 1 (pixels of a border are --shift)"), ("jitter", not 0 <= self.jitter <= 1, "a share from 0 to 1"),
            ("rand_augment", not 0 <= self.rand_augment <= 16, "a number of operations from 0 to 16"), ("magnitude", not 0 <= self.magnitude <= MAX_MAGNITUDE, "a number from 0 to 30"),
            ("mixup", not 0 <= self.mixup < 2, "a number from 0 to below 2"), ("cutmix", not 0 <= self.cutmix < 2, "a number from 0 to below 2"),
        ):
            if bad:
                raise ValueError(f"--{name.replace('_', '-')} {getattr(self, name)}: want {want}")

    def __call__(self, x: np.ndarray, pad: int, seed: int, step: int, first: int = 0) -> Tuple[np.ndarray, int]:
        """The images [n, channels, h, w] of a step, of which x has those from number first on, with black of pad pixels around, and the share
        of their own targets: image i is mixed with the last but i."""
        if self.crop or self.jitter or self.rand_augment:
            x = np.stack([self._change(one, Rand(seed, step, OF_IMAGE, first + i)) for i, one in enumerate(x)])
        x = self._place(x, pad, seed, step, first)
        return mix(x, self.mixup, self.cutmix, Rand(seed, step, OF_MIX))

    def _change(self, x: np.ndarray, r: Rand) -> np.ndarray:
        x = jitter(crop(x, self.crop, r), self.jitter, r)
        for _ in range(self.rand_augment):
            x = operate(x, self.magnitude, r)
        return x

    def _place(self, x: np.ndarray, pad: int, seed: int, step: int, first: int) -> np.ndarray:
        """Shifts, mirrors and erases. Each image takes eight numbers of one generator."""
        r = Rand(seed, step, OF_AUGMENT)
        r.state = (r.state + 8 * first * GAMMA) & MASK
        n, c, h, w = x.shape
        h, w = h + 2 * pad, w + 2 * pad
        wide = np.pad(x, ((0, 0), (0, 0), (pad + self.shift,) * 2, (pad + self.shift,) * 2))
        out = np.empty((n, c, h, w), np.uint8)
        for i in range(n):
            dy, dx = (r.below(2 * self.shift + 1) for _ in range(2))  # from the other side, since the window moves instead of the image
            flip, erase = r.below(2) == 1 and self.flip, r.below(1 << 20) < self.erase * (1 << 20)
            top, left, rows, columns = r.below(h), r.below(w), 1 + r.below(max(1, h // 3)), 1 + r.below(max(1, w // 3))
            one = wide[i, :, 2 * self.shift - dy :, 2 * self.shift - dx :][:, :h, :w]
            out[i] = one[:, :, ::-1] if flip else one
            if erase:
                out[i, :, top : top + rows, left : left + columns] = 0
        return out


def share(r: Rand) -> float:
    """A fraction from 0 to below 1."""
    return r.below(ONE) / ONE


def between(low: float, high: float, r: Rand) -> float:
    return low + (high - low) * share(r)


def rounded(x: float) -> int:
    return math.floor(x + 0.5)


def crop(x: np.ndarray, least: float, r: Rand) -> np.ndarray:
    """A random part of at least that share of the area, of a ratio of width to height from 3/4 to 4/3, scaled to the image's size."""
    from PIL import Image

    _, h, w = x.shape
    s, q = math.sqrt(between(least, 1, r)), between(math.sqrt(0.75), math.sqrt(4.0 / 3), r)
    rows, columns = max(1, min(h, rounded(h * (s / q)))), max(1, min(w, rounded(w * (s * q))))
    top, left = r.below(h - rows + 1), r.below(w - columns + 1)
    if least <= 0:
        return x
    part = np.ascontiguousarray(x[:, top : top + rows, left : left + columns])
    return np.stack([np.asarray(Image.fromarray(channel).resize((w, h), Image.BILINEAR)) for channel in part])


def blend(a: np.ndarray, b: np.ndarray, factor: int) -> np.ndarray:
    """a + (b-a)*factor in bytes."""
    mixed = a.astype(np.int32) * (ONE - factor) + b.astype(np.int32) * factor + ONE // 2 >> 16
    return np.clip(mixed, 0, 255).astype(np.uint8)


def grey(x: np.ndarray) -> np.ndarray:
    """The luma of an image [3, h, w] as Pillow has it; of others the first channel."""
    if len(x) != 3:
        return x[0]
    red, green, blue = x.astype(np.uint32)
    return (19595 * red + 38470 * green + 7471 * blue + ONE // 2 >> 16).astype(np.uint8)


def brightness(x: np.ndarray, factor: int) -> np.ndarray:
    return blend(np.zeros_like(x), x, factor)


def contrast(x: np.ndarray, factor: int) -> np.ndarray:
    g = grey(x)
    return blend(np.full_like(x, (2 * int(g.sum(dtype=np.int64)) + g.size) // (2 * g.size)), x, factor)


def saturation(x: np.ndarray, factor: int) -> np.ndarray:
    return blend(np.broadcast_to(grey(x), x.shape), x, factor) if len(x) == 3 else x


def jitter(x: np.ndarray, most: float, r: Rand) -> np.ndarray:
    """Changes brightness, contrast and saturation, each by a factor from 1-most to 1+most."""
    for enhance in (brightness, contrast, saturation):
        factor = rounded(between(1 - most, 1 + most, r) * ONE)
        if most > 0:
            x = enhance(x, factor)
    return x


def affine(x: np.ndarray, *coefficients: float) -> np.ndarray:
    """Moves pixels: that at (x, y), measured from the centre, comes from (a*x + b*y + c, d*x + e*y + f)."""
    a, b, c, d, e, f = (rounded(v * ONE) for v in coefficients)
    _, h, w = x.shape
    cy, cx = 2 * np.arange(h)[:, None] + 1 - h, 2 * np.arange(w) + 1 - w  # twice the place
    sx, sy = a * cx + b * cy + 2 * c + w * ONE >> 17, d * cx + e * cy + 2 * f + h * ONE >> 17
    inside = (sx >= 0) & (sx < w) & (sy >= 0) & (sy < h)
    return np.where(inside, x[:, sy.clip(0, h - 1), sx.clip(0, w - 1)], 0).astype(np.uint8)


def rotate(x: np.ndarray, strength: float, sign: int) -> np.ndarray:
    angle = sign * strength * 30 * math.pi / 180
    return affine(x, math.cos(angle), math.sin(angle), 0, -math.sin(angle), math.cos(angle), 0)


def sharpness(x: np.ndarray, factor: int) -> np.ndarray:
    """Blends with a smooth image, whose edge is the image's own."""
    smooth, y = x.copy(), x.astype(np.int32)
    _, h, w = x.shape
    total = sum(y[:, i : max(i, h - 2 + i), j : max(j, w - 2 + j)] for i in range(3) for j in range(3)) + 4 * y[:, 1:-1, 1:-1] + 6
    smooth[:, 1:-1, 1:-1] = total // 13
    return blend(smooth, x, factor)


def autocontrast(x: np.ndarray) -> np.ndarray:
    """Stretches each channel to all levels."""
    low, high = (f(x, axis=(1, 2), keepdims=True).astype(np.int32) for f in (np.min, np.max))
    return np.where(high > low, (x.astype(np.int32) - low) * 255 // np.maximum(high - low, 1), x).astype(np.uint8)


def equalize(x: np.ndarray) -> np.ndarray:
    """Spreads the levels of each channel evenly, as Pillow's ImageOps.equalize does."""
    out = x.copy()
    for c, channel in enumerate(x):
        counts = np.bincount(channel.ravel(), minlength=256)
        used = counts[counts > 0]
        step = (int(counts.sum()) - int(used[-1])) // 255
        if len(used) > 1 and step:
            before = step // 2 + np.concatenate(([0], np.cumsum(counts)[:-1]))
            out[c] = np.minimum(before // step, 255).astype(np.uint8)[channel]
    return out


def _factor(strength: float, sign: int) -> int:
    return rounded((1 + sign * 0.9 * strength) * ONE)


# RandAugment's operations (Cubuk et al. 2020) with torchvision's ranges, at a strength from 0 to 1. All turn and move around the centre, take the nearest
# pixel, and leave black outside.
OPERATIONS = (
    lambda x, s, sign: x,
    lambda x, s, sign: affine(x, 1, sign * 0.3 * s, 0, 0, 1, 0),
    lambda x, s, sign: affine(x, 1, 0, 0, sign * 0.3 * s, 1, 0),
    lambda x, s, sign: affine(x, 1, 0, sign * math.floor(150.0 / 331 * x.shape[2] * s), 0, 1, 0),
    lambda x, s, sign: affine(x, 1, 0, 0, 0, 1, sign * math.floor(150.0 / 331 * x.shape[1] * s)),
    rotate,
    lambda x, s, sign: brightness(x, _factor(s, sign)),
    lambda x, s, sign: saturation(x, _factor(s, sign)),
    lambda x, s, sign: contrast(x, _factor(s, sign)),
    lambda x, s, sign: sharpness(x, _factor(s, sign)),
    lambda x, s, sign: x & (0xFF << rounded(4 * s) & 0xFF),  # posterize
    lambda x, s, sign: np.where(x < 255 - rounded(255 * s), x, 255 - x),  # solarize
    lambda x, s, sign: autocontrast(x),
    lambda x, s, sign: equalize(x),
)


def operate(x: np.ndarray, magnitude: int, r: Rand) -> np.ndarray:
    """Draws an operation and applies it."""
    op, sign = OPERATIONS[r.below(len(OPERATIONS))], 1 - 2 * r.below(2)
    r.next()
    return op(x, magnitude / MAX_MAGNITUDE, sign)


def beta(alpha: float, r: Rand) -> int:
    """A draw from the Beta distribution with both parameters alpha, by Jöhnk's method."""
    while True:
        x, y = (((r.below(ONE) + 0.5) / ONE) ** (1 / alpha) for _ in range(2))
        if 0 < x + y <= 1:
            return rounded(x / (x + y) * ONE)


def mix(x: np.ndarray, mixup: float, cutmix: float, r: Rand) -> Tuple[np.ndarray, int]:
    """Mixes images with those from the other end, and returns their own share."""
    _, _, h, w = x.shape
    if mixup <= 0 and cutmix <= 0:
        return x, ONE
    second = r.below(2) == 1
    cut = cutmix > 0 and (second or mixup <= 0)
    own = beta(cutmix if cut else mixup, r)
    if not cut:
        return (blend(x[::-1], x, own) if own < ONE else x), own
    side = math.sqrt((ONE - own) / ONE)
    rows, columns = int(side * h), int(side * w)
    cy, cx = r.below(h), r.below(w)
    top, left = cy - rows // 2, cx - columns // 2
    y, z = slice(max(0, top), min(h, top + rows)), slice(max(0, left), min(w, left + columns))
    out = x.copy()
    out[:, :, y, z] = x[::-1, :, y, z]
    return out, ONE - (y.stop - y.start) * (z.stop - z.start) * ONE // (h * w)
