"""Counts what every single modification of the original costs in accuracy, on the same images, for `search --accuracy`.

examples:
  python3 sensitivity.py --model tuned.onnx --data DIR --out net.acc --calibrate 4096
  torchrun --nproc_per_node 8 sensitivity.py --model tuned.onnx --data DIR --out net.acc --calibrate 4096
  python3 sensitivity.py --model tuned.onnx --data DIR --out net.acc --calibrate 4096 --images 20000

An interrupted run goes on where it stopped. The file is the one that the Go package's commands write and read.
"""

from supernet import counting, files, space
from supernet.subnet import SubNet
from tune import connect


def run() -> int:
    p = files.parser(__doc__)
    counting.add_arguments(p, "train", images=5000, calibrate=1000)
    table = counting.Table("sensitivities", p.parse_args(), *connect())
    table.count([SubNet(space.SPACE)] + [SubNet(space.SPACE, g) for g in space.SPACE.probes()])
    return 0


if __name__ == "__main__":
    files.main(run)
