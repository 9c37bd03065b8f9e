"""Trains the text networks (V-H-L: a bag of words, ReLU, labels) and writes float16 safetensors in PyTorch naming.

    python3 examples/train/train_text.py TRAIN.npz TRAIN-labels.npz OUT.safetensors --test TEST.npz TEST-labels.npz
            [--width 256] [--epochs 8] [--batch 512] [--rate 3e-3] [--l1 0] [--decay 0.01] [--clip 0] [--word-dropout 0.1]
            [--dropout 0.1] [--candidates 0] [--full-epochs 1] [--rows 0] [--seed 1] [--threads 1]

Inputs and labels are scipy.sparse CSR files as examples/data/make-wordnet.ts and make-brown.ts write them. The loss is the
cross-entropy of a softmax over all labels, a row's labels being equally likely targets.

`--l1 A` adds A * the mean over the batch of the summed hidden values to the loss; A grows from 0 over the first half of training, as it
would kill nodes that know nothing yet. It keeps nodes from staying on for every row, so that the strongest few tell labels apart.
`--clip C` keeps every first-layer weight within C times the root mean square of its node's weights, for one int8 scale per node.
`--candidates N` computes N labels of a batch only, in all but the last `--full-epochs` epochs: the N/2 commonest (the files have them
first), the batch's own, and drawn ones weighted up so that the softmax's denominator stays unbiased.

Weights are written after every epoch. At the end it prints dense precision, that of int8 weights (a scale per node), the share of active
hidden nodes, and how often the answer stays when the best 64 labels by partial scores from the strongest 5 % of hidden values are
re-ranked. Needs torch, numpy and scipy.
"""
import argparse, math, time
import numpy as np, torch
from scipy import sparse
from torch.nn.functional import embedding, embedding_bag
from float16_safetensors import save


class Rows:
    def __init__(self, inputs, labels):
        x, y = sparse.load_npz(inputs).tocsr(), sparse.load_npz(labels).tocsr()
        assert x.shape[0] == y.shape[0], (x.shape, y.shape)
        self.count, self.words, self.labels = x.shape[0], x.shape[1], y.shape[1]
        tensor = lambda array, kind: torch.from_numpy(array.astype(kind))
        self.x = tensor(x.indptr, np.int64), tensor(x.indices, np.int64), tensor(x.data, np.float32)
        self.y = tensor(y.indptr, np.int64), tensor(y.indices, np.int64)

    def take(self, rows):
        """(word, value, start of each row), (row of each label, label) of the rows."""
        at, starts = spans(self.x[0], rows)
        of, ends = spans(self.y[0], rows)
        row = torch.repeat_interleave(torch.arange(len(rows)), torch.diff(ends, append=torch.tensor([len(of)])))
        return (self.x[1][at], self.x[2][at], starts), (row, self.y[1][of])


def spans(indptr, rows):
    size = indptr[rows + 1] - indptr[rows]
    starts = torch.cumsum(size, 0) - size
    return torch.arange(int(size.sum())) + torch.repeat_interleave(indptr[rows] - starts, size), starts


class CrossEntropy(torch.autograd.Function):
    """Mean over rows of -sum(target * log softmax(h W^T + b)); the scores' buffer is reused and ends as their gradient."""

    @staticmethod
    def forward(ctx, h, weight, bias, row, label, share, buffer):
        p = buffer[:len(h) * len(weight)].view(len(h), len(weight))
        torch.addmm(bias, h, weight.t(), out=p)
        right = p[row, label]
        top = p.max(1, keepdim=True).values
        p.sub_(top).exp_()
        total = p.sum(1, keepdim=True)
        p.div_(total)
        p.view(-1).index_add_(0, row * p.shape[1] + label, -share)
        ctx.save_for_backward(h, weight, p)
        return ((top + total.log()).mean() - (right * share).sum() / len(h))

    @staticmethod
    def backward(ctx, gradient):
        h, weight, p = ctx.saved_tensors
        p.mul_(gradient / len(h))
        return p @ weight, p.t() @ h, p.sum(0), None, None, None, None


class Network:
    def __init__(self, words, width, labels):
        # The first layer is kept word by word, as its rows are read.
        self.first = (torch.randn(words, width) * 0.1).requires_grad_()
        self.first_bias = torch.zeros(width, requires_grad=True)
        self.second = (torch.randn(labels, width) / math.sqrt(width)).requires_grad_()
        self.second_bias = torch.zeros(labels, requires_grad=True)

    def parameters(self):
        return [self.first, self.first_bias, self.second, self.second_bias]

    def tensors(self):
        return {"0.weight": self.first.detach().t(), "0.bias": self.first_bias.detach(),
                "2.weight": self.second.detach(), "2.bias": self.second_bias.detach()}

    def hidden(self, bag):
        word, value, starts = bag
        return torch.relu(embedding_bag(word, self.first, starts, mode="sum", per_sample_weights=value) + self.first_bias)


def sampled(net, label, candidates):
    """Weights and biases of the commonest labels, the batch's own and drawn ones weighted up, and where the batch's labels are among them."""
    labels, head = len(net.second), candidates // 2
    own = torch.unique(label[label >= head])
    free = torch.ones(labels, dtype=torch.bool)
    free[:head] = False
    free[own] = False
    rest = torch.nonzero(free).squeeze(1)
    drawn = rest[torch.randperm(len(rest))[:max(0, candidates - head - len(own))]]
    chosen = torch.cat([torch.arange(head), own, drawn])
    weight_up = torch.zeros(len(chosen))
    if len(drawn) > 0:
        weight_up[-len(drawn):] = math.log(len(rest) / len(drawn))
    position = torch.empty(labels, dtype=torch.int64)
    position[chosen] = torch.arange(len(chosen))
    return embedding(chosen, net.second), embedding(chosen, net.second_bias.unsqueeze(1)).squeeze(1) + weight_up, position[label]


def int8_rows(weight):
    scale = weight.abs().amax(1, keepdim=True).clamp_min(1e-12) / 127
    return torch.round(weight / scale) * scale


@torch.no_grad()
def judge(net, data, limit=None, screen=0.05, best=64):
    """precision@1, @3, @5; the share of active hidden nodes; agreement of the screen with dense."""
    count = min(data.count, limit or data.count)
    right, active, agree = torch.zeros(3), 0.0, 0
    strongest = max(1, round(screen * net.second.shape[1]))
    for i in range(0, count, 1000):
        rows = torch.arange(i, min(i + 1000, count))
        bag, (row, label) = data.take(rows)
        h = net.hidden(bag)
        active += float((h > 0).float().sum() / h.shape[1])
        scores = torch.addmm(net.second_bias, h, net.second.t())
        top = scores.topk(5, 1).indices
        truth = sparse.csr_matrix((np.ones(len(row), bool), (row.numpy(), label.numpy())), shape=scores.shape)
        hits = torch.from_numpy(np.asarray(truth[np.arange(len(rows))[:, None], top.numpy()].todense()).astype(np.float32))
        for j, k in enumerate((1, 3, 5)):
            right[j] += hits[:, :k].sum() / k
        part = torch.zeros_like(h)
        value, at = h.topk(strongest, 1)
        part.scatter_(1, at, value)
        partial = torch.addmm(net.second_bias, part, net.second.t()).topk(best, 1).indices
        agree += int((partial == top[:, :1]).any(1).sum())
    return (right / count).tolist(), active / count, agree / count


def main():
    p = argparse.ArgumentParser()
    p.add_argument("inputs"); p.add_argument("labels"); p.add_argument("out")
    p.add_argument("--test", nargs=2, required=True)
    p.add_argument("--width", type=int, default=256)
    p.add_argument("--epochs", type=int, default=8)
    p.add_argument("--batch", type=int, default=512)
    p.add_argument("--rate", type=float, default=3e-3)
    p.add_argument("--l1", type=float, default=0.0)
    p.add_argument("--decay", type=float, default=0.01)
    p.add_argument("--clip", type=float, default=0.0)
    p.add_argument("--word-dropout", type=float, default=0.1)
    p.add_argument("--dropout", type=float, default=0.1)
    p.add_argument("--candidates", type=int, default=0)
    p.add_argument("--full-epochs", type=int, default=1)
    p.add_argument("--rows", type=int, default=0, help="train on a random part only, to try settings")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--threads", type=int, default=1)
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    torch.set_flush_denormal(True)  # moments of rare words decay into denormals, which are slow
    torch.manual_seed(a.seed)
    data, test = Rows(a.inputs, a.labels), Rows(*a.test)
    net = Network(data.words, a.width, data.labels)
    # A word is seen rarely, so the first layer takes larger steps.
    rates = [3 * a.rate, a.rate]
    groups = [{"params": params, "lr": rate} for params, rate in zip(([net.first], net.parameters()[1:]), rates)]
    adam = torch.optim.AdamW(groups, weight_decay=a.decay, betas=(0.9, 0.98))
    used = torch.randperm(data.count)[:a.rows or data.count]
    steps = len(used) // a.batch
    schedule = torch.optim.lr_scheduler.OneCycleLR(adam, rates, total_steps=a.epochs * steps, pct_start=0.1)
    buffer = torch.empty(a.batch * data.labels)
    for epoch in range(a.epochs):
        began, order, total = time.time(), used[torch.randperm(len(used))], 0.0
        few = a.candidates > 0 and epoch < a.epochs - a.full_epochs
        for i in range(steps):
            (word, value, starts), (row, label) = data.take(order[i * a.batch:(i + 1) * a.batch])
            if a.word_dropout:
                value = value * (torch.rand(len(value)) >= a.word_dropout)
            h = net.hidden((word, value, starts))
            loss = 0.0
            if a.l1:
                loss = a.l1 * min(1, (epoch + i / steps) / (a.epochs / 2)) * h.sum(1).mean()
            if a.dropout:
                h = torch.nn.functional.dropout(h, a.dropout)
            weight, bias = net.second, net.second_bias
            if few:
                weight, bias, label = sampled(net, label, a.candidates)
            share = (1 / torch.bincount(row, minlength=a.batch).float())[row]
            loss = loss + CrossEntropy.apply(h, weight, bias, row, label, share, buffer)
            adam.zero_grad(set_to_none=False); loss.backward(); adam.step(); schedule.step()
            total += float(loss.detach())
            if a.clip and i % 20 == 0:
                with torch.no_grad():
                    most = a.clip * net.first.square().mean(0).sqrt()
                    net.first.copy_(torch.maximum(torch.minimum(net.first, most), -most))
        precision, active, agree = judge(net, test, 2000)
        save(a.out, net.tensors(), {"epoch": str(epoch + 1)})
        print(f"epoch {epoch + 1}: loss {total / steps:.4f}, first 2,000 test rows: precision@1/3/5 " + " ".join(f"{v:.4f}" for v in precision)
              + f", active {active:.3f}, screen agrees {agree:.4f} ({time.time() - began:.0f} s)", flush=True)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_(parameter.half().float())
    dense, active, agree = judge(net, test)
    with torch.no_grad():
        exact = net.first.clone(), net.second.clone()
        net.first.copy_(int8_rows(exact[0].t()).t())
        first = judge(net, test)[0]
        net.second.copy_(int8_rows(exact[1]))
        both = judge(net, test)[0]
        net.first.copy_(exact[0]); net.second.copy_(exact[1])
    line = lambda values: " ".join(f"{v:.4f}" for v in values)
    print(f"test precision@1/3/5: {line(dense)}; int8 first layer {line(first)}; int8 both {line(both)}; active {active:.3f}; screen agrees {agree:.4f}")
    notes = {"activation": "relu", "task": "multi-label by softmax", "rows": str(len(used)), "epochs": str(a.epochs), "l1": str(a.l1),
             "clip": str(a.clip), "seed": str(a.seed), "test_precision_at_1": f"{dense[0]:.4f}", "test_precision_at_5": f"{dense[2]:.4f}"}
    save(a.out, net.tensors(), notes)


main()
