"""Trains the networks under examples/models (ReLU MLPs of two hidden layers) and writes float16 safetensors in PyTorch naming.

    python3 examples/train/train_images.py IMAGES.idx[.gz] LABELS.idx[.gz] OUT.safetensors [--rows 45000]
            [--width 1024] [--scale 255] [--dropout 0.2] [--l1 0] [--epochs 20] [--seed 1] [--test IMAGES LABELS]

Inputs are what IMAGES holds, bytes or signed numbers of 16 bits, / `--scale`. The first `--rows` rows train; the rest are left alone, so that they can certify.
`--l1 A` adds A * mean over the batch of the summed hidden activations to the loss, which makes a network drop better.
Needs torch and numpy only.
"""
import argparse, gzip, struct, time
import numpy as np, torch
from torch import nn
from float16_safetensors import save


def idx(path):
    data = (gzip.open if path.endswith(".gz") else open)(path, "rb").read()
    dtype, rank = {0x08: "u1", 0x0b: ">i2"}[data[2]], data[3]
    shape = struct.unpack(f">{rank}I", data[4:4 + 4 * rank])
    return np.frombuffer(data, dtype, offset=4 + 4 * rank).reshape(shape)


def load(images, labels, scale):
    rows = idx(images)
    x = torch.from_numpy(rows.reshape(len(rows), -1).astype(np.float32) / np.float32(scale))
    return x, torch.from_numpy(idx(labels).astype(np.int64))


def main():
    p = argparse.ArgumentParser()
    p.add_argument("images"); p.add_argument("labels"); p.add_argument("out")
    p.add_argument("--rows", type=int, default=45000)
    p.add_argument("--width", type=int, default=1024)
    p.add_argument("--scale", type=float, default=255)
    p.add_argument("--dropout", type=float, default=0.2)
    p.add_argument("--l1", type=float, default=0.0)
    p.add_argument("--epochs", type=int, default=20)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--test", nargs=2)
    a = p.parse_args()
    torch.manual_seed(a.seed)
    x, y = load(a.images, a.labels, a.scale)
    held = (x[a.rows:], y[a.rows:])
    x, y = x[:a.rows], y[:a.rows]
    d, h, classes = x.shape[1], a.width, int(y.max()) + 1
    drop = a.dropout
    net = nn.Sequential(nn.Linear(d, h), nn.ReLU(), nn.Dropout(drop), nn.Linear(h, h), nn.ReLU(), nn.Dropout(drop), nn.Linear(h, classes))
    adam = torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=1e-2)
    batch = 128
    steps = a.epochs * (len(x) // batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(adam, 2e-3, total_steps=steps, pct_start=0.1)

    def accuracy(x, y):
        net.eval()
        with torch.no_grad():
            hits = sum((net(x[i:i + 2000]).argmax(1) == y[i:i + 2000]).sum().item() for i in range(0, len(x), 2000))
        net.train()
        return hits / len(x)

    for epoch in range(a.epochs):
        began, order = time.time(), torch.randperm(len(x))
        for i in range(0, len(x) - batch + 1, batch):
            rows = order[i:i + batch]
            h1 = net[1](net[0](x[rows]))
            h2 = net[4](net[3](net[2](h1)))
            loss = nn.functional.cross_entropy(net[6](net[5](h2)), y[rows])
            if a.l1:
                loss = loss + a.l1 * (h1.sum(1).mean() + h2.sum(1).mean())
            adam.zero_grad(); loss.backward(); adam.step(); schedule.step()
        print(f"epoch {epoch + 1}: held-out {accuracy(*held) if len(held[0]) else float('nan'):.4f} active {float((h1 > 0).float().mean()):.3f} {float((h2 > 0).float().mean()):.3f} ({time.time() - began:.0f} s)", flush=True)
    for parameter in net.parameters():
        parameter.data = parameter.data.half().float()
    notes = {"trained_on": f"the first {a.rows} rows", "activation": "relu", "l1": str(a.l1), "seed": str(a.seed)}
    if a.test:
        notes["test_accuracy"] = f"{accuracy(*load(*a.test, a.scale)):.4f}"
        print("test", notes["test_accuracy"])
    tensors = dict(net.state_dict())
    save(a.out, tensors, notes)


main()
