"""The training loop: a step trains several SubNets on the same images and averages their gradients."""

import contextlib
import math
import os
import time
from typing import Any, Callable, Dict, List, NamedTuple, Optional

import torch
from torch import Tensor, nn

from .augment import Changes
from .data import Feed, Steps, loaded, resize
from .layers import Net
from .sample import Sampler
from .subnet import Space, SubNet
from .tasks import Classification, Recipe, Task


class Settings(NamedTuple):
    """What decides the result of a run: a checkpoint goes on with the same ones only."""

    steps: int
    strategy: str = "compound"
    subnets: int = 4
    batch: int = 64  # images in a step on each process
    world: int = 1  # processes
    seed: int = 0
    one_resolution: bool = False  # SubNets of a step share it
    optimizer: str = "adamw"
    lr: float = 1e-3
    weight_decay: float = 1e-4
    momentum: float = 0.9
    warmup: float = 0.05  # part of the steps
    clip: float = 0.0  # norm of the gradient, 0 for no bound
    label_smoothing: float = 0.1
    teacher: str = "original"  # original, largest (in place), both or none
    soft: float = 0.5  # weight of the teacher, the labels have the rest
    alpha_divergence: bool = False
    changes: Changes = Changes(shift=2, flip=True)  # of images
    ema: float = 0.0
    sort: bool = True
    transforms: bool = True  # of kernels
    amp: str = "off"
    task: str = ""
    metric: str = ""
    data: str = ""  # digest
    model: str = ""  # digest


def flat(s: Settings) -> Dict[str, Any]:
    """Settings by name, those of changes beside the others."""
    out = {**s._asdict(), **s.changes._asdict()}
    del out["changes"]
    return out


class Progress(NamedTuple):
    """What a step reports."""

    step: int
    loss: float
    lr: float


def rate(s: Settings, step: int) -> float:
    """The learning rate: linear warm-up, then cosine to zero."""
    done = (step + 1) / s.steps
    if done < s.warmup:
        return s.lr * done / s.warmup
    return s.lr * 0.5 * (1 + math.cos(math.pi * (step / s.steps - s.warmup) / (1 - s.warmup))) if step / s.steps > s.warmup else s.lr


def optimizer(s: Settings, net: Net) -> torch.optim.Optimizer:
    """Weight decay spares biases, normalisations and kernel transforms, which are near the identity."""
    spared = {id(p) for p in net.parameters() if p.dim() <= 1} | {id(p) for p in net.transforms().values()}
    params = list(net.parameters())
    groups = [{"params": [p for p in params if id(p) not in spared], "weight_decay": s.weight_decay}, {"params": [p for p in params if id(p) in spared], "weight_decay": 0.0}]
    groups = [g for g in groups if g["params"]]
    if s.optimizer == "sgd":
        return torch.optim.SGD(groups, s.lr, momentum=s.momentum, nesterov=s.momentum > 0)
    return torch.optim.AdamW(groups, s.lr)


def grad_scaler(enabled: bool):
    """torch.cuda.amp.GradScaler, which newer releases call torch.amp.GradScaler."""
    if hasattr(torch.amp, "GradScaler"):
        return torch.amp.GradScaler("cuda", enabled=enabled)
    return torch.cuda.amp.GradScaler(enabled=enabled)


AMP = {"off": None, "bf16": torch.bfloat16, "fp16": torch.float16}


class Trainer:
    """Trains a SuperNet, of which teacher is a frozen copy with the original's weights."""

    def __init__(self, settings: Settings, space: Space, net: Net, teacher: Optional[Net], images, transform, side: int, device: torch.device, rank: int = 0, workers: Optional[int] = None, task: Optional[Task] = None) -> None:
        self.settings, self.space, self.net, self.teacher = settings, space, net, teacher
        self.images, self.transform, self.side, self.device, self.rank, self.workers = images, transform, side, device, rank, workers
        self.task, self.recipe = task or Classification(), Recipe(settings.label_smoothing, settings.soft, settings.alpha_divergence)
        self.sampler = Sampler(space, settings.strategy, settings.seed, settings.steps, settings.subnets, settings.one_resolution)
        self.optimizer = optimizer(settings, net)
        self.scaler = grad_scaler(settings.amp == "fp16")
        self.average = {n: t.detach().clone() for n, t in net.initializers().items()} if settings.ema else None
        self.step = 0

    def run(self, report: Callable[[Progress], bool]) -> bool:
        """Trains from the current step to the end; stops, with False, when report returns False."""
        s = self.settings
        self.net.train()
        steps = Steps(len(self.images), s.seed, self.step, s.steps, s.batch, self.rank, s.world)
        feed = Feed(self.images, steps, s.changes, self.transform.pad, s.seed)
        for pixels, labels, own in loaded(feed, self.workers):
            loss = self._step(pixels, labels, own)
            self.step += 1
            if not report(Progress(self.step, loss, self.optimizer.param_groups[0]["lr"])):
                return False
        return True

    def _step(self, pixels: Tensor, labels: Tensor, own: float) -> float:
        s = self.settings
        lr = rate(s, self.step)
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        x, y = self.transform._replace(pad=0)(pixels.to(self.device, non_blocking=True)), labels.to(self.device, non_blocking=True)
        nets = [SubNet(self.space, g) for g in self.sampler.step(self.step)]
        soft = self._soft(x)
        total = torch.zeros((), device=self.device)
        self.optimizer.zero_grad(set_to_none=True)
        for k, net in enumerate(nets):
            with self._autocast():
                out = self.net(resize(x, net.side(self.side)), net).float()
            loss = self._loss(out, y, own, soft)
            self.scaler.scale(loss / len(nets)).backward()
            if s.teacher in ("largest", "both") and k == 0 and not self.task.from_original:  # in-place distillation: the largest teaches the others
                soft = out.detach()
            total += loss.detach() / len(nets)
        if s.world > 1:
            self._average()
        if s.clip:
            self.scaler.unscale_(self.optimizer)
            nn.utils.clip_grad_norm_(self.net.parameters(), s.clip)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self._follow()
        return float(total)

    def _average(self) -> None:
        """Averages the gradients of all processes, once for all SubNets of a step. torch's DistributedDataParallel would do it after
        each one: between accumulating SubNets it loses track of which parameters the earlier ones used. The SubNets, and by that the
        parameters with gradients, are the same on all processes."""
        grads = [p.grad for p in self.net.parameters() if p.grad is not None]
        flat = torch.cat([g.flatten() for g in grads])
        torch.distributed.all_reduce(flat)
        for g, part in zip(grads, (flat / self.settings.world).split([g.numel() for g in grads])):
            g.copy_(part.view_as(g))

    def _autocast(self):
        dtype = AMP[self.settings.amp]
        return torch.autocast(self.device.type, dtype) if dtype else contextlib.nullcontext()

    @torch.no_grad()
    def _soft(self, x: Tensor) -> Optional[Tensor]:
        """The original's outputs, if it teaches."""
        if self.teacher is None:
            return None
        with self._autocast():
            return self.teacher(resize(x, self.side), SubNet(self.space)).float()

    def _loss(self, out: Tensor, labels: Tensor, own: float, soft: Optional[Tensor]) -> Tensor:
        """The task's loss; of mixed images that for both labels, by their shares."""
        out, soft = self.task.logits(out), None if soft is None else self.task.logits(soft)
        loss = self.task.loss(out, labels, soft, self.recipe)
        return loss if own == 1 else own * loss + (1 - own) * self.task.loss(out, labels.flip(0), soft, self.recipe)

    @torch.no_grad()
    def _follow(self) -> None:
        """Moves the average of the weights, faster at the start."""
        if self.average is None:
            return
        d = min(self.settings.ema, (1 + self.step) / (10 + self.step))
        for name, t in self.net.initializers().items():
            if t.is_floating_point():
                self.average[name].mul_(d).add_(t.detach(), alpha=1 - d)

    def weights(self) -> Dict[str, Tensor]:
        """The result: the average of the weights if there is one."""
        return self.average if self.average is not None else self.net.initializers()

    def save(self, path: str) -> None:
        """Writes a checkpoint at once."""
        state: Dict[str, Any] = {
            "format": 2, "settings": flat(self.settings), "step": self.step, "optimizer": self.optimizer.state_dict(), "scaler": self.scaler.state_dict(),
            "net": {n: t.detach() for n, t in self.net.initializers().items()}, "average": self.average,
        }
        tmp = f"{path}.{os.getpid()}.tmp"
        torch.save(state, tmp)
        os.replace(tmp, path)

    def resume(self, path: str) -> None:
        """Goes on where a checkpoint stopped."""
        state = torch.load(path, map_location=self.device)
        if state.get("format") != 2:
            raise ValueError(f"{path}: another version wrote it, which drew other images; finish it with that, or remove it")
        mine, its = flat(self.settings), state.get("settings", {})
        differ = [f"{k} {its.get(k)!r}, now {v!r}" for k, v in mine.items() if its.get(k) != v]
        if differ:
            raise ValueError(f"{path} was begun with other settings: {'; '.join(differ)}; finish it with its own, or remove it")
        self.net.load(state["net"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scaler.load_state_dict(state["scaler"])
        self.average, self.step = state["average"], state["step"]


class Meter:
    """Throughput and time left."""

    def __init__(self, first: int, steps: int, images_per_step: int) -> None:
        self.first, self.steps, self.per_step, self.start = first, steps, images_per_step, time.monotonic()

    def text(self, p: Progress) -> str:
        spent = max(time.monotonic() - self.start, 1e-9)
        speed = (p.step - self.first) / spent
        left = int((self.steps - p.step) / max(speed, 1e-9))
        return f"step {p.step}/{self.steps}  loss {p.loss:.4f}  lr {p.lr:.2e}  {speed * self.per_step:,.0f} images/s  left {left // 3600}:{left // 60 % 60:02}:{left % 60:02}"


def report_subnets(space: Space, random: int, seed: int = 1) -> Dict[str, List[SubNet]]:
    """The SubNets that tuning is judged by."""
    smallest = [len(c.values) - 1 for c in space.choices]
    out = {"largest": [SubNet(space)], "smallest": [SubNet(space, smallest)]}
    if "resolution" in space.at:
        smallest[space.at["resolution"]] = 0
        out["smallest at the original resolution"] = [SubNet(space, smallest)]
    drawn = Sampler(space, "random", seed, max(random, 1), 1)
    if random:
        out[f"mean of {random} random"] = [SubNet(space, drawn.step(k)[0]) for k in range(random)]
    return out
