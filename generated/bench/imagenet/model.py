"""Writes a MobileNetV2 of half the width with random weights as ONNX: 224 pixels, 1,000 classes.

usage: model.py OUT
"""
import sys

import torch
from torch import nn


def conv(i, o, k, stride=1, groups=1, act=True):
    layers = [nn.Conv2d(i, o, k, stride, k // 2, groups=groups, bias=False), nn.BatchNorm2d(o)]
    return nn.Sequential(*layers, *([nn.ReLU6()] if act else []))


class Block(nn.Module):
    def __init__(self, i, o, stride, expand):
        super().__init__()
        m = i * expand
        self.body = nn.Sequential(*([conv(i, m, 1)] if expand > 1 else []), conv(m, m, 3, stride, m), conv(m, o, 1, act=False))
        self.residual = stride == 1 and i == o

    def forward(self, x):
        return x + self.body(x) if self.residual else self.body(x)


def net():
    layers, i = [conv(3, 16, 3, 2)], 16
    for expand, o, n, stride in ((1, 8, 1, 1), (6, 16, 2, 2), (6, 16, 3, 2), (6, 32, 4, 2), (6, 48, 3, 1), (6, 80, 3, 2), (6, 160, 1, 1)):
        for k in range(n):
            layers.append(Block(i, o, stride if k == 0 else 1, expand))
            i = o
    return nn.Sequential(*layers, conv(i, 1280, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1280, 1000))


torch.manual_seed(1)
model = net()
for m in model.modules():
    if isinstance(m, nn.BatchNorm2d):  # a trained model has no two alike, which the exporter would store once
        nn.init.uniform_(m.weight, 0.5, 1.5)
        nn.init.normal_(m.bias, 0, 0.1)
        m.momentum = None
with torch.no_grad():
    model(torch.randn(8, 3, 224, 224))
torch.onnx.export(model.eval(), torch.randn(1, 3, 224, 224), sys.argv[1], opset_version=13, training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False,
                  input_names=["image"], output_names=["scores"], dynamic_axes={"image": {0: "batch"}, "scores": {0: "batch"}})
