"""Writes losses.json: losses and gradients of PyTorch for quality_test.go. Run it in this folder, with PyTorch 1.13."""
import json

import torch
import torch.nn.functional as F

torch.manual_seed(1)
cases = []


def case(name, values, other, loss, **more):
    values.requires_grad_()
    value = loss(values)
    value.backward()
    cases.append({
        "name": name, "values": values.detach().flatten().tolist(), "other": other.flatten().tolist(),
        "loss": value.item(), "gradient": values.grad.flatten().tolist(), **more,
    })


for rows, classes in ((1, 2), (3, 5), (7, 4)):
    labels = torch.randint(0, classes, (rows,))
    if rows > 3:
        labels[2] = -100
    for smoothing in (0.0, 0.1):
        case("CrossEntropy", torch.randn(rows, classes) * 3, labels, lambda x: F.cross_entropy(x, labels, label_smoothing=smoothing),
             classes=classes, smoothing=smoothing)
    teacher = torch.randn(rows, classes) * 3
    case("Divergence", torch.randn(rows, classes) * 3, teacher,
         lambda x: F.kl_div(F.log_softmax(x, 1), F.log_softmax(teacher, 1), reduction="batchmean", log_target=True), classes=classes)
targets = torch.randint(0, 2, (9,)).float()
case("Binary", torch.randn(9) * 4, targets, lambda x: F.binary_cross_entropy_with_logits(x, targets))
teacher = torch.randn(9) * 4
case("BinaryDivergence", torch.randn(9) * 4, teacher, lambda x: F.binary_cross_entropy_with_logits(x, teacher.sigmoid())
     - F.binary_cross_entropy_with_logits(teacher, teacher.sigmoid()))
wanted = torch.randn(11)
case("Squared", torch.randn(11), wanted, lambda x: F.mse_loss(x, wanted))
case("Absolute", torch.randn(11), wanted, lambda x: F.l1_loss(x, wanted))
case("Angle", torch.randn(11), wanted, lambda x: 1 - F.cosine_similarity(x, wanted, dim=0))
case("Relative", torch.randn(11), wanted, lambda x: ((x - wanted) ** 2).sum() / ((wanted ** 2).sum() + 1e-6 * 11))
case("Near", wanted + 0.1 * torch.randn(11), wanted, lambda x: 1 - (x - wanted).norm() / wanted.norm())
with open("losses.json", "w") as f:
    json.dump(cases, f)
