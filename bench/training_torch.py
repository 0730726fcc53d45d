"""Warm epochs of one of the models of bench/training.ts in PyTorch: `python training_torch.py mlp 5`. Prints JSON: milliseconds per epoch,
and of a one-row prediction."""
import json
import sys
import time

import torch
from torch import nn


class Last(nn.Module):
    """The last output of a recurrent layer."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        return self.layer(x)[0][:, -1]


class Block(nn.Module):
    """Attention and two dense layers, with a normalization after each."""

    def __init__(self, width, heads):
        super().__init__()
        self.attention = nn.MultiheadAttention(width, heads, batch_first=True)
        self.middle = nn.LayerNorm(width, eps=1e-6)
        self.dense = nn.Sequential(nn.Linear(width, 2 * width), nn.ReLU(), nn.Linear(2 * width, width))
        self.last = nn.LayerNorm(width, eps=1e-6)

    def forward(self, x):
        x = self.middle(x + self.attention(x, x, x, need_weights=False)[0])
        return self.last(x + self.dense(x))


class Transformer(nn.Module):
    def __init__(self, vocabulary, width, steps, heads, blocks):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.positions = nn.Parameter(torch.empty(steps, width).uniform_(-0.05, 0.05))
        self.blocks = nn.Sequential(*(Block(width, heads) for _ in range(blocks)))
        self.head = nn.Linear(width, 1)

    def forward(self, tokens):
        return self.head(self.blocks(self.embedding(tokens) + self.positions).mean(1))


def dense(*widths):
    layers = []
    for inputs, outputs in zip(widths, widths[1:]):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def convolutions():
    first = [nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*first, nn.Flatten(), nn.Dropout(0.5), nn.Linear(1600, 10))


def recurrent(layer):
    return nn.Sequential(Last(layer(16, 32, batch_first=True)), nn.Linear(32, 1))


TWO, MANY, NUMBER = nn.BCEWithLogitsLoss(), nn.CrossEntropyLoss(), nn.MSELoss()
MODELS = {
    "mlp": (20_000, 32, (20,), 2, lambda: dense(20, 64, 64, 1), TWO),
    "lstm": (2_000, 64, (30, 16), 2, lambda: recurrent(nn.LSTM), NUMBER),
    "cnn": (6_000, 128, (1, 28, 28), 10, convolutions, MANY),
    "transformer": (2_000, 32, (64,), 2, lambda: Transformer(5_000, 64, 64, 4, 2), TWO),
    "longLstm": (256, 64, (300, 16), 2, lambda: recurrent(nn.LSTM), NUMBER),
    "longGru": (256, 64, (300, 16), 2, lambda: recurrent(nn.GRU), NUMBER),
}
name, epochs = sys.argv[1], int(sys.argv[2])
rows, batch, shape, classes, build, loss = MODELS[name]
torch.manual_seed(1)
x = torch.randint(0, 5_000, (rows, *shape)) if name == "transformer" else torch.randn(rows, *shape)
y = torch.randint(0, classes, (rows,)) if loss is MANY else torch.randint(0, classes, (rows, 1)).float()
model = build()
optimizer = torch.optim.Adam(model.parameters(), lr=0.001)
times = []
model.train()
for turn in range(epochs + 1):
    if turn == 1:
        cpu = time.process_time()
    started = time.perf_counter()
    for at in range(0, rows, batch):
        optimizer.zero_grad(set_to_none=True)
        loss(model(x[at : at + batch]), y[at : at + batch]).backward()
        optimizer.step()
    times.append(1000 * (time.perf_counter() - started))
cpu = 1000 * (time.process_time() - cpu) / epochs
model.eval()
predictions = []
with torch.inference_mode():
    for _ in range(500):
        started = time.perf_counter()
        model(x[:1])
        predictions.append(1000 * (time.perf_counter() - started))
found = {"epochs": times[1:], "epochCpu": cpu, "firstEpoch": times[0], "oneRow": sorted(predictions)[250], "versions": f"torch {torch.__version__}"}
print(json.dumps(found))
