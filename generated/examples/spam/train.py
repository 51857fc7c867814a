"""Trains the encoder on data/train.jsonl and exports model.onnx, with PyTorch's plain exporter.

    python3 train.py data model.onnx
"""
import json
import math
import pathlib
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

TOKENS, WIDTH, HIDDEN, HEADS, LAYERS = 192, 128, 256, 4, 4
EPOCHS, BATCH, RATE = 10, 32, 1.5e-3


class Attention(nn.Module):
    """Attention of all tokens to the known ones."""

    def __init__(self):
        super().__init__()
        self.query, self.key, self.value, self.out = (nn.Linear(WIDTH, WIDTH) for _ in range(4))

    def forward(self, x, bias):
        b, n, _ = x.shape
        q, k, v = (f(x).view(b, n, HEADS, WIDTH // HEADS).transpose(1, 2) for f in (self.query, self.key, self.value))
        scores = q @ k.transpose(-1, -2) / math.sqrt(WIDTH // HEADS) + bias
        return self.out((scores.softmax(-1) @ v).transpose(1, 2).reshape(b, n, WIDTH))


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.attention = Attention()
        self.up, self.down = nn.Linear(WIDTH, HIDDEN), nn.Linear(HIDDEN, WIDTH)

    def forward(self, x, bias):
        x = x + F.dropout(self.attention(self.norm1(x), bias), 0.1, self.training)
        return x + F.dropout(self.down(F.gelu(self.up(self.norm2(x)))), 0.1, self.training)


class Encoder(nn.Module):
    """Bytes to scores of ham and spam: the mean of the known tokens decides."""

    def __init__(self):
        super().__init__()
        self.tokens, self.positions = nn.Embedding(256, WIDTH), nn.Embedding(TOKENS, WIDTH)
        self.layers = nn.ModuleList(Layer() for _ in range(LAYERS))
        self.norm, self.head = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, 2)

    def forward(self, input_ids, attention_mask):
        known = attention_mask.to(torch.float32)
        bias = (1 - known)[:, None, None, :] * -10000.0
        x = self.tokens(input_ids) + self.positions(torch.arange(input_ids.shape[1]))
        for layer in self.layers:
            x = layer(x, bias)
        known = known[:, :, None]
        return self.head((self.norm(x) * known).sum(1) / known.sum(1))


def read(path):
    """Tokens, mask and classes; ham is class 0, since classes have the order of their names."""
    rows = [json.loads(line) for line in open(path)]
    ids = torch.zeros(len(rows), TOKENS, dtype=torch.int64)
    mask = torch.zeros_like(ids)
    for i, row in enumerate(rows):
        text = row["text"].encode()[:TOKENS]
        ids[i, : len(text)] = torch.tensor(list(text))
        mask[i, : len(text)] = 1
    return ids, mask, torch.tensor([int(row["label"] == "spam") for row in rows])


def change(ids):
    """A tenth of the bytes is replaced by a 0, as in BERT's training: there are few mails."""
    return torch.where(torch.rand(ids.shape) < 0.1, torch.zeros_like(ids), ids)


def main(data, out):
    torch.manual_seed(0)
    torch.set_num_threads(1)
    ids, mask, label = read(pathlib.Path(data, "train.jsonl"))
    test = read(pathlib.Path(data, "test.jsonl"))
    model = Encoder()
    steps = EPOCHS * (len(ids) // BATCH)
    optimizer = torch.optim.AdamW(model.parameters(), RATE, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, steps, pct_start=0.15)
    start = time.time()
    for epoch in range(EPOCHS):
        model.train()
        for batch in torch.randperm(len(ids)).split(BATCH)[: len(ids) // BATCH]:
            loss = F.cross_entropy(model(change(ids[batch]), mask[batch]), label[batch], label_smoothing=0.05)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1)
            optimizer.step()
            schedule.step()
        model.eval()
        with torch.no_grad():
            right = sum((model(i, m).argmax(1) == l).sum().item() for i, m, l in zip(*(t.split(100) for t in test)))
        print(f"epoch {epoch + 1}: loss {loss.item():.3f}, {right} of {len(test[0])} right, {time.time() - start:.0f} s", flush=True)
    names = {name: {0: "batch"} for name in ("input_ids", "attention_mask", "scores")}
    torch.onnx.export(model, (ids[:1], mask[:1]), out, input_names=["input_ids", "attention_mask"], output_names=["scores"], dynamic_axes=names)


if __name__ == "__main__":
    main(*sys.argv[1:])
