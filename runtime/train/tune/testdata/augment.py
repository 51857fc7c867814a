"""The augmentations of augment.go, randaugment.go and mix.go again, in numpy and Pillow: reads cases as JSON lines, writes the bytes in hexadecimal."""

import json
import math
import sys

import numpy as np
from PIL import Image, ImageOps

ONE, MASK = 1 << 16, (1 << 64) - 1
MIX, IMAGE = (1 << 32) + 2, (1 << 32) + 3


class Rand:
    def __init__(self, *key):
        self.state = 0
        for v in key:
            self.state ^= v
            self.state = self.next()

    def next(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = self.state
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & MASK
        z = (z ^ z >> 27) * 0x94D049BB133111EB & MASK
        return z ^ z >> 31

    def below(self, n):
        return (self.next() >> 32) * n >> 32

    def between(self, low, high):
        return low + (high - low) * (self.below(ONE) / ONE)


def half_up(x):
    return math.floor(x + 0.5)


def crop(x, least, r):
    _, h, w = x.shape
    s, q = math.sqrt(r.between(least, 1)), r.between(math.sqrt(0.75), math.sqrt(4 / 3))
    ph, pw = max(1, min(h, half_up(h * (s / q)))), max(1, min(w, half_up(w * (s * q))))
    top, left = r.below(h - ph + 1), r.below(w - pw + 1)
    if least <= 0:
        return x
    parts = [Image.fromarray(p).crop((left, top, left + pw, top + ph)).resize((w, h), Image.BILINEAR) for p in x]
    return np.stack([np.asarray(p) for p in parts])


def blend(a, b, factor):
    return np.clip((np.asarray(a, np.int64) * (ONE - factor) + b.astype(np.int64) * factor + ONE // 2) >> 16, 0, 255).astype(np.uint8)


def grey(x):
    if len(x) != 3:
        return x[0]
    return np.asarray(Image.fromarray(x.transpose(1, 2, 0)).convert("L"))


def brightness(x, f):
    return blend(np.zeros_like(x), x, f)


def contrast(x, f):
    return blend(np.uint8(int(grey(x).mean(dtype=np.float64) + 0.5)), x, f)


def saturation(x, f):
    return blend(grey(x)[None], x, f) if len(x) == 3 else x


def jitter(x, most, r):
    for enhance in (brightness, contrast, saturation):
        f = half_up(r.between(1 - most, 1 + most) * ONE)
        if most > 0:
            x = enhance(x, f)
    return x


def affine(x, *coefficients):
    a, b, c, d, e, f = (half_up(v * ONE) for v in coefficients)
    n, h, w = x.shape
    cy, cx = np.mgrid[0:h, 0:w].astype(np.int64) * 2 + 1 - np.array([h, w]).reshape(2, 1, 1)
    sx, sy = (a * cx + b * cy + 2 * c + w * ONE) >> 17, (d * cx + e * cy + 2 * f + h * ONE) >> 17
    inside = (sx >= 0) & (sx < w) & (sy >= 0) & (sy < h)
    return np.where(inside, x[:, np.clip(sy, 0, h - 1), np.clip(sx, 0, w - 1)], 0).astype(np.uint8)


def rotate(x, s, sign):
    angle = sign * s * 30 * math.pi / 180
    return affine(x, math.cos(angle), math.sin(angle), 0, -math.sin(angle), math.cos(angle), 0)


def sharpness(x, f):
    smooth, y = x.copy(), x.astype(np.int64)
    n, h, w = x.shape
    total = sum(y[:, i : h - 2 + i, j : w - 2 + j] for i in range(3) for j in range(3)) + 4 * y[:, 1:-1, 1:-1] + 6
    smooth[:, 1:-1, 1:-1] = total // 13
    return blend(smooth, x, f)


def each(f):
    return lambda x, s, sign: np.stack([np.asarray(f(Image.fromarray(p), s)) for p in x])


def autocontrast(x, s, sign):
    out = x.copy()
    for c, p in enumerate(x):
        low, high = int(p.min()), int(p.max())
        if high > low:
            out[c] = (p.astype(np.int64) - low) * 255 // (high - low)
    return out


def factor(s, sign):
    return half_up((1 + sign * 0.9 * s) * ONE)


OPERATIONS = [
    lambda x, s, sign: x,
    lambda x, s, sign: affine(x, 1, sign * 0.3 * s, 0, 0, 1, 0),
    lambda x, s, sign: affine(x, 1, 0, 0, sign * 0.3 * s, 1, 0),
    lambda x, s, sign: affine(x, 1, 0, sign * math.floor(150 / 331 * x.shape[2] * s), 0, 1, 0),
    lambda x, s, sign: affine(x, 1, 0, 0, 0, 1, sign * math.floor(150 / 331 * x.shape[1] * s)),
    rotate,
    lambda x, s, sign: brightness(x, factor(s, sign)),
    lambda x, s, sign: saturation(x, factor(s, sign)),
    lambda x, s, sign: contrast(x, factor(s, sign)),
    lambda x, s, sign: sharpness(x, factor(s, sign)),
    each(lambda p, s: ImageOps.posterize(p, 8 - half_up(4 * s))),
    each(lambda p, s: ImageOps.solarize(p, 255 - half_up(255 * s))),
    autocontrast,
    each(lambda p, s: ImageOps.equalize(p)),
]


def operate(x, magnitude, r):
    op, sign = OPERATIONS[r.below(len(OPERATIONS))], 1 - 2 * r.below(2)
    r.next()
    return op(x, magnitude / 30, sign)


def change(x, o, r):
    x = jitter(crop(x, o.get("crop", 0), r), o.get("jitter", 0), r)
    for _ in range(o.get("rand_augment", 0)):
        x = operate(x, o.get("magnitude", 0), r)
    return x


def mix(x, o, seed, step):
    mixup, cutmix = o.get("mixup", 0), o.get("cutmix", 0)
    n, _, h, w = x.shape
    if mixup <= 0 and cutmix <= 0:
        return x, ONE
    r = Rand(seed, step, MIX)
    second = r.below(2) == 1
    cut = cutmix > 0 and (second or mixup <= 0)
    alpha = cutmix if cut else mixup
    while True:
        a, b = ((((r.below(ONE)) + 0.5) / ONE) ** (1 / alpha) for _ in range(2))
        if 0 < a + b <= 1:
            break
    share = half_up(a / (a + b) * ONE)
    if not cut:
        return blend(x[::-1], x, share), share
    side = math.sqrt((ONE - share) / ONE)
    bh, bw = int(side * h), int(side * w)
    cy, cx = r.below(h), r.below(w)
    top, left, bottom, right = max(0, cy - bh // 2), max(0, cx - bw // 2), min(h, cy - bh // 2 + bh), min(w, cx - bw // 2 + bw)
    out = x.copy()
    out[:, :, top:bottom, left:right] = x[::-1, :, top:bottom, left:right]
    return out, ONE - (bottom - top) * (right - left) * ONE // (h * w)


for line in sys.stdin:
    case = json.loads(line)
    x = np.frombuffer(bytes.fromhex(case["pixels"]), np.uint8).reshape(case["shape"])
    seed, step, o = case["seed"], case["step"], case["options"]
    x = np.stack([change(one, o, Rand(seed, step, IMAGE, i)) for i, one in enumerate(x)])
    x, share = mix(x, o, seed, step)
    print(json.dumps({"pixels": x.tobytes().hex(), "share": share}))
