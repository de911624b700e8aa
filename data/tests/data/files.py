"""Writes the files of this folder: NumPy's own, and values of scikit-learn's metrics.

    python files.py        # with numpy and scikit-learn; the files were written by 2.3 or later, and 1.9
"""

import gzip
import json
import struct

import numpy as np
from sklearn import metrics

random = np.random.default_rng(20260102)


def write_metrics():
    rows, classes = 60, 5
    # No two of a row are equal: scikit-learn orders those in another way. The last class is never a label.
    scores = random.integers(0, 8, (rows, classes)) / 8 + np.arange(classes) * 1e-6
    labels = random.integers(0, classes - 1, rows)
    answers = scores.argmax(axis=1)
    every = list(range(classes))
    found = {
        "scores": scores.tolist(),
        "labels": labels.tolist(),
        "answers": answers.tolist(),
        "accuracy": metrics.accuracy_score(labels, answers),
        "top": [metrics.top_k_accuracy_score(labels, scores, k=k, labels=every) for k in (1, 2, 3)],
        "confusion": metrics.confusion_matrix(labels, answers, labels=every).tolist(),
        "precision": metrics.precision_score(labels, answers, labels=every, average=None, zero_division=0).tolist(),
        "recall": metrics.recall_score(labels, answers, labels=every, average=None, zero_division=0).tolist(),
        "f1": metrics.f1_score(labels, answers, labels=every, average=None, zero_division=0).tolist(),
        "macro_precision": metrics.precision_score(labels, answers, average="macro", zero_division=0),
        "macro_recall": metrics.recall_score(labels, answers, average="macro", zero_division=0),
        "macro_f1": metrics.f1_score(labels, answers, average="macro", zero_division=0),
        "micro_f1": metrics.f1_score(labels, answers, average="micro"),
    }
    chances = random.dirichlet(np.ones(classes), rows)
    found["chances"] = chances.tolist()
    found["log_loss"] = metrics.log_loss(labels, chances, labels=every)
    binary = random.integers(0, 2, rows)
    ranks = random.integers(0, 6, rows) / 4 + binary / 4
    found |= {
        "binary": binary.tolist(),
        "ranks": ranks.tolist(),
        "auc": metrics.roc_auc_score(binary, ranks),
    }
    targets = random.normal(1e6, 2.0, (20, 3))
    outputs = targets + random.normal(0.0, 0.5, (20, 3))
    found |= {
        "targets": targets.tolist(),
        "outputs": outputs.tolist(),
        "mae": metrics.mean_absolute_error(targets.ravel(), outputs.ravel()),
        "r2": metrics.r2_score(targets.ravel(), outputs.ravel()),
    }
    with open("metrics.json", "w") as file:
        json.dump(found, file)


def write_idx(name, kind, array):
    head = struct.pack(">BBBB", 0, 0, kind, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
    big = array.astype(array.dtype.newbyteorder(">"))
    with open(name, "wb") as file:
        file.write(head + big.tobytes())
    return head + big.tobytes()


def write_safetensors(name, arrays, kinds):
    header, data = {}, b""
    for key, array in arrays.items():
        header[key] = {"dtype": kinds[key], "shape": list(array.shape), "data_offsets": [len(data), len(data) + array.nbytes]}
        data += array.tobytes()
    text = json.dumps(header).encode()
    with open(name, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


small = np.arange(6, dtype="<f4").reshape(2, 3) / 4
np.save("f4.npy", small)
np.save("f8_columns_big.npy", np.asfortranarray(small.astype(">f8")))
np.save("f2.npy", small.astype("<f2"))
np.save("u1.npy", np.arange(24, dtype="u1").reshape(2, 3, 2, 2) * 10)
np.save("i8.npy", np.array([3, -1, 2**31 - 1, 2**31], dtype="<i8"))
np.save("f8_whole.npy", np.array([3.0, -1.0, 2.5]))
np.save("b1.npy", np.array([True, False, True]))
np.save("scalar.npy", np.float64(2.5))
np.save("empty.npy", np.zeros((0, 4), dtype="<f4"))
np.save("text.npy", np.array(["a", "bc"]))
np.save("records.npy", np.array([(1, 2.0)], dtype=[("a", "<i4"), ("b", "<f8")]))
with open("version_2.npy", "wb") as file:
    np.lib.format.write_array(file, small, version=(2, 0))
np.savez("stored.npz", x=small, y=np.array([1, 2], dtype="<i8"))
np.savez_compressed("packed.npz", x=np.zeros((50, 40), dtype="<f4") + 0.5, y=np.array([1, 2], dtype="<i8"))
images = (np.arange(2 * 3 * 4) * 11 % 256).astype("u1").reshape(2, 3, 4)
raw = write_idx("images.idx", 0x08, images)
with open("images.idx.gz", "wb") as file:
    file.write(gzip.compress(raw, mtime=0))
write_idx("i2.idx", 0x0B, np.array([1, -2, 300], dtype="i2"))
write_idx("f4.idx", 0x0D, np.array([0.5, -2.25], dtype="f4"))
halves = np.array([0.5, -2.0], dtype="<f4")
brain = (halves.view("<u4") >> 16).astype("<u2")
write_safetensors(
    "arrays.safetensors",
    {"x": small, "ids": np.array([7, 8], dtype="<i8"), "brain": brain, "eighths": np.array([1, 2], dtype="u1")},
    {"x": "F32", "ids": "I64", "brain": "BF16", "eighths": "F8_E5M2"},
)
write_metrics()
