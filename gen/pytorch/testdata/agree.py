"""What TestFamilies compares with Go: outputs, stored and recalibrated, draws, texts and a file that is written back.

    python3 agree.py PACKAGE MODEL DATA OUT, with one SubNet on each line of the standard input
"""

import importlib
import json
import sys

import torch

name, model_path, folder, out = sys.argv[1:]
part = lambda module: importlib.import_module(f"{name}.{module}")
torch.set_num_threads(1)
space, data, evaluation = part("space"), part("data"), part("evaluation")
SubNet, Sampler, STRATEGIES = part("subnet").SubNet, part("sample").Sampler, part("sample").STRATEGIES
model, net = part("files").open_model(model_path)
test, train = (data.take(part("files").open_images(folder, split), n) for split, n in (("test", 3), ("train", 16)))
e = evaluation.Evaluator(space.TRANSFORM, test, train, space.SIDE, torch.device("cpu"), 8)
result = {"digest": space.DIGEST, "images": test.digest, "outputs": [], "draws": [], "texts": []}


def scores(s):
    (x,) = e.inputs(test, s.side(space.SIDE))
    with torch.no_grad():
        return net(x, s).flatten().tolist()


net.eval()
for line in sys.stdin:
    s = SubNet(space.SPACE, space.SPACE.parse(line))
    stored = scores(s)
    e.adapt(net, s)
    result["outputs"].append([stored, scores(s)])
    result["texts"].append(str(s))
    evaluation.forget(net)
for strategy in STRATEGIES:
    for one in (False, True):
        sampler = Sampler(space.SPACE, strategy, 11, 40, 4, one)
        for step in range(0, 40, 5):
            result["draws"] += [f"{strategy} {str(one).lower()} {step} {space.SPACE.format(g)}" for g in sampler.step(step)]

model.save(out, {n: t for n, t in net.initializers().items()})
sorting, coupling = part("sorting"), part("coupling")
original = SubNet(space.SPACE)
before = torch.tensor(scores(original))
sorting.sort_channels(coupling.GROUPS, net.initializers())
result["sorted"] = float((torch.tensor(scores(original)) - before).abs().max())
result["groups"] = len(coupling.GROUPS)
result["moved"] = any(bool((t != model.tensors()[n]).any()) for n, t in net.initializers().items())
json.dump(result, sys.stdout)
