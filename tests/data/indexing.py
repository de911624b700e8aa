"""Writes indexing.json: einsum, patterns of axes, updates, padding, windows and grids, computed element by
element in plain Python.

Usage: python indexing.py FOLDER

An operation is written here as what each element of its result is a sum or product of; gradients are those
of that sum, element by element. Cases have the form of those in values.json. All floats are multiples of
1/128, which a computation in f32 starts from too.
"""
import itertools
import json
import math
import random
import sys

source = random.Random(5)
lines = []


class Number:
    """A number, and the numbers that it was made of, with its slope by each."""

    def __init__(self, value, parents=()):
        self.value, self.parents, self.slope = value, parents, 0.0

    def __add__(self, other):
        return Number(self.value + other.value, ((self, 1.0), (other, 1.0)))

    def __mul__(self, other):
        return Number(self.value * other.value, ((self, other.value), (other, self.value)))


def total(numbers):
    numbers = list(numbers)
    return Number(math.fsum(n.value for n in numbers), tuple((n, 1.0) for n in numbers))


def product(numbers):
    out = Number(1.0)
    for n in numbers:
        out = out * n
    return out


class Tensor:
    def __init__(self, shape, at, dtype="float64"):
        self.shape, self.dtype = list(shape), dtype
        self.data = {i: at(i) for i in itertools.product(*map(range, shape))}

    def __getitem__(self, i):
        return self.data[tuple(i)]

    def json(self):
        return {"shape": self.shape, "dtype": self.dtype, "data": [n.value for n in self.data.values()]}


def drawn(low=-256, high=256):
    return source.randint(low, high) / 128


def floats(*shape):
    # No two alike, so that a greatest element is one.
    count = math.prod(shape)
    values = iter(source.sample(range(-256, 257), count))
    return Tensor(shape, lambda i: Number(next(values) / 128))


def ints(*shape, values):
    values = iter(values)
    return Tensor(shape, lambda i: Number(next(values)), "int32")


def order(outputs):
    seen, out = set(), []

    def visit(start):
        stack = [(start, iter(start.parents))]
        seen.add(id(start))
        while stack:
            node, parents = stack[-1]
            for parent, _ in parents:
                if id(parent) not in seen:
                    seen.add(id(parent))
                    stack.append((parent, iter(parent.parents)))
                    break
            else:
                out.append(node)
                stack.pop()

    for n in outputs:
        if id(n) not in seen:
            visit(n)
    return reversed(out)


def case(name, op, args, inputs, outputs):
    outputs = outputs if isinstance(outputs, list) else [outputs]
    record = {"name": name, "op": op, "args": args, "inputs": {k: x.json() for k, x in inputs.items()}, "outputs": []}
    numbers = []
    for y in outputs:
        out = y.json()
        if y.dtype == "float64":
            out["cotangent"] = []
            for n in y.data.values():
                cotangent = drawn(-128, 128)
                out["cotangent"].append(cotangent)
                # A node of its own, as one number may be several elements.
                top = Number(n.value, ((n, 1.0),))
                top.slope = cotangent
                numbers.append(top)
        record["outputs"].append(out)
    for n in order(numbers):
        for parent, weight in n.parents:
            parent.slope += weight * n.slope
    floating = {k: x for k, x in inputs.items() if x.dtype == "float64"}
    record["grads"] = {k: [n.slope for n in x.data.values()] for k, x in floating.items()}
    lines.append(json.dumps(record))


ZERO = Number(0.0)

# Einsum: the sum over all letters of the products.
EINSUMS = [
    ("chain_from_the_right", "ab,bc,cd,d->a", [(3, 4), (4, 5), (5, 2), (2,)]),
    ("two_pairs", "ab,cd,bc,da->ac", [(3, 4), (2, 5), (4, 2), (5, 3)]),
    ("five", "ab,bc,cd,de,ea->b", [(2, 3), (3, 2), (2, 3), (3, 2), (2, 2)]),
    ("eight", "a,ab,b,bc,c,ca,a,->ab", [(3,), (3, 2), (2,), (2, 5), (5,), (5, 3), (3,), ()]),
    ("diagonal", "ii->i", [(5, 5)]),
    ("trace", "ii", [(7, 7)]),
    ("trace_of_one", "ii->", [(1, 1)]),
    ("trace_of_none", "ii->", [(0, 0)]),
    ("diagonal_of_three", "iji->ji", [(3, 5, 3)]),
    ("diagonal_of_cubes", "aiii->ia", [(2, 3, 3, 3)]),
    ("diagonal_in_a_product", "iij,jk->ik", [(3, 3, 5), (5, 2)]),
    ("two_diagonals", "iijj->ij", [(2, 2, 3, 3)]),
    ("implied_order", "zb,ba", [(3, 4), (4, 2)]),
    ("implied_trace", "ab,ba", [(3, 4), (4, 3)]),
    ("outer", "a,b,c", [(3,), (1,), (2,)]),
    ("of_ones", "ab,bc->ac", [(3, 1), (4, 2)]),
    ("of_nothing", "ab,bc->ac", [(3, 0), (0, 2)]),
    ("elementwise", "ab,ab,ab->ab", [(3, 5), (3, 5), (3, 5)]),
]


def einsum(spec, xs):
    terms, arrow, result = spec.partition("->")
    terms = terms.split(",")
    letters = "".join(terms)
    if not arrow:
        result = "".join(sorted(c for c in set(letters) if letters.count(c) == 1))
    sizes = {}
    for term, x in zip(terms, xs):
        for c, n in zip(term, x.shape):
            sizes[c] = max(n, sizes.get(c, 0)) if sizes.get(c, n) != 0 and n != 0 else 0
    gone = [c for c in sizes if c not in result]

    def at(i):
        here = dict(zip(result, i))

        def one(j):
            here.update(zip(gone, j))
            return product(x[[0 if n == 1 else here[c] for c, n in zip(t, x.shape)]] for t, x in zip(terms, xs))

        return total([one(j) for j in itertools.product(*(range(sizes[c]) for c in gone))])

    return Tensor([sizes[c] for c in result], at)


for name, spec, shapes in EINSUMS:
    xs = [floats(*shape) for shape in shapes]
    inputs = {f"x{i}": x for i, x in enumerate(xs)}
    case(f"einsum_{name}", "einsum", {"spec": spec}, inputs, einsum(spec, xs))

# Patterns: where each element of x goes, by the names of its axes.
PATTERNS = [
    ("heads", "rearrange", "b t (h d) -> b h t d", (2, 3, 8), {"h": 4}, [2, 4, 3, 2]),
    ("merged", "rearrange", "b h t d -> b t (h d)", (2, 3, 5, 1), {}, [2, 5, 3]),
    ("patches", "rearrange", "(h p) (w q) -> (h w) (p q)", (4, 6), {"p": 2, "q": 3}, [4, 6]),
    ("ones", "rearrange", "a 1 (b 1) -> () b 1 a", (3, 1, 5), {}, [1, 5, 1, 3]),
    ("nothing", "rearrange", "a (b c) -> (c a) b", (3, 0), {"c": 2}, [6, 0]),
    ("sum", "reduce", "a b c -> c", (3, 4, 5), {}, [5]),
    ("mean", "reduce", "a (b 2) -> b a 1", (3, 6), {}, [3, 3, 1]),
    ("max", "reduce", "(a p) b -> b a", (6, 5), {"p": 3}, [5, 2]),
    ("min", "reduce", "(a 1) b ->", (1, 7), {}, []),
    ("prod", "reduce", "a b -> a", (3, 4), {}, [3]),
    ("rows", "repeat", "a b -> a t b", (2, 3), {"t": 3}, [2, 3, 3]),
    ("each", "repeat", "a -> (a 3)", (5,), {}, [15]),
    ("all", "repeat", "a b -> (n b) 1 a", (2, 3), {"n": 2}, [6, 1, 2]),
    ("none", "repeat", "a -> n a", (3,), {"n": 0}, [0, 3]),
]


def greatest(numbers):
    return max(numbers, key=lambda n: n.value)


def least(numbers):
    return min(numbers, key=lambda n: n.value)


REDUCTIONS = {
    "sum": total, "prod": product, "max": greatest, "min": least,
    "mean": lambda ns: total(ns) * Number(1 / len(ns)),
}


def side(text):
    groups, inside = [], None
    for word in text.replace("(", " ( ").replace(")", " ) ").split():
        if word == "(":
            inside = []
        elif word == ")":
            groups.append(inside)
            inside = None
        elif inside is not None:
            inside.append(word)
        else:
            groups.append([word])
    return groups


def pattern(text, x, sizes, shape, reduce):
    left, right = map(side, text.split("->"))
    sizes = dict(sizes)
    for group, n in zip(left, x.shape):
        known = math.prod(int(w) if w.isdigit() else sizes.get(w, 1) for w in group)
        for w in group:
            if not w.isdigit() and w not in sizes:
                sizes[w] = n // known
    # A number is an axis of its own.
    size = lambda w: int(w) if w.isdigit() else sizes[w]

    def named(groups, i):
        out = {}
        for group, k in zip(groups, i):
            for w in reversed(group):
                out.setdefault(w if not w.isdigit() else (id(group), w), k % size(w))
                k //= max(size(w), 1)
        return out

    places = {}
    for i, n in x.data.items():
        here = named(left, i)
        kept = tuple(sorted((w, k) for w, k in here.items() if isinstance(w, str) and any(w in g for g in right)))
        places.setdefault(kept, []).append(n)
    on_the_left = {w for g in left for w in g}

    def at(i):
        here = named(right, i)
        kept = tuple(sorted((w, k) for w, k in here.items() if isinstance(w, str) and w in on_the_left))
        return reduce(places[kept])

    return Tensor(shape, at)


for name, op, text, shape, sizes, result in PATTERNS:
    x = floats(*shape)
    reduction = name if op == "reduce" else "sum"
    args = {"pattern": text, "sizes": sizes, "reduction": reduction}
    case(f"{op}_{name}", op, args, {"x": x}, pattern(text, x, sizes, result, REDUCTIONS[reduction]))

# Updates of parts: null is an axis, a number an index, a list a range, a text the input that is the index.
UPDATES = [
    ("row", (5, 3), [2, None], (3,), {}),
    ("column", (5, 3), [None, 1], (5,), {}),
    ("range", (7,), [[1, 6, 1]], (5,), {}),
    ("steps", (3, 8), [None, [1, 8, 3]], (3, 3), {}),
    ("block", (4, 5), [[1, 3, 1], [0, 5, 2]], (2, 3), {}),
    ("broadcast", (4, 5), [[1, 4, 2], None], (1, 5), {}),
    ("scalar", (3, 3), [[0, 2, 1], 2], (), {}),
    ("all", (2, 3), [None, None], (2, 3), {}),
    ("nothing", (5,), [[3, 3, 1]], (0,), {}),
    ("no_steps", (5,), [[2, 2, 2]], (0,), {}),
    ("of_none", (0, 3), [None, 1], (0,), {}),
    ("of_one", (1, 1), [0, [0, 1, 1]], (1,), {}),
    ("computed", (4, 5), [None, "i"], (4,), {"i": 3}),
    ("computed_outside", (4, 5), ["i", [1, 5, 2]], (2,), {"i": 9}),
    ("computed_below", (3, 2, 5), ["i", 1, "j"], (), {"i": -2, "j": 4}),
]
for name, shape, index, part, scalars in UPDATES:
    x, y = floats(*shape), floats(*part)
    inputs = {"x": x, "y": y}
    reach = []
    for part, n in zip(index, shape):
        if part is None:
            reach.append(list(range(n)))
        elif isinstance(part, list):
            reach.append(list(range(*part)))
        else:
            at = scalars[part] if isinstance(part, str) else part
            reach.append(min(max(at, 0), n - 1))
    for k, v in scalars.items():
        inputs[k] = ints(values=[v])

    def update(i):
        out = []
        for k, r in zip(i, reach):
            if isinstance(r, list):
                if k not in r:
                    return None
                out.append(r.index(k))
            elif k != r:
                return None
        # Broadcast, aligned right.
        out = out[len(out) - len(y.shape):]
        return y[[0 if n == 1 else k for k, n in zip(out, y.shape)]]

    case(f"set_{name}", "set", {"index": index}, inputs, Tensor(shape, lambda i: update(i) or x[i]))
    inputs = {k: Tensor(v.shape, lambda i, v=v: Number(v[i].value), v.dtype) for k, v in inputs.items()}
    x, y = inputs["x"], inputs["y"]
    case(f"add_to_{name}", "add_to", {"index": index}, inputs, Tensor(shape, lambda i: x[i] + (update(i) or ZERO)))

# Slices at indices of an axis: of equal ones the last is set, and all are added.
AT = [
    ("rows", (5, 3), 0, (4,), [3, 0, 3, 1], (4, 3)),
    ("columns", (2, 5), 1, (2, 2), [4, 4, 0, 4], (2, 2, 2)),
    ("outside", (4,), 0, (3,), [-1, 9, 0], (3,)),
    ("none", (4, 2), 0, (0,), [], (0, 2)),
    ("scalar", (4, 3), 1, (2,), [1, 1], ()),
]
for name, shape, axis, count, values, part in AT:
    for op in ("set_at", "add_at"):
        x, i, y = floats(*shape), ints(*count, values=values), floats(*part)
        whole = shape[:axis] + count + shape[axis + 1:]

        def updates(place):
            out = []
            for k, n in i.data.items():
                if min(max(n.value, 0), shape[axis] - 1) == place[axis]:
                    full = place[:axis] + k + place[axis + 1:]
                    full = full[len(full) - len(y.shape):]
                    out.append(y[full])
            return out

        def at(place):
            found = updates(place)
            if op == "set_at":
                return found[-1] if found else x[place]
            return total([x[place]] + found)

        case(f"{op}_{name}", op, {"axis": axis}, {"x": x, "i": i, "y": y}, Tensor(shape, at))

# Elements at index tuples.
POINTS = [
    ("pairs", (3, 4), 0, [((5,), [0, 2, 1, 2, 2]), ((5,), [3, 0, 0, 3, 3])]),
    ("broadcast", (2, 3, 4, 2), 1, [((2, 1), [0, 2]), ((3,), [3, 9, -4])]),
    ("three", (2, 3, 4), 0, [((2,), [1, 0]), ((), [2]), ((2,), [3, 1])]),
]
for name, shape, first, indices in POINTS:
    x = floats(*shape)
    inputs = {"x": x}
    for k, (counts, values) in enumerate(indices):
        inputs[f"y{k}"] = ints(*counts, values=values)
    rank = max(len(counts) for counts, _ in indices)
    counts = [1] * rank
    for own, _ in indices:
        for k, n in enumerate(reversed(own)):
            counts[-1 - k] = max(n, counts[-1 - k])

    def at(i):
        place = i[first:first + rank]
        picked = []
        for k, (own, _) in enumerate(indices):
            here = place[rank - len(own):]
            index = inputs[f"y{k}"][[0 if n == 1 else p for p, n in zip(here, own)]].value
            picked.append(min(max(index, 0), shape[first + k] - 1))
        return x[i[:first] + tuple(picked) + i[first + rank:]]

    result = list(shape[:first]) + counts + list(shape[first + len(indices):])
    case(f"take_points_{name}", "take_points", {"first": first}, inputs, Tensor(result, at))

# Padding.
for name, shape, widths in [
    ("row", (4,), [[2, 3]]), ("behind", (2, 5), [[0, 0], [0, 4]]), ("both", (3, 4), [[2, 1], [1, 3]]),
    ("one", (2, 2), [[1, 0], [0, 1]]), ("none", (3,), [[0, 0]]),
]:
    for mode in ("edge", "reflect"):
        x = floats(*shape)

        def at(i):
            place = []
            for k, (low, _), n in zip(i, widths, shape):
                k -= low
                place.append(min(max(k, 0), n - 1) if mode == "edge" else n - 1 - abs(n - 1 - abs(k)))
            return x[place]

        result = [low + n + high for n, (low, high) in zip(shape, widths)]
        case(f"pad_{mode}_{name}", "pad", {"widths": widths, "mode": mode}, {"x": x}, Tensor(result, at))

# Triangles, windows, grids.
for k in (-2, -1, 0, 1, 3):
    for shape in [(3, 5), (2, 4, 3), (1, 1)]:
        x = floats(*shape)
        keep = lambda i: i[-1] - i[-2] >= k
        name = "x".join(map(str, shape))
        case(f"triu_{name}_{k}", "triu", {"k": k}, {"x": x}, Tensor(shape, lambda i: x[i] if keep(i) else ZERO))
for name, shape, axis, size, step, dilation in [
    ("plain", (7, 2), 0, 3, 1, 1), ("apart", (2, 9), 1, 3, 2, 1), ("dilated", (9,), 0, 3, 1, 2), ("one", (3,), 0, 3, 1, 1),
]:
    x = floats(*shape)
    count = (shape[axis] - (size - 1) * dilation - 1) // step + 1
    result = shape[:axis] + (count, size) + shape[axis + 1:]
    at = lambda i: x[i[:axis] + (i[axis] * step + i[axis + 1] * dilation,) + i[axis + 2:]]
    args = {"axis": axis, "size": size, "step": step, "dilation": dilation}
    case(f"windows_{name}", "windows", args, {"x": x}, Tensor(result, at))
for xy in (True, False):
    for name, sizes in [("two", (3, 5)), ("three", (2, 1, 3)), ("one", (4,)), ("none", (0, 2))]:
        xs = [floats(n) for n in sizes]
        place = lambda k: {0: 1, 1: 0}.get(k, k) if xy and len(sizes) > 1 else k
        shape = [0] * len(sizes)
        for k, n in enumerate(sizes):
            shape[place(k)] = n
        ys = [Tensor(shape, lambda i, k=k: xs[k][[i[place(k)]]]) for k in range(len(sizes))]
        inputs = {f"x{k}": x for k, x in enumerate(xs)}
        case(f"meshgrid_{name}_{'xy' if xy else 'ij'}", "meshgrid", {"xy": xy}, inputs, ys)

with open(f"{sys.argv[1]}/indexing.json", "w") as file:
    file.write("[\n" + ",\n".join(lines) + "\n]\n")
print(len(lines), "cases")
