"""Trains a U-Net on scenes as prepare.py composes them, new ones in each step, and exports model.onnx, with PyTorch's plain exporter.

    python3 train.py ../../data/fashion-mnist data model.onnx
"""
import pathlib
import sys
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from prepare import SIDE, garments, scenes

WIDTHS = (16, 32, 64, 96)
CLASSES = 11
STEPS, BATCH, RATE = 1500, 32, 4e-3
MEAN, STD = 0.25, 0.27  # of the pixels, from 0 to 1


def double(inputs, width):
    """Two convolutions, each with normalisation and ReLU."""
    layers = []
    for i in (inputs, width):
        layers += [nn.Conv2d(i, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
    return nn.Sequential(*layers)


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.down = nn.ModuleList(double(i, w) for i, w in zip((1, *WIDTHS), WIDTHS))
        self.lift = nn.ModuleList(nn.ConvTranspose2d(deep, w, 2, stride=2) for w, deep in zip(WIDTHS, WIDTHS[1:]))
        self.up = nn.ModuleList(double(2 * w, w) for w in WIDTHS[:-1])
        self.head = nn.Conv2d(WIDTHS[0], CLASSES, 1)

    def forward(self, x):
        levels = []
        for down in self.down:
            x = down(F.max_pool2d(x, 2) if levels else x)
            levels.append(x)
        for i in reversed(range(len(self.up))):
            x = self.up[i](torch.cat((levels[i], self.lift[i](x)), 1))
        return self.head(x)


def tensors(pictures, masks):
    x = (torch.from_numpy(pictures)[:, None].to(torch.float32) / 255 - MEAN) / STD
    return x, torch.from_numpy(masks).to(torch.int64)


def mean_iou(scores, masks):
    """The mean over scenes of the mean over classes that a scene or its prediction has."""
    total = 0.0
    for predicted, mask in zip(scores.argmax(1), masks):
        shares = [((predicted == c) & (mask == c)).sum() / ((predicted == c) | (mask == c)).sum() for c in torch.cat((predicted, mask)).unique()]
        total += float(sum(shares) / len(shares))
    return total


def main(folder, data, out):
    torch.manual_seed(0)
    torch.set_num_threads(1)
    random = np.random.default_rng(0)
    images, classes = garments(folder, "train")
    test = np.load(pathlib.Path(data, "test.npz"))
    test = tensors(test["x"], test["mask"])
    model = UNet()
    print(sum(p.numel() for p in model.parameters()), "parameters")
    optimizer = torch.optim.AdamW(model.parameters(), RATE, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, STEPS, pct_start=0.15)
    start = time.time()
    for step in range(STEPS):
        x, mask = tensors(*scenes(images, classes, random, BATCH))
        loss = F.cross_entropy(model(x), mask)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 250 == 249:
            model.eval()
            with torch.no_grad():
                iou = sum(mean_iou(model(x), m) for x, m in zip(test[0].split(50), test[1].split(50))) / len(test[0])
            model.train()
            print(f"step {step + 1}: loss {loss.item():.3f}, mean IoU {iou:.3f} of the test split, {time.time() - start:.0f} s", flush=True)
    model.eval()
    axes = {name: {0: "batch"} for name in ("x", "scores")}
    torch.onnx.export(model, (torch.zeros(1, 1, SIDE, SIDE),), out, input_names=["x"], output_names=["scores"], dynamic_axes=axes)


if __name__ == "__main__":
    main(*sys.argv[1:])
