"""Writes edges.json and edges.safetensors: operations at their edges, computed by PyTorch in float64.

Usage: python edges.py FOLDER        (needs torch, numpy and safetensors)

The form is that of ops.json: ties, extents 0 and 1, broadcasting, many einsums, large and tiny numbers, all
reductions. Left out is where NumPy and PyTorch differ (the sign of NaN) and gradients that PyTorch makes NaN.
"""
import json
import sys

import numpy
import torch
import torch.nn.functional as F
from safetensors.torch import save_file

torch.set_default_dtype(torch.float64)
source = torch.Generator().manual_seed(5)
cases, tensors = [], {}


def floats(*shape, lo=-2.0, hi=2.0):
    return lo + (hi - lo) * torch.rand(shape, generator=source)


def ints(*shape, hi):
    return torch.randint(0, hi, shape, generator=source, dtype=torch.int32)


def describe(x):
    return {"shape": list(x.shape), "dtype": str(x.dtype).removeprefix("torch.")}


def case(name, op, args, f, **inputs):
    inputs = {k: x.clone().requires_grad_(x.is_floating_point()) for k, x in inputs.items()}
    outputs = f(*inputs.values())
    outputs = list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]
    record = {"name": name, "op": op, "args": args, "inputs": {}, "outputs": [], "grads": []}
    for k, x in inputs.items():
        record["inputs"][k] = describe(x)
        tensors[f"{name}/in/{k}"] = x.detach().contiguous().clone()
    total = 0.0
    for i, y in enumerate(outputs):
        record["outputs"].append(describe(y))
        plain = y.detach() if y.is_floating_point() else y.to(torch.int32)
        tensors[f"{name}/out/{i}"] = plain.contiguous().clone()
        if y.requires_grad:
            cotangent = floats(*y.shape, lo=-1.0, hi=1.0)
            tensors[f"{name}/cot/{i}"] = cotangent
            total = total + (y * cotangent).sum()
    leaves = [k for k, x in inputs.items() if x.requires_grad]
    if torch.is_tensor(total):
        found = torch.autograd.grad(total, [inputs[k] for k in leaves], allow_unused=True)
        for k, gradient in zip(leaves, found):
            if gradient is not None:
                record["grads"].append(k)
                tensors[f"{name}/grad/{k}"] = gradient.contiguous().clone()
    cases.append(record)


for e in (0, 1, 2, 7, -1, -2, 0.5, 2.5, -1.5):
    case(f"pow_{e}", "pow", {"exponent": e}, lambda x: x**e, x=floats(3, 5, lo=0.2, hi=3.0))
case("pow_of_negative", "pow", {"exponent": -3}, lambda x: x**-3, x=torch.tensor([-2.0, 1.5, -0.5]))
case("pow_of_signs_and_zeros", "pow", {}, torch.pow,
     x=torch.tensor([-2.0, 0.0, 3.0, -1.5, 0.0, 2.0]), y=torch.tensor([3.0, 2.0, 0.0, -2.0, 0.0, 1.0]))

for n, f in (("max", torch.amax), ("min", torch.amin)):
    for axis in (0, -1, (0, 2), (1,)):
        for keep in (False, True):
            case(f"{n}_ties_{axis}_{keep}".replace(" ", ""), n, {"axis": axis, "keepdims": keep},
                 lambda x: f(x, dim=axis, keepdim=keep), x=ints(3, 4, 5, hi=3).double())
    case(f"{n}_all", n, {}, f, x=floats(3, 4))
for n in ("argmax", "argmin"):
    case(f"{n}_all", n, {}, lambda x: getattr(x, n)(), x=floats(3, 4))
    case(f"{n}_kept", n, {"axis": 0, "keepdims": True}, lambda x: getattr(x, n)(dim=0, keepdim=True), x=floats(3, 4))
    case(f"{n}_ties", n, {"axis": 1}, lambda x: torch.tensor(getattr(numpy, n)(x.detach().numpy(), axis=1)),
         x=ints(5, 6, hi=3).double())
for c in (0, 1, 2):
    case(f"var_{c}", "var", {"axis": (0, 2), "correction": c, "keepdims": True},
         lambda x: x.var(dim=(0, 2), correction=c, keepdim=True), x=floats(3, 4, 5))
case("logsumexp_large", "logsumexp", {"axis": (0, 1), "keepdims": True},
     lambda x: torch.logsumexp(x, (0, 1), keepdim=True), x=floats(3, 4, 2, lo=-500.0, hi=500.0))
case("mean_of_nothing", "mean", {"axis": 0}, lambda x: x.mean(dim=0), x=floats(0, 3))
case("sum_of_nothing", "sum", {"axis": 0}, lambda x: x.sum(dim=0), x=floats(0, 3))

EINSUMS = [
    ("ij->ji", (2, 3)), ("ij->", (2, 3)), ("ij->j", (2, 3)), ("ii->i", (3, 3)), ("ii->", (3, 3)),
    ("ij,jk->ik", (2, 3), (3, 4)), ("ij,jk->ki", (2, 3), (3, 4)), ("bij,bjk->bik", (2, 3, 4), (2, 4, 5)),
    ("bij,kj->bki", (2, 3, 4), (5, 4)), ("i,i->", (4,), (4,)), ("ij,ij->ij", (2, 3), (2, 3)),
    ("ij,ij->i", (2, 3), (2, 3)), ("ij,kl->", (2, 3), (4, 5)), ("abc,cd,de->abe", (2, 3, 4), (4, 5), (5, 2)),
    ("i,j,k->kij", (2,), (3,), (4,)), ("...ij,...jk->...ik", (2, 3, 4), (2, 4, 5)),
    ("...ij,jk->...ik", (7, 2, 3, 4), (4, 5)), ("bhqk,bhkd->bqhd", (2, 3, 4, 5), (2, 3, 5, 6)),
    ("...i,...i->...", (2, 1, 3), (5, 3)), ("aab,b->a", (3, 3, 2), (2,)), ("ab,abc,c->b", (2, 3), (2, 3, 4), (4,)),
    ("bi,bj->ij", (4, 3), (4, 5)), ("ij,jk->ik", (0, 3), (3, 2)), ("ij,jk->ik", (2, 0), (0, 3)),
]
for i, (spec, *shapes) in enumerate(EINSUMS):
    operands = {f"x{k}": floats(*s) for k, s in enumerate(shapes)}
    case(f"einsum_{i}", "einsum", {"spec": spec}, lambda *xs: torch.einsum(spec, *xs), **operands)

PRODUCTS = [
    ((4,), (4, 5)), ((4,), (2, 4, 5)), ((2, 3, 4), (4,)), ((1, 3, 4), (7, 4, 2)), ((7, 1, 3, 4), (1, 5, 4, 2)),
    ((2, 3, 1), (1, 5)), ((0, 3), (3, 4)), ((3, 0), (0, 2)), ((1, 1), (1, 1)), ((2, 3, 4), (1, 4, 5)),
    ((5, 2, 3, 4), (2, 4, 3)),
]
for i, (a, b) in enumerate(PRODUCTS):
    case(f"matmul_{i}", "matmul", {}, torch.matmul, x=floats(*a), y=floats(*b))

PAIRS = [((), (3,)), ((1,), (3,)), ((3, 1), (1, 4)), ((2, 3), ()), ((0, 3), (1, 3)), ((1, 1, 3), (2, 1))]
for i, (a, b) in enumerate(PAIRS):
    for n, f in dict(add=torch.add, mul=torch.mul, div=torch.div, maximum=torch.maximum).items():
        case(f"{n}_broadcast_{i}", n, {}, f, x=floats(*a), y=floats(*b, lo=0.5))
case("where_broadcast", "where", {}, torch.where, c=floats(3, 1) > 0, x=floats(4), y=floats(3, 4))

labels, some_ignored = ints(4, 3, hi=5), ints(6, hi=5)
some_ignored[0] = -100
for r in ("mean", "sum", "none"):
    case(f"cross_entropy_3d_{r}", "cross_entropy", {"reduction": r, "label_smoothing": 0.2, "ignore_index": 2},
         lambda x, y: F.cross_entropy(x, y.long(), reduction=r, label_smoothing=0.2, ignore_index=2),
         x=floats(4, 5, 3), y=labels)
    case(f"nll_{r}", "nll_loss", {"reduction": r},
         lambda x, y: F.nll_loss(F.log_softmax(x, -1), y.long(), reduction=r), x=floats(6, 5), y=some_ignored)
    case(f"mse_{r}", "mse_loss", {"reduction": r}, lambda x, y: F.mse_loss(x, y, reduction=r),
         x=floats(3, 5), y=floats(3, 5))
    case(f"l1_{r}", "l1_loss", {"reduction": r}, lambda x, y: F.l1_loss(x, y, reduction=r),
         x=floats(3, 5), y=floats(3, 5))
case("cross_entropy_large", "cross_entropy", {}, lambda x, y: F.cross_entropy(x, y.long()),
     x=floats(6, 5, lo=-800.0, hi=800.0), y=ints(6, hi=5))
case("cross_entropy_all_ignored", "cross_entropy", {"reduction": "sum"},
     lambda x, y: F.cross_entropy(x, y.long(), reduction="sum"),
     x=floats(2, 5), y=torch.full((2,), -100, dtype=torch.int32))
case("cross_entropy_one_row", "cross_entropy", {}, lambda x, y: F.cross_entropy(x, y.long()),
     x=floats(5), y=torch.tensor(3, dtype=torch.int32))
case("huber_half", "huber_loss", {"delta": 0.5}, lambda x, y: F.huber_loss(x, y, delta=0.5),
     x=floats(3, 5), y=floats(3, 5))

large = torch.tensor([-1000.0, -100, -40, -1e-3, -1e-9, 0, 1e-9, 1e-3, 0.5, 40, 100, 700])
strange = torch.tensor([torch.nan, torch.inf, -torch.inf, 0.0, 1.0])
soft = lambda x: F.softplus(x, threshold=1e9)
for n, f in dict(sigmoid=torch.sigmoid, silu=F.silu, tanh=torch.tanh, relu=F.relu, erf=torch.erf, softplus=soft,
                 elu=F.elu, abs=torch.abs, sign=torch.sign).items():
    case(f"{n}_large", n, {}, f, x=large)
case("expm1_large", "expm1", {}, torch.expm1, x=large.clamp(max=50.0))
case("log1p_small", "log1p", {}, torch.log1p, x=torch.tensor([1e-12, 1e-9, -1e-9, 0.0, 0.3, -0.7, 50.0]))
case("gelu_large", "gelu", {"approximate": "none"}, F.gelu, x=large)
case("gelu_tanh_large", "gelu", {"approximate": "tanh"}, lambda x: F.gelu(x, approximate="tanh"),
     x=large.clamp(-50.0, 50.0))
for n, f in dict(relu=F.relu, sigmoid=torch.sigmoid, tanh=torch.tanh, exp=torch.exp, square=torch.square,
                 floor=torch.floor, softplus=soft).items():
    case(f"{n}_strange", n, {}, f, x=strange)
for n, f in dict(maximum=torch.maximum, minimum=torch.minimum).items():
    case(f"{n}_strange", n, {}, f, x=strange, y=strange.flip(0))
case("clamp_bounds", "clamp", {"min": -0.5, "max": 1.0}, lambda x: x.clamp(-0.5, 1.0),
     x=torch.tensor([-0.5, 1.0, 0.0, -3.0, 3.0]))
case("softmax_large", "softmax", {"axis": 1}, lambda x: F.softmax(x, 1), x=floats(2, 4, 3, lo=-900.0, hi=900.0))
case("softmax_of_one", "softmax", {"axis": 1}, lambda x: F.softmax(x, 1), x=floats(3, 1))
case("softmax_of_no_rows", "softmax", {"axis": 1}, lambda x: F.softmax(x, 1), x=floats(0, 4))
case("log_softmax_large", "log_softmax", {"axis": 0}, lambda x: F.log_softmax(x, 0), x=floats(4, 3, lo=-900.0, hi=900.0))

case("reshape_left_out", "reshape", {"shape": [-1, 6]}, lambda x: x.reshape(-1, 6), x=floats(3, 4, 2))
case("expand_left_out", "expand", {"shape": [2, -1, 4]}, lambda x: x.expand(2, -1, 4), x=floats(3, 1))
case("slice_inside", "slice", {"axis": 1, "start": 1, "stop": 6, "step": 2}, lambda x: x[:, 1:6:2], x=floats(2, 6))
case("roll_far", "roll", {"shift": -7, "axis": 0}, lambda x: torch.roll(x, -7, 0), x=floats(3, 5))
case("flip_rows", "flip", {"axis": 0}, lambda x: x.flip(0), x=floats(3, 5))
for k in (-1, 1, 2):
    case(f"tril_{k}", "tril", {"k": k}, lambda x: x.tril(k), x=floats(2, 3, 5))
case("stack_last", "stack", {"axis": -1}, lambda x, y, z: torch.stack([x, y, z], -1),
     x=floats(2, 3), y=floats(2, 3), z=floats(2, 3))
case("split_in_three", "split", {"sizes": [2, 0, 3], "axis": -1}, lambda x: torch.split(x, [2, 0, 3], -1), x=floats(2, 5))
case("take_inside", "take", {"axis": 1}, lambda x, i: x[:, i.long()], x=floats(2, 6, 3), i=ints(4, 2, hi=6))
case("embedding_3d", "embedding", {}, lambda table, i: F.embedding(i.long(), table), table=floats(10, 4), i=ints(2, 1, 3, hi=10))
case("take_along_more", "take_along_axis", {"axis": -1}, lambda x, i: torch.gather(x, -1, i.long()),
     x=floats(2, 3, 5), i=ints(2, 3, 7, hi=5))
case("pad_two_axes", "pad", {"widths": [[0, 0], [2, 0], [0, 1]], "value": -7.5},
     lambda x: F.pad(x, (0, 1, 2, 0, 0, 0), value=-7.5), x=floats(2, 3, 2))

json.dump(cases, open(f"{sys.argv[1]}/edges.json", "w"), indent=1)
save_file(tensors, f"{sys.argv[1]}/edges.safetensors")
print(len(cases), "cases")
