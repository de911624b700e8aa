"""Values and gradients of losses, computed by PyTorch in float64: `python losses.py` writes `losses.json`.

A case is a call of a loss with options of its own, tried with several inputs: sizes of 1 and odd ones, ties, zeros,
what is infinite, labels that are ignored. `cot` is the cotangent of the result, `value` the result, `by` the gradient of
`sum(value * cot)` by each input that has one. Numbers that JSON has not are strings.
"""

import json
import math

import torch
import torch.nn.functional as F

INF = math.inf
CASES = {}


def numbers(*shape, seed=0.0, low=-2.0, high=2.0):
    """Numbers that are spread evenly, and that f32 holds."""
    of = [(seed + 0.6180339887498949 * i) % 1.0 for i in range(math.prod(shape))]
    whole = [round(1024 * (low + (high - low) * v)) / 1024 for v in of]
    return torch.tensor(whole, dtype=torch.float64).reshape(shape)


def ints(*shape, below, seed=0):
    count = math.prod(shape)
    return torch.tensor([(seed + 7 * i + i * i) % below for i in range(count)], dtype=torch.int32).reshape(shape)


def signs(*shape):
    return torch.where(ints(*shape, below=2) == 0, -1.0, 1.0).double()


def f64(values):
    return torch.tensor(values, dtype=torch.float64)


def listed(x):
    def plain(v):
        return v if isinstance(v, int) or math.isfinite(v) else str(v)

    return {"shape": list(x.shape), "values": [plain(v) for v in x.reshape(-1).tolist()]}


def case(name, f, *runs, held=()):
    """`runs` are inputs by name; floats that are not `held` have gradients."""
    out = []
    for inputs in runs:
        by = [n for n, x in inputs.items() if x.is_floating_point() and n not in held]
        leaves = {n: x.clone().requires_grad_(n in by) for n, x in inputs.items()}
        value = f(**leaves)
        cot = numbers(*value.shape, seed=0.31, low=0.5, high=1.5)
        grads = torch.autograd.grad((value * cot).sum(), [leaves[n] for n in by])
        out.append(
            {
                "inputs": {n: listed(x) for n, x in inputs.items()},
                "cot": listed(cot),
                "value": listed(value.detach()),
                "by": {n: listed(g) for n, g in zip(by, grads)},
            }
        )
    CASES[name] = out


def pairs(low=-2.0, high=2.0, of=lambda n: numbers(n, seed=0.4)):
    """Inputs of elements: one, and an odd number."""
    return [dict(x=numbers(n, seed=0.1, low=low, high=high), y=of(n)) for n in (1, 7)]


def reductions(name, f, runs, held=()):
    for reduction in ("mean", "sum", "none"):
        case(f"{name}_{reduction}", lambda reduction=reduction, **i: f(reduction=reduction, **i), *runs, held=held)


# Of pairs of elements.
ties = [dict(x=f64([1.0, -1.0, 0.0]), y=f64([1.0, 0.0, 0.0]))]
reductions("l1", lambda x, y, **o: F.l1_loss(x, y, **o), pairs() + ties)
reductions("smooth_l1", lambda x, y, **o: F.smooth_l1_loss(x, y, **o), pairs() + ties)
case("smooth_l1_beta", lambda x, y: F.smooth_l1_loss(x, y, beta=0.5), *pairs(), *ties, dict(x=f64([0.5]), y=f64([0.0])))
case("smooth_l1_of_none", lambda x, y: F.smooth_l1_loss(x, y, beta=0.0), *pairs(), *ties)

shares = lambda n: numbers(n, seed=0.4, low=0.0, high=1.0)
certain = dict(x=f64([0.0, 1.0, 0.0, 1.0, 1e-13, 0.5]), y=f64([0.0, 1.0, 1.0, 0.0, 1.0, 0.25]))
reductions("bce", lambda x, y, **o: F.binary_cross_entropy(x, y, **o), pairs(0.01, 0.99, shares) + [certain], held=("y",))
case("bce_by_targets", lambda x, y: F.binary_cross_entropy(x, y), *pairs(0.01, 0.99, shares))
weighted = [dict(x=numbers(n, 3, low=0.01, high=0.99), y=numbers(n, 3, seed=0.2, low=0.0, high=1.0), w=numbers(3, seed=0.5, low=0.1, high=2.0)) for n in (1, 5)]
case("bce_weight", lambda x, y, w: F.binary_cross_entropy(x, y, weight=w), *weighted, held=("y", "w"))
logits = [dict(i, x=8.0 * i["x"] - 4.0) for i in weighted] + [dict(x=f64([[0.0, 50.0, -50.0]]), y=f64([[0.5, 1.0, 1.0]]), w=f64([1.0, 2.0, 0.0]))]
case("logits_weight", lambda x, y, w: F.binary_cross_entropy_with_logits(x, y, weight=w), *logits, held=("w",))
case("logits_pos_weight", lambda x, y, w: F.binary_cross_entropy_with_logits(x, y, pos_weight=w), *logits, held=("w",))
case("logits_both", lambda x, y, w: F.binary_cross_entropy_with_logits(x, y, weight=w, pos_weight=3 * w, reduction="none"), *logits, held=("w",))

positive = lambda n: numbers(n, seed=0.4, low=0.05, high=1.5)
reductions("kl_div", lambda x, y, **o: F.kl_div(x, y, **o), pairs(-3.0, 0.0, positive))
case("kl_div_at_zero", lambda x, y: F.kl_div(x, y, reduction="none"), dict(x=f64([-1.0, -2.0, -3.0]), y=f64([0.0, 0.5, 0.0])), held=("y",))
rows = [dict(x=numbers(n, 3, low=-3.0, high=0.0), y=numbers(n, 3, seed=0.2, low=-3.0, high=0.0)) for n in (1, 5)]
case("kl_div_batchmean", lambda x, y: F.kl_div(x, y.exp(), reduction="batchmean"), *rows)
case("kl_div_log_target", lambda x, y: F.kl_div(x, y, reduction="batchmean", log_target=True), *rows)

hinges = pairs(of=signs) + [dict(x=f64([1.0, -1.0, 0.0, 2.0]), y=f64([1.0, -1.0, 1.0, 1.0]))]
clamped = {"mean": torch.mean, "sum": torch.sum, "none": lambda x: x}
reductions("hinge", lambda x, y, reduction: clamped[reduction]((1 - x * y).clamp(min=0)), hinges, held=("y",))
reductions("hinge_embedding", lambda x, y, **o: F.hinge_embedding_loss(x, y, **o), hinges, held=("y",))
case("hinge_embedding_margin", lambda x, y: F.hinge_embedding_loss(x, y, margin=2.0), *hinges, held=("y",))

ranked = [dict(x=numbers(n, seed=0.1), y=numbers(n, seed=0.7), target=signs(n)) for n in (1, 7)] + [dict(x=f64([1.0, 2.0]), y=f64([1.0, 1.5]), target=f64([1.0, -1.0]))]
reductions("ranking", lambda x, y, target, **o: F.margin_ranking_loss(x, y, target, **o), ranked, held=("target",))
case("ranking_margin", lambda x, y, target: F.margin_ranking_loss(x, y, target, margin=0.5), *ranked, held=("target",))

poisson = [dict(x=numbers(n, seed=0.1), y=numbers(n, seed=0.6, low=0.0, high=5.0)) for n in (1, 7)]
reductions("poisson", lambda x, y, **o: F.poisson_nll_loss(x, y, **o), poisson)
rates = [dict(i, x=i["x"].exp()) for i in poisson] + [dict(x=f64([0.0, 1.0]), y=f64([2.0, 1.0]))]
case("poisson_rates", lambda x, y: F.poisson_nll_loss(x, y, log_input=False), *rates)
case("poisson_full", lambda x, y: F.poisson_nll_loss(x, y, full=True, log_input=False, eps=1e-3), *rates, held=("y",))

gauss = [dict(x=numbers(n, 3, seed=0.1), y=numbers(n, 3, seed=0.6), var=numbers(n, 3, seed=0.8, low=0.1, high=2.0)) for n in (1, 5)]
reductions("gaussian", lambda x, y, var, **o: F.gaussian_nll_loss(x, y, var, **o), gauss)
case("gaussian_full", lambda x, y, var: F.gaussian_nll_loss(x, y, var, full=True, eps=0.5), *gauss)
case("gaussian_of_rows", lambda x, y, var: F.gaussian_nll_loss(x, y, var), *[dict(i, var=i["var"][:, :1]) for i in gauss], dict(x=f64([[1.0, 2.0]]), y=f64([[1.0, 2.5]]), var=f64([[0.0]])))

# Of pairs and triples of vectors.
near = dict(x=f64([[0.0, 0.0, 0.0], [3.0, 4.0, 0.0], [1e-9, 0.0, 0.0]]), y=f64([[1.0, 2.0, 2.0], [3.0, 4.0, 0.0], [2.0, 1.0, 0.0]]))
vectors = [dict(x=numbers(n, d, seed=0.1), y=numbers(n, d, seed=0.7)) for n, d in ((1, 1), (5, 3))]
case("cosine", lambda x, y: F.cosine_similarity(x, y), *vectors, near)
case("cosine_axis", lambda x, y: F.cosine_similarity(x, y, dim=0, eps=2.5), *vectors, near)
case("cosine_table", lambda x, y: F.cosine_similarity(x.unsqueeze(1), y.unsqueeze(0), dim=-1), *vectors, dict(x=numbers(3, 2), y=numbers(4, 2, seed=0.3)))
cosines = [dict(i, target=signs(len(i["x"]))) for i in vectors + [near]]
reductions("cosine_embedding", lambda x, y, target, **o: F.cosine_embedding_loss(x, y, target, **o), cosines, held=("target",))
case("cosine_embedding_margin", lambda x, y, target: F.cosine_embedding_loss(x, y, target, margin=0.3), *cosines, held=("target",))

same = torch.zeros(2, 3, dtype=torch.float64)
triples = [dict(x=numbers(n, d, seed=0.1), y=numbers(n, d, seed=0.35), z=numbers(n, d, seed=0.6)) for n, d in ((1, 1), (5, 3))] + [dict(x=same, y=same, z=same)]
reductions("triplet", lambda x, y, z, **o: F.triplet_margin_loss(x, y, z, **o), triples)
case("triplet_swap", lambda x, y, z: F.triplet_margin_loss(x, y, z, margin=2.0, p=1, swap=True, reduction="none"), *triples)
case("triplet_power", lambda x, y, z: F.triplet_margin_loss(x, y, z, margin=0.25, p=3.5, eps=1e-3, reduction="none"), *triples)

# Of labels.
labelled = [dict(x=numbers(n, 5, seed=0.1, low=-8.0, high=8.0), y=ints(n, below=5)) for n in (1, 7)]
weights = numbers(5, seed=0.45, low=0.2, high=2.0)
labelled = [dict(i, w=weights) for i in labelled]
some = dict(labelled[1], y=torch.tensor([0, 3, 1, 3, 4, 3, 2], dtype=torch.int32))
none = dict(labelled[1], y=torch.full((7,), 3, dtype=torch.int32))
nothing = dict(labelled[1], w=f64([0.0, 1.0, 0.0, 2.0, 0.0]))
ce = lambda **o: lambda x, y, w, **r: F.cross_entropy(x, y.long(), weight=w, **o, **r)
nll = lambda **o: lambda x, y, w, **r: F.nll_loss(x, y.long(), weight=w, **o, **r)
reductions("classes", ce(), labelled + [nothing], held=("w",))
reductions("classes_smooth", ce(label_smoothing=0.2), labelled + [nothing], held=("w",))
reductions("classes_ignored", ce(ignore_index=3, label_smoothing=0.1), [some, none], held=("w",))
reductions("nll_classes", nll(), labelled, held=("w",))
reductions("nll_classes_ignored", nll(ignore_index=3), [some, none], held=("w",))
images = [dict(x=numbers(n, 3, t, seed=0.1), y=ints(n, t, below=3), w=weights[:3]) for n, t in ((2, 1), (2, 5))]
case("classes_of_images", ce(label_smoothing=0.1), *images, held=("w",))

# Of sequences.
def sequences(t, b, c, s, inputs, targets, seed=0.0, labels=None):
    labels = labels if labels is not None else 1 + ints(b, s, below=max(c - 1, 1), seed=3)
    of = lambda v: torch.tensor(v, dtype=torch.int32)
    return dict(x=numbers(t, b, c, seed=seed), y=labels.int(), n=of(inputs), m=of(targets))


def ctc(blank=0, **o):
    def f(x, y, n, m, **r):
        return F.ctc_loss(x.log_softmax(-1), y.long(), n.long(), m.long(), blank=blank, **o, **r)

    return f


twice = torch.tensor([[1, 1, 2], [2, 2, 2]])
runs = [
    sequences(7, 3, 5, 3, [7, 5, 6], [3, 1, 2], seed=0.2),
    sequences(6, 2, 3, 3, [6, 5], [3, 3], seed=0.4, labels=twice),
    sequences(1, 1, 2, 1, [1], [1]),
    sequences(5, 2, 4, 2, [5, 4], [2, 0], seed=0.7),
]
reductions("ctc", ctc(), runs)
case("ctc_long", ctc(), sequences(40, 2, 6, 12, [40, 33], [12, 9], seed=0.3))
last = [dict(i, y=i["y"] - 1) for i in (sequences(7, 3, 5, 3, [7, 5, 6], [3, 1, 2], seed=0.2),)]
case("ctc_blank", ctc(blank=4), *last)
long = sequences(4, 3, 3, 3, [4, 2, 0], [3, 3, 0], seed=0.4, labels=torch.tensor([[1, 2, 1], [1, 1, 2], [1, 1, 1]]))
reductions("ctc_finite", ctc(zero_infinity=True), [long] + runs)
case("ctc_without_labels", ctc(reduction="none"), sequences(3, 2, 4, 1, [3, 2], [0, 0], seed=0.1))

if __name__ == "__main__":
    with open("losses.json", "w") as out:
        lines = [f"{json.dumps(name)}: {json.dumps(runs)}" for name, runs in CASES.items()]
        out.write("{\n" + ",\n".join(lines) + "\n}\n")
