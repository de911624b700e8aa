"""More training runs by PyTorch in float64: combinations of optimizers' settings that `train.json` lacks.

Usage: python train_more.py (PyTorch 2.15), from this folder; writes train_more.json and train_more.safetensors.
Start, data and order are those of train.json; a run is the loss before each update, the norm of the gradients where
they are clipped, and the parameters at the end (`<run>/final/..`).
"""
import csv, json
import torch, torch.nn.functional as F
from safetensors.torch import load_file, save_file

torch.set_default_dtype(torch.float64)
rows = [[int(n) for n in row] for row in list(csv.reader(open("../../examples/data/digits.csv")))[1:]]
data = torch.tensor(rows)
X, Y = data[:, :64].double() / 16.0, data[:, 64]
start = {k.removeprefix("digits_mlp/init/"): v for k, v in load_file("train.safetensors").items() if k.startswith("digits_mlp/init/")}
STEPS, ROWS = 40, 32
tensors, runs = {}, []


def run(name, settings, make, clip=None):
    p = {k: v.clone().requires_grad_(True) for k, v in start.items()}
    optimizer = make(list(p.values()))
    losses, norms = [], []
    for s in range(STEPS):
        i = s * ROWS % (len(X) - ROWS)
        h = F.relu(X[i : i + ROWS] @ p["hidden.w"] + p["hidden.b"])
        loss = F.cross_entropy(h @ p["out.w"] + p["out.b"], Y[i : i + ROWS])
        optimizer.zero_grad()
        loss.backward()
        if clip:
            norms.append(float(torch.nn.utils.clip_grad_norm_(p.values(), clip)))
        optimizer.step()
        losses.append(float(loss.detach()))
    tensors.update({f"{name}/final/{k}": v.detach().contiguous() for k, v in p.items()})
    runs.append({"name": name, "optimizer": settings, "losses": losses, "grad_norms": norms})


O = torch.optim
run("adam_l2", "Adam lr=0.01 weight_decay=0.05", lambda p: O.Adam(p, 0.01, weight_decay=0.05))
run("adam_betas", "Adam lr=0.01 betas=(0.8,0.95) eps=1e-3", lambda p: O.Adam(p, 0.01, betas=(0.8, 0.95), eps=1e-3))
run("adamw_decay", "AdamW lr=0.01 weight_decay=0.1", lambda p: O.AdamW(p, 0.01, weight_decay=0.1))
run("nesterov_l2_clip", "SGD lr=0.05 momentum=0.9 nesterov weight_decay=5e-3 clip_grad_norm=0.5", lambda p: O.SGD(p, 0.05, momentum=0.9, nesterov=True, weight_decay=5e-3), clip=0.5)
json.dump({"runs": runs}, open("train_more.json", "w"), indent=1)
save_file(tensors, "train_more.safetensors")
