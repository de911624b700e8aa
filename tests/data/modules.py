"""Modules of PyTorch's with what they compute, in float64: `python modules.py` writes `modules.safetensors`.

`net.<name>` is the state of a net that holds a module of each kind, as `state_dict` gives it; `in.<module>` is what the
module was given (`in.<module>.1` what second) and `out.<module>` its first result, in evaluation.
"""

import math

import torch
from safetensors.torch import save_file
from torch import nn


def numbers(*shape, seed=0):
    """Numbers between -1 and 1 that are spread evenly, and that f32 holds."""
    of = [(0.37 * seed + 0.6180339887498949 * (i + 1)) % 1.0 for i in range(math.prod(shape))]
    whole = [round(1024 * (2 * v - 1)) / 1024 for v in of]
    return torch.tensor(whole, dtype=torch.float64).reshape(shape)


net = nn.ModuleDict(
    {
        "linear": nn.Linear(3, 2),
        "plain": nn.Linear(3, 2, bias=False),
        "bilinear": nn.Bilinear(2, 3, 4),
        "row": nn.Conv1d(2, 3, 3, stride=2, padding=1),
        "image": nn.Conv2d(2, 3, 3, padding=1),
        "up": nn.ConvTranspose2d(3, 2, 3, stride=2, padding=1),
        "words": nn.Embedding(5, 3),
        "norm": nn.LayerNorm(4),
        "rms": nn.RMSNorm(4, eps=1e-6),
        "groups": nn.GroupNorm(2, 4),
        "batch": nn.BatchNorm1d(3),
        "batch_of_images": nn.BatchNorm2d(2),
        "rnn_cell": nn.RNNCell(3, 2),
        "lstm_cell": nn.LSTMCell(3, 2),
        "gru_cell": nn.GRUCell(3, 2),
        "rnn": nn.RNN(3, 2, 3, batch_first=True),
        "lstm": nn.LSTM(3, 2, 3, batch_first=True),
        "gru": nn.GRU(3, 2, 3, batch_first=True),
        "bi_rnn": nn.RNN(3, 2, 3, batch_first=True, bidirectional=True),
        "bi_lstm": nn.LSTM(3, 2, 3, batch_first=True, bidirectional=True),
        "bi_gru": nn.GRU(3, 2, 3, batch_first=True, bidirectional=True),
        "attention": nn.MultiheadAttention(4, 2, batch_first=True),
        "attention_plain": nn.MultiheadAttention(4, 2, bias=False, batch_first=True),
        "block": nn.TransformerEncoderLayer(4, 2, 6, dropout=0.0, batch_first=True, norm_first=True),
    }
).double()
inputs = {
    "linear": [numbers(4, 3)],
    "plain": [numbers(4, 3)],
    "bilinear": [numbers(3, 2), numbers(3, 3, seed=1)],
    "row": [numbers(1, 2, 7)],
    "image": [numbers(1, 2, 3, 4)],
    "up": [numbers(1, 3, 2, 3)],
    "words": [torch.tensor([[4, 0, 2]])],
    "norm": [numbers(3, 4)],
    "rms": [numbers(3, 4)],
    "groups": [numbers(2, 4, 3)],
    "batch": [numbers(4, 3)],
    "batch_of_images": [numbers(2, 2, 3, 2)],
    "rnn_cell": [numbers(2, 3), numbers(2, 2, seed=1)],
    "lstm_cell": [numbers(2, 3), numbers(2, 2, seed=1)],
    "gru_cell": [numbers(2, 3), numbers(2, 2, seed=1)],
    **{name: [numbers(2, 4, 3)] for name in ["rnn", "lstm", "gru", "bi_rnn", "bi_lstm", "bi_gru"]},
    **{name: [numbers(2, 3, 4)] for name in ["attention", "attention_plain", "block"]},
}

with torch.no_grad():
    for seed, parameter in enumerate(net.parameters()):
        parameter.copy_(numbers(*parameter.shape, seed=seed))
    # Statistics of a batch, whose number they count.
    for name in ["batch", "batch_of_images"]:
        net[name](inputs[name][0])
    net.eval()
    out = {}
    for name, given in inputs.items():
        if name.startswith("attention"):
            result = net[name](*given * 3, need_weights=False)
        elif name == "lstm_cell":
            # The cell starts as the hidden state does.
            result = net[name](given[0], (given[1], given[1]))
        else:
            result = net[name](*given)
        out[f"out.{name}"] = result[0] if isinstance(result, tuple) else result
        for i, x in enumerate(given):
            out[f"in.{name}" + (f".{i}" if i else "")] = x

state = {f"net.{name}": tensor for name, tensor in net.state_dict().items()}
save_file({name: tensor.contiguous() for name, tensor in (state | out).items()}, "modules.safetensors")
