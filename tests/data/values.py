"""Writes values.json: what runs along an axis, what orders it, and functions where their formulas change,
computed by PyTorch in float64.

Usage: python values.py FOLDER        (needs torch)

A case names its operation and its arguments; inputs, outputs, the cotangents that were applied and the gradients
stand in it, flat, with their shapes. Numbers that JSON does not have are strings. All floats that go in are f32's, so
that a computation in f32 starts from the same ones. Left out is the gradient of a product at a NaN, which
PyTorch makes NaN by dividing where it does not depend on that element.
"""
import json
import math
import sys

import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
source = torch.Generator().manual_seed(11)
nan, inf = math.nan, math.inf
lines = []


def f32(x):
    return x.float().double()


def floats(*shape, lo=-2.0, hi=2.0):
    return torch.round((lo + (hi - lo) * torch.rand(shape, generator=source)) * 128) / 128


def ints(*shape, lo=0, hi):
    return torch.randint(lo, hi, shape, generator=source, dtype=torch.int32)


def row(*numbers):
    return f32(torch.tensor(numbers))


def array(x):
    def number(v):
        return v if isinstance(v, int) or math.isfinite(v) else str(v)

    dtype = str(x.dtype).removeprefix("torch.")
    return {"shape": list(x.shape), "dtype": dtype, "data": [number(v) for v in x.detach().flatten().tolist()]}


def case(name, op, args, f, x, gradient=True):
    x = x.clone().requires_grad_(x.is_floating_point() and gradient)
    outputs = f(x)
    outputs = list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]
    record = {"name": name, "op": op, "args": args, "inputs": {"x": array(x)}, "outputs": [], "grads": {}}
    total = 0.0
    for y in outputs:
        plain = y if y.is_floating_point() else y.to(torch.int32)
        record["outputs"].append(array(plain))
        if y.requires_grad:
            cotangent = floats(*y.shape, lo=-1.0, hi=1.0)
            record["outputs"][-1]["cotangent"] = array(cotangent)["data"]
            total = total + (y * cotangent).sum()
    if torch.is_tensor(total):
        record["grads"]["x"] = array(torch.autograd.grad(total, x)[0])["data"]
    lines.append(json.dumps(record))


# Orders. Equal elements stay in their order, which torch.topk does not promise: its indices are those of the sort.
def sort(axis, descending):
    return lambda x: torch.sort(x, dim=axis, descending=descending, stable=True)


def topk(k, axis):
    def f(x):
        values, indices = torch.sort(x, dim=axis, descending=True, stable=True)
        found = torch.topk(x, k, dim=axis).values
        assert torch.equal(torch.nan_to_num(found), torch.nan_to_num(values.narrow(axis, 0, k)))
        return values.narrow(axis, 0, k), indices.narrow(axis, 0, k)

    return f


strange = row(2.0, nan, -inf, 0.0, 2.0, -0.0, inf, nan, -1.0)
ORDERED = [
    ("strange", strange, 0), ("ties", ints(5, 7, hi=3).double(), 1), ("ties_of_columns", ints(7, 5, hi=3).double(), 0),
    ("inner", floats(2, 9, 3), 1), ("of_one", floats(3, 1), 1), ("of_none", floats(3, 0), 1),
    ("of_no_rows", floats(0, 3), 1), ("odd", floats(33), 0), ("long", floats(1, 257), 1),
]
for name, x, axis in ORDERED:
    for descending in (False, True):
        way = "descending" if descending else "ascending"
        args = {"axis": axis, "descending": descending}
        case(f"sort_{name}_{way}", "sort", args, sort(axis, descending), x)
    for k in sorted({0, min(x.shape[axis], 4), min(x.shape[axis], 33)}):
        case(f"topk_{name}_{k}", "topk", {"axis": axis, "k": k}, topk(k, axis), x)
for descending in (False, True):
    args = {"axis": 1, "descending": descending}
    case(f"argsort_integers_{descending}", "argsort", args, lambda x: sort(1, descending)(x)[1], ints(3, 11, lo=-4, hi=4))

# Running sums and products, and products: zeros are what their gradients divide by.
no_zero, one_zero, two_zeros = row(2.0, -3.0, 0.5, 5.0, -1.5), row(2.0, 0.0, 3.0, -1.5, 5.0), row(2.0, 0.0, 3.0, 0.0, 5.0)
RUNNING = [
    ("row", no_zero, 0), ("one_zero", one_zero, 0), ("two_zeros", two_zeros, 0), ("first_zero", row(0.0, 2.0, 3.0), 0),
    ("rows_with_zeros", ints(5, 7, hi=4).double(), 1), ("columns_with_zeros", ints(7, 5, hi=4).double(), 0),
    ("inner", floats(2, 9, 3), 1), ("of_one", floats(3, 1), 1), ("of_none", floats(3, 0), 1),
    ("of_no_rows", floats(0, 3), 1), ("odd", floats(33, lo=0.7, hi=1.4), 0), ("nan", row(1.0, 2.0, nan, 3.0), 0),
]
for name, x, axis in RUNNING:
    case(f"cumsum_{name}", "cumsum", {"axis": axis}, lambda x: torch.cumsum(x, axis), x)
    case(f"cumprod_{name}", "cumprod", {"axis": axis}, lambda x: torch.cumprod(x, axis), x, gradient=name != "nan")
    case(f"prod_{name}", "prod", {"axis": axis}, lambda x: torch.prod(x, axis), x, gradient=name != "nan")
    case(f"prod_{name}_kept", "prod", {"axis": axis, "keepdims": True}, lambda x: torch.prod(x, axis, keepdim=True), x,
         gradient=name != "nan")
case("prod_of_two_axes", "prod", {"axis": [0, 2]}, lambda x: x.prod(2).prod(0), floats(3, 4, 5))
case("prod_all", "prod", {}, torch.prod, floats(3, 4))
case("cumsum_integers", "cumsum", {"axis": 1}, lambda x: torch.cumsum(x, 1), ints(3, 7, lo=-4, hi=5))
case("cumprod_integers", "cumprod", {"axis": 0}, lambda x: torch.cumprod(x, 0), ints(7, 3, lo=-2, hi=3))
case("prod_integers", "prod", {"axis": 0}, lambda x: torch.prod(x, 0), ints(7, 3, lo=-2, hi=3))

# Functions near 0, at bounds, far out, and where there is no value.
small = [s * m for m in (0.0, 1e-30, 1e-12, 1e-7, 1e-4, 1e-3, 0.01, 0.1) for s in (1.0, -1.0)]
middle = [s * m for m in (0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 2.5, 3.0) for s in (1.0, -1.0)]
far = [s * m for m in (5.0, 10.0, 17.0, 20.0, 40.0, 80.0) for s in (1.0, -1.0)]
turns = [s * math.pi * m for m in (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 8.5, 100.0) for s in (1.0, -1.0)]
huge = [1e3, -1e4, 1e5, 12345.678]
ends = [inf, -inf, nan]
inside = [s * m for m in (0.25, 0.5, 0.6, 0.9, 0.99, 0.9999) for s in (1.0, -1.0)]
positive = [1e-20, 1e-12, 1e-6, 0.01, 0.5, 1.0, 2.0, 100.0, 1e12, 1e30]
halves = [s * m for m in (0.5, 1.5, 2.5, 3.5, 0.49999997, 0.50000006, 8388607.5, 8388609.0) for s in (1.0, -1.0)]
FUNCTIONS = [
    ("expm1", torch.expm1, small + middle + far + ends), ("exp", torch.exp, small + middle + far + ends),
    ("log1p", torch.log1p, small + inside + [1.0, 2.0, 1e6, 1e30, inf, nan, -1.0, -2.0]),
    ("softplus", lambda x: F.softplus(x, threshold=1e9), small + middle + far + ends),
    ("sin", torch.sin, small + middle + far + turns + huge + ends),
    ("cos", torch.cos, small + middle + far + turns + huge + ends),
    ("tan", torch.tan, small + middle + far + turns + huge + ends),
    ("asin", torch.asin, small + inside + [1.0, -1.0, 1.5, -2.0, nan]),
    ("acos", torch.acos, small + inside + [1.0, -1.0, 1.5, -2.0, nan]),
    ("atan", torch.atan, small + middle + far + huge + [1e30, -1e30] + ends),
    ("sinh", torch.sinh, small + middle + far + ends), ("cosh", torch.cosh, small + middle + far + ends),
    ("rsqrt", torch.rsqrt, positive + [0.0, -0.0, -1.0, inf, nan]),
    ("round", torch.round, small + middle + far + halves + ends), ("ceil", torch.ceil, small + middle + far + halves + ends),
    ("floor", torch.floor, small + middle + far + halves + ends),
]
for name, f, points in FUNCTIONS:
    case(f"{name}_at_its_edges", name, {}, f, row(*points))
    case(f"{name}_of_nothing", name, {}, f, floats(0, 2))
    case(f"{name}_of_an_odd_count", name, {}, f, floats(3, 11, lo=0.1, hi=0.9))

with open(f"{sys.argv[1]}/values.json", "w") as file:
    file.write("[\n" + ",\n".join(lines) + "\n]\n")
print(len(lines), "cases")
