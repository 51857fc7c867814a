"""Fine-tunes the SuperNet: a step trains several SubNets on the same images. The result is the same ONNX file with tuned weights.

examples:
  python3 tune.py --model model.onnx --data DIR --out tuned.onnx --steps 2000
  torchrun --nproc_per_node 8 tune.py --model model.onnx --data DIR --out tuned.onnx --steps 20000 --batch 128 --amp bf16
  python3 tune.py --model model.onnx --data DIR --out tuned.onnx --steps 2000 --strategy sandwich --teacher largest --soft 1
  python3 tune.py --model model.onnx --data DIR --out tuned.onnx --steps 2000 --dry-run

DIR has IDX files as of MNIST (train-images-idx3-ubyte.gz, ...), a folder train/CLASS/*.png, or shards train*.tar. An interrupted run goes
on from its checkpoint, OUT.ckpt, when the same command is given again, and ends with the same weights.

PyTorch 1.13 with Python 3.11 (Debian 12) does not understand torchrun's own defaults: give it --redirects 9:1 --tee 9:1.
"""

import argparse
import json
import os
import signal
import sys
import time

import torch
import torch.distributed as dist

from supernet import data, evaluation, files, sorting, space, tasks, training
from supernet.augment import Changes
from supernet.coupling import GROUPS
from supernet.sample import STRATEGIES, Sampler
from supernet.subnet import SubNet


def arguments() -> argparse.Namespace:
    p = files.parser(__doc__)
    d = training.Settings(steps=0)
    c = d.changes
    p.add_argument("--model", required=True, help="ONNX file of the original, trained model")
    p.add_argument("--data", required=True, help="folder with the images")
    p.add_argument("--out", required=True, help="ONNX file to write")
    p.add_argument("--steps", type=int, required=True, help="optimizer steps")
    p.add_argument("--strategy", choices=STRATEGIES, default=d.strategy, help="how SubNets are drawn (default %(default)s)")
    p.add_argument("--subnets", type=int, default=d.subnets, help="SubNets in a step (default %(default)s)")
    p.add_argument("--batch", type=int, default=d.batch, help="images in a step on each process (default %(default)s)")
    p.add_argument("--seed", type=int, default=d.seed)
    p.add_argument("--one-resolution", action="store_true", help="SubNets of a step share a resolution")
    p.add_argument("--optimizer", choices=("adamw", "sgd"), default=d.optimizer)
    p.add_argument("--lr", type=float, default=d.lr, help="peak learning rate (default %(default)s); it falls to zero by a cosine")
    p.add_argument("--weight-decay", type=float, default=d.weight_decay)
    p.add_argument("--momentum", type=float, default=d.momentum, help="of sgd")
    p.add_argument("--warmup", type=float, default=d.warmup, help="part of the steps (default %(default)s)")
    p.add_argument("--clip", type=float, default=d.clip, help="bound of the gradient's norm, 0 for none")
    p.add_argument("--label-smoothing", type=float, default=d.label_smoothing)
    p.add_argument("--teacher", choices=("original", "largest", "both", "none"), default=d.teacher, help="largest is the SuperNet itself, in place (sandwich only); both has the original teach the largest")
    p.add_argument("--soft", type=float, default=d.soft, help="weight of the teacher against the labels (default %(default)s)")
    p.add_argument("--alpha-divergence", action="store_true", help="AlphaNet's adaptive divergence from the teacher")
    p.add_argument("--shift", type=int, default=c.shift, help="pixels of black around images that they are cropped from (default %(default)s)")
    p.add_argument("--no-flip", dest="flip", action="store_false")
    p.add_argument("--erase", type=float, default=c.erase, help="share of images that lose a random rectangle")
    p.add_argument("--crop", type=float, default=c.crop, help="least share of the area that a random part has, which is scaled to the image's size; 0 for none")
    p.add_argument("--jitter", type=float, default=c.jitter, help="most that brightness, contrast and saturation change by, as a share")
    p.add_argument("--rand-augment", type=int, default=c.rand_augment, help="operations that RandAugment does to an image")
    p.add_argument("--magnitude", type=int, default=c.magnitude, help="of these, from 0 to 30 (default %(default)s)")
    p.add_argument("--mixup", type=float, default=c.mixup, help="parameter of the Beta distribution of the shares of mixed images")
    p.add_argument("--cutmix", type=float, default=c.cutmix, help="likewise, of images that get a rectangle of another one")
    p.add_argument("--ema", type=float, default=d.ema, help="decay of the average of the weights, which is the result; 0 for none")
    p.add_argument("--no-sort", dest="sort", action="store_false", help="leave channels in their order")
    p.add_argument("--no-transforms", dest="transforms", action="store_false", help="smaller windows of kernels are the middle of the whole ones, not a learned function of them")
    p.add_argument("--amp", choices=("auto", "off", "bf16", "fp16"), default="auto", help="mixed precision; auto is bf16 or fp16 on CUDA")
    p.add_argument("--recalibrate", type=int, default=4096, help="training images that BatchNorm statistics come from (default %(default)s)")
    p.add_argument("--random", type=int, default=24, help="random SubNets in the final report (default %(default)s)")
    p.add_argument("--test", type=int, default=0, help="test images to count on, 0 for all, -1 to leave reports out")
    p.add_argument("--eval-batch", type=int, default=512, help="images that are counted at once (default %(default)s)")
    p.add_argument("--check-every", type=int, default=0, help="steps between reports of the largest and the smallest SubNet")
    p.add_argument("--save-every", type=int, default=200, help="steps between checkpoints (default %(default)s)")
    p.add_argument("--checkpoint", help="file of the checkpoint (default OUT.ckpt)")
    p.add_argument("--log", help="file that gets a JSON line for each printed line")
    p.add_argument("--print-every", type=int, default=20)
    p.add_argument("--workers", type=int, help="processes that read images, for each training process (default: its share of the cores, where images are decoded)")
    p.add_argument("--stop-after", type=int, default=0, help="stop, with a checkpoint, after that many steps; exit code 130")
    p.add_argument("--dry-run", action="store_true", help="tell what would be done")
    return p.parse_args()


class Reporter:
    """Prints on the first process, and appends to the log."""

    def __init__(self, rank: int, log: str) -> None:
        self.rank, self.log = rank, log

    def __call__(self, text: str, **values) -> None:
        if self.rank:
            return
        print(text, flush=True)
        if self.log:
            with open(self.log, "a") as f:
                f.write(json.dumps({"time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), **values}) + "\n")


def connect():
    """Joins the processes that torchrun started; returns rank, their number and the device."""
    world, rank, local = (int(os.environ.get(k, d)) for k, d in (("WORLD_SIZE", 1), ("RANK", 0), ("LOCAL_RANK", 0)))
    cuda = torch.cuda.is_available()
    device = torch.device("cuda", local) if cuda else torch.device("cpu")
    if cuda:
        torch.cuda.set_device(device)
    if world > 1:
        dist.init_process_group("nccl" if cuda else "gloo")
    return rank, world, device


def precision(wanted: str, device: torch.device) -> str:
    if wanted != "auto":
        return wanted
    if device.type != "cuda":
        return "off"
    return "bf16" if torch.cuda.is_bf16_supported() else "fp16"


def settings(a: argparse.Namespace, world: int, amp: str, digest: str) -> training.Settings:
    if a.teacher in ("largest", "both") and a.strategy != "sandwich":
        raise ValueError(f"--teacher {a.teacher} needs --strategy sandwich, whose first SubNet is the largest")
    given = {k: v for k, v in vars(a).items() if k in training.Settings._fields}
    changes = Changes(**{k: v for k, v in vars(a).items() if k in Changes._fields})
    changes.check()
    given.update(changes=changes, world=world, amp=amp, task=space.TASK, metric=space.METRIC, data=digest, model=files.sha256(a.model))
    return training.Settings(**given)


def sort(net, say) -> None:
    """Sorts channels, and makes sure that the original computes what it did."""
    net.eval()
    original, x = SubNet(space.SPACE), torch.randn(4, space.CHANNELS, space.SIDE, space.SIDE, generator=torch.Generator().manual_seed(0))
    x = x.to(next(net.parameters()).device)
    with torch.no_grad():
        before = net(x, original)
        left = sorting.sort_channels(GROUPS, net.initializers())
        after = net(x, original)
    off = float((after - before).abs().max() / before.abs().max().clamp_min(1e-6))
    if off > 1e-3:
        raise RuntimeError(f"sorting channels changed the original's outputs by {off:.2g}; use --no-sort and report this model")
    say(f"sorted {len(GROUPS) - left} of {len(GROUPS)} groups of channels; the original's outputs moved by {off:.1e}", event="sort", groups=len(GROUPS), left=left, moved=off)


def evaluate(t: training.Trainer, e: evaluation.Evaluator, nets, say, world: int) -> dict:
    """Accuracies of SubNets with the weights that would be written."""
    mine = {n: x.detach().clone() for n, x in t.net.initializers().items()} if t.average is not None else None
    if mine is not None:
        t.net.load(t.average)
    out = {}
    for name, group in nets.items():
        counts = [e.count(t.net, s, t.rank, world) for s in group]
        out[name] = sum(counts) / len(counts) / e.task.whole(len(e.images))
        say(f"{name}: {e.task.metric} {e.task.value(out[name]):.4f}", event="accuracy", step=t.step, subnet=name, accuracy=out[name], images=len(e.images), counts=counts)
    if mine is not None:
        t.net.load(mine)
    return out


def dry_run(a, s: training.Settings, images, net) -> int:
    sampler = Sampler(space.SPACE, s.strategy, s.seed, max(s.steps, 1), s.subnets, s.one_resolution)
    print(f"{space.TITLE}: {sum(p.numel() for p in net.parameters()):,} parameters, {len(space.SPACE.choices)} choices, {len(GROUPS)} groups of channels")
    print(f"{len(images):,} training images; {s.steps} steps of {s.subnets} SubNets x {s.batch * s.world} images are {s.steps * s.batch * s.world / len(images):.1f} epochs")
    for k, phase in enumerate(sampler.phases if s.strategy == "progressive" else []):
        print(f"phase {k}: {phase.growing} has its {phase.limit} largest candidates" + (f", {', '.join(phase.full)} all" if phase.full else ""))
    for k, g in enumerate(sampler.step(0)):
        print(f"step 0, SubNet {k}: {SubNet(space.SPACE, g)}")
    print(f"would write {a.out}; nothing was done")
    return 0


def run() -> int:
    a = arguments()
    rank, world, device = connect()
    say = Reporter(rank, a.log)
    torch.manual_seed(a.seed)
    if a.steps < 1 or a.batch < 1:
        raise ValueError(f"--steps {a.steps} --batch {a.batch}: want at least 1 of each")
    images = files.open_images(a.data, "train")
    s = settings(a, world, precision(a.amp, device), images.digest)
    model, net = files.open_model(a.model, device)
    if net.twofold():
        raise ValueError(f"{a.model}: it stores trained tensors and statistics once because they are equal ({', '.join(net.twofold()[:3])}): export it after training")
    if a.dry_run:
        return dry_run(a, s, images, net)
    task = tasks.task(space.TASK, space.METRIC, images.labels, space.END)
    if task.from_original and a.teacher not in ("original", "both"):
        raise ValueError(f"task {space.TASK} learns from the original: give --teacher original or both")
    teacher = None
    if a.teacher in ("original", "both"):
        teacher = files.open_model(a.model, device)[1].eval().requires_grad_(False)
    if s.sort:
        sort(net, say)
    if s.transforms:
        net.learn_transforms()
    t = training.Trainer(s, space.SPACE, net, teacher, images, space.TRANSFORM, space.SIDE, device, rank, a.workers, task)
    checkpoint = a.checkpoint or a.out + ".ckpt"
    if os.path.exists(checkpoint):
        t.resume(checkpoint)
        say(f"goes on from step {t.step} of {checkpoint}", event="resume", step=t.step)
    else:
        say(f"{space.TITLE}: {s.strategy}, {s.steps} steps of {s.subnets} SubNets x {s.batch * world} images on {world} x {device.type}, torch {torch.__version__}", event="start", settings=training.flat(s), torch=torch.__version__)
    e = None
    if a.test >= 0:
        test = files.open_images(a.data, "test")
        e = evaluation.Evaluator(space.TRANSFORM, data.take(test, a.test) if a.test else test, data.take(images, a.recalibrate) if a.recalibrate else None, space.SIDE, device, a.eval_batch, a.workers, task, teacher)
    nets = training.report_subnets(space.SPACE, a.random)
    ends = {k: v for k, v in nets.items() if len(v) == 1}
    if not train(a, t, checkpoint, e, ends, say, world):
        return 130
    accuracies = evaluate(t, e, nets, say, world) if e else {}
    if rank == 0:
        write(a, t, model, images, device)
        say(f"wrote {a.out}", event="done", step=t.step, accuracies=accuracies)
    return 0


def train(a, t: training.Trainer, checkpoint: str, e, ends, say, world: int) -> bool:
    """Trains with reports and checkpoints; False when it was stopped. A signal stops all processes after the same step."""
    stopped = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda n, _: stopped.append(n))
    meter = training.Meter(t.step, t.settings.steps, t.settings.subnets * t.settings.batch * world)
    limit = t.step + a.stop_after if a.stop_after else 0

    def report(p: training.Progress) -> bool:
        if p.step % a.print_every == 0 or p.step == t.settings.steps:
            say(meter.text(p), event="step", step=p.step, loss=p.loss, lr=p.lr)
        if e and a.check_every and p.step % a.check_every == 0 and p.step < t.settings.steps:
            evaluate(t, e, ends, say, world)
        stop = bool(stopped) or p.step == limit
        if world > 1:
            flag = torch.tensor(float(stop), device=t.device)
            dist.all_reduce(flag)
            stop = bool(flag)
        stop = stop and p.step < t.settings.steps
        if t.rank == 0 and (stop or p.step % a.save_every == 0 or p.step == t.settings.steps):
            t.save(checkpoint)
        if stop:
            say(f"stopped after step {p.step}; the same command goes on from {checkpoint}", event="stop", step=p.step)
        return not stop

    return t.run(report)


def write(a, t: training.Trainer, model, images, device: torch.device) -> None:
    """Writes the tuned weights, with the largest SubNet's statistics."""
    if t.average is not None:
        t.net.load(t.average)
    if a.recalibrate and evaluation.norms(t.net):
        e = evaluation.Evaluator(space.TRANSFORM, None, data.take(images, a.recalibrate), space.SIDE, device, a.eval_batch, a.workers)
        e.adapt(t.net, SubNet(space.SPACE))
        for m in evaluation.norms(t.net):
            m.store()
    model.save(a.out, {n: x for n, x in t.net.initializers().items() if x.is_floating_point()}, t.net.transforms())


if __name__ == "__main__":
    files.main(run)
