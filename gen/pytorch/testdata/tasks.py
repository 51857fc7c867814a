"""What TestTasks compares with Go: reads cases as JSON lines, of one network output each, and prints qualities, loss, gradient and the metric's value.

usage: tasks.py FOLDER    (that has the library of generated packages)
"""

import json
import sys

import torch

sys.path.insert(0, sys.argv[1])
from supernet.tasks import Recipe, task


def tensor(t):
    """Numbers as Go's test writes them: null is no number."""
    if t is None:
        return None
    whole = t["whole"]
    return torch.tensor([float("nan") if v is None else v for v in t["values"]], dtype=torch.int64 if whole else torch.float32).reshape(t["shape"])


for line in sys.stdin:
    case = json.loads(line)
    out, y, teacher = (tensor(case[k]) for k in ("out", "targets", "teacher"))
    t = task(case["task"], case["metric"], y, case.get("end", ""))
    out.requires_grad_()
    loss = t.loss(t.logits(out), y, None if teacher is None else t.logits(teacher), Recipe(case["smoothing"], case["distil"], case["alpha"]))
    loss.backward()
    q = t.quality(out.detach() if t.exact else t.logits(out.detach()), teacher if t.from_original else y)
    print(json.dumps({
        "loss": float(loss), "gradient": out.grad.flatten().tolist(), "quality": q.tolist(), "value": t.value(float(q.mean())),
        "count": t.count(float(q.sum()), len(out)),
    }))
