"""Counts how many images SubNets of a list classify correctly.

examples:
  python3 evaluate.py --model tuned.onnx --data DIR --out net.counts --calibrate 4096 --subnets list.txt
  python3 evaluate.py --model tuned.onnx --data DIR --out net.counts --calibrate 4096 --random 400
  torchrun --nproc_per_node 8 evaluate.py --model tuned.onnx --data DIR --out net.counts --calibrate 4096 --random 400

The list has a SubNet in text form on each line, "original" or "resolution=16,stage1.depth=2". An interrupted run goes on where it stopped.
The file is one of joint accuracies, which the Go package's commands write and read, too.
"""

from supernet import counting, files, space
from supernet.sample import Sampler
from supernet.subnet import SubNet
from tune import connect


def run() -> int:
    p = files.parser(__doc__)
    counting.add_arguments(p, "test", images=0, calibrate=2000)
    p.add_argument("--subnets", help="file with SubNets, one on each line")
    p.add_argument("--random", type=int, default=0, help="random SubNets besides")
    p.add_argument("--seed", type=int, default=1, help="of the random SubNets")
    a = p.parse_args()
    nets = []
    if a.subnets:
        with open(a.subnets) as f:
            nets = [SubNet(space.SPACE, space.SPACE.parse(line)) for line in f if line.strip()]
    drawn = Sampler(space.SPACE, "random", a.seed, max(a.random, 1), 1)
    nets += [SubNet(space.SPACE, drawn.step(k)[0]) for k in range(a.random)]
    if not nets:
        raise ValueError("there is nothing to count: give --subnets or --random")
    counting.Table("joint accuracies", a, *connect()).count(nets)
    return 0


if __name__ == "__main__":
    files.main(run)
