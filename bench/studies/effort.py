"""What was tried for choosing nodes and for deciding when to grow, judged offline. Not part of the package; the results stand in
docs/decisions/growing-by-margin.md and docs/decisions/low-rank-ranks-best.md.

    python3 bench/studies/effort.py examples/models/fashion-mnist.safetensors examples/data/fashion-mnist

Fits on fit-*, judges on test-*. Dense inputs, f32, first layer ranked, later layers exact; a dropped node counts as 0.
"""
import gzip, json, struct, sys
import numpy as np

rng = np.random.default_rng(1)


def idx(path):
    data = gzip.open(path).read() if path.endswith(".gz") else open(path, "rb").read()
    shape = struct.unpack(f">{data[3]}I", data[4:4 + 4 * data[3]])
    return np.frombuffer(data, np.uint8, offset=4 + 4 * data[3]).reshape(shape)


def tensors(path):
    data = open(path, "rb").read()
    n = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + n])
    kinds = {"F16": np.float16, "F32": np.float32}
    return {k: np.frombuffer(data[8 + n:], kinds[v["dtype"]], offset=v["data_offsets"][0], count=int(np.prod(v["shape"]))).reshape(v["shape"]).astype(np.float32)
            for k, v in header.items() if k != "__metadata__"}


def rows(folder, part, scale=255):
    x = idx(f"{folder}/{part}-images.idx.gz").reshape(-1, 784).astype(np.float32) / scale
    return x, idx(f"{folder}/{part}-labels.idx.gz").astype(int)


t = tensors(sys.argv[1])
W1, b1, W2, b2, W3, b3 = (t[k] for k in ("0.weight", "0.bias", "3.weight", "3.bias", "6.weight", "6.bias"))
xf, yf = rows(sys.argv[2], "fit")
xh, yh = rows(sys.argv[2], "held-out")
xt, yt = rows(sys.argv[2], "test")
relu = lambda v: np.maximum(v, 0)
after1 = lambda h1: relu(h1 @ W2.T + b2) @ W3.T + b3
zf, zt, zh = xf @ W1.T + b1, xt @ W1.T + b1, xh @ W1.T + b1
dense_t, dense_h = after1(relu(zt)), after1(relu(zh))
right = lambda out, y: out.argmax(1) == y
print(f"dense {right(dense_t, yt).mean():.4f}, active nodes {(zt > 0).mean():.3f} of layer 1, {(relu(zt) @ W2.T + b2 > 0).mean():.3f} of layer 2")
look = np.sqrt((W2 ** 2).sum(0))


def kept(scores, share):
    k = max(1, round(share * scores.shape[1]))
    cut = np.partition(scores, scores.shape[1] - k, axis=1)[:, [scores.shape[1] - k]]
    return scores >= cut


def report(name, scores, shares=(0.02, 0.04, 0.08, 0.16)):
    cells = []
    for share in shares:
        out = after1(relu(zt) * kept(scores, share))
        cells.append(f"{100 * (right(dense_t, yt).mean() - right(out, yt).mean()):6.2f}")
    print(f"  {name:58s}" + " ".join(cells))


def low_rank(z, weight, r):
    m = (z * weight).mean(0)
    c = z * weight - m
    _, _, v = np.linalg.svd(c[rng.permutation(len(c))[:3000]], full_matrices=False)
    return v[:r], m


def predicted(z, zfit, weight, r):
    v, m = low_rank(zfit, weight, r)
    return ((z * weight - m) @ v.T @ v + m) / weight


print("points lost at 2, 4, 8, 16 % of layer 1, by what ranks it")
report("true activations", zt)
report("true activations x how much layer 2 looks at them", zt * look)
for r in (8, 16, 32, 64):
    p = predicted(zt, zf, look, r)
    report(f"low-rank {r} ({r * (784 + 1024) / (784 * 1024) * 100:.1f} % of MACs)", p)
p32 = predicted(zt, zf, look, 32)
report("low-rank 32, without weighting the fit", predicted(zt, zf, np.ones(1024, np.float32), 32))
for r in (8, 16, 32):
    p = predicted(zt, zf, look, r)
    for power in (0.5, 1, 2):
        report(f"low-rank {r}, ranked by prediction x look^{power}", p * look ** power)

# Signs: inputs and weights of one bit each (xnor and popcount), against their means; a bias and a gain per node fitted by regression.
sign1 = lambda x: np.where(x > np.median(xf, 0), 1.0, -1.0).astype(np.float32)
B = np.where(W1 > 0, 1.0, -1.0).astype(np.float32)
a_f, a_t = sign1(xf) @ B.T, sign1(xt) @ B.T
gain = ((a_f - a_f.mean(0)) * (zf - zf.mean(0))).mean(0) / (a_f.var(0) + 1e-6)
report("signs of pixels x signs of weights (popcount, 784 bits a node)", (a_t - a_f.mean(0)) * gain + zf.mean(0))
for bits in (128, 256, 512):
    P = rng.standard_normal((bits, 784)).astype(np.float32)
    mean = xf.mean(0)
    sign = lambda x: np.where((x - mean) @ P.T > 0, 1.0, -1.0).astype(np.float32)
    A = np.c_[sign(xf), np.ones(len(xf), np.float32)]
    C = np.linalg.solve(A.T @ A + 10 * np.eye(bits + 1), A.T @ zf)
    C1 = np.sign(C[:-1]) * np.abs(C[:-1]).mean(0)
    report(f"signs of {bits} projections, linear read-out in f32", np.c_[sign(xt), np.ones(len(xt))] @ C)
    report(f"signs of {bits} projections, read-out of one bit (popcount)", sign(xt) @ C1 + C[-1])

# Sparse projections: the code of a low-rank predictor from few pixels each (Achlioptas) with a least-squares read-out.
for r, density in ((32, 1 / 16), (32, 1 / 4), (64, 1 / 16)):
    P = (rng.random((r, 784)) < density) * rng.choice([-1.0, 1.0], (r, 784))
    P = P.astype(np.float32)
    A = np.c_[xf @ P.T, np.ones(len(xf), np.float32)]
    C = np.linalg.solve(A.T @ A + 1e-1 * np.eye(r + 1), A.T @ zf)
    report(f"sparse projections {r}, {density:.3f} dense, least squares", np.c_[xt @ P.T, np.ones(len(xt))] @ C)

# Hash tables over training inputs, whose buckets vote for nodes, against hash tables over the weight rows themselves.
def planes(tables, bits, width):
    return rng.standard_normal((tables * bits, width)).astype(np.float32)


def codes(x, P, tables, bits):
    return ((x @ P.T > 0).reshape(len(x), tables, bits) * (1 << np.arange(bits))).sum(2)


def report_hash(name, scores):
    report(name, scores, (0.02, 0.04, 0.08, 0.16, 0.3))


print("points lost at 2, 4, 8, 16, 30 % of layer 1, by hash tables")
centre = xf.mean(0)
P = planes(8, 8, 784)
P -= np.outer(P @ centre / (centre @ centre), centre)
cf, ct = codes(xf, P, 8, 8), codes(xt, P, 8, 8)
votes = np.zeros((len(xt), 1024), np.float32)
for n in range(8):
    table = np.zeros((256, 1024), np.float32)
    np.add.at(table, cf[:, n], relu(zf))
    votes += (table / np.maximum(np.bincount(cf[:, n], minlength=256), 1)[:, None])[ct[:, n]]
report_hash("8 tables of 8 bits over inputs, votes for nodes active there", votes)
# largest inner product to largest cosine: weight rows with their bias, scaled into the unit ball, one more coordinate lifts them to its surface
rows1 = np.c_[W1, b1]
rows1 = rows1 / np.sqrt((rows1 ** 2).sum(1)).max()
rows1 = np.c_[rows1, np.sqrt(np.maximum(0, 1 - (rows1 ** 2).sum(1)))].astype(np.float32)
asked = np.c_[xt, np.ones(len(xt)), np.zeros(len(xt))].astype(np.float32)
for tables, bits in ((8, 8), (50, 6), (100, 9)):
    P = planes(tables, bits, 786)
    cw, cq = codes(rows1, P, tables, bits), codes(asked, P, tables, bits)
    hits = np.zeros((len(xt), 1024), np.float32)
    for n in range(tables):
        hits += cq[:, n][:, None] == cw[:, n][None, :]
    report_hash(f"{tables} tables of {bits} bits over weight rows, collisions", hits + 1e-6 * rng.random(hits.shape))
    report_hash(f"the same {tables * bits} bits, Hamming distance", (2.0 * (asked @ P.T > 0) - 1) @ (2.0 * (rows1 @ P.T > 0) - 1).T)

# The mean of what is dropped, folded into the next bias: always the same constant per setting, so free at run time.
print("points lost at 2, 4, 8, 16 % of layer 1 by low-rank 32, with what stands for dropped nodes")
pf = predicted(zf, zf, look, 32)
ph = predicted(zh, zf, look, 32)
for name, fill in (("zero", None), ("mean of what is dropped, folded into the next bias", "mean")):
    cells = []
    for share in (0.02, 0.04, 0.08, 0.16):
        mask = kept(p32, share)
        h = relu(zt) * mask
        if fill:
            dropped = relu(zf) * ~kept(pf, share)
            folded = relu(zt) * mask @ W2.T + (dropped.mean(0) @ W2.T) + b2
            cells.append(f"{100 * (right(dense_t, yt).mean() - right(relu(folded) @ W3.T + b3, yt).mean()):6.2f}")
        else:
            cells.append(f"{100 * (right(dense_t, yt).mean() - right(after1(h), yt).mean()):6.2f}")
    print(f"  {name:58s}" + " ".join(cells))

# Layer 2 ranked from the input of layer 1, from layer 1's own code, or from layer 1's (kept) output.
print("points lost at 2, 4, 8, 16 % of layer 2 (layer 1: low-rank 32, 8 %), by what ranks layer 2")
v1, m1 = low_rank(zf, look, 32)
code = lambda z: (z * look - m1) @ v1.T
h1 = lambda z, p: relu(z) * kept(p, 0.08)
h_f, h_t = h1(zf, pf), h1(zt, p32)
z2_f, z2_t = h_f @ W2.T + b2, h_t @ W2.T + b2
base = right(relu(z2_t) @ W3.T + b3, yt).mean()
look2 = np.sqrt((W3 ** 2).sum(0))


def report2(name, scores):
    cells = []
    for share in (0.02, 0.04, 0.08, 0.16):
        out = (relu(z2_t) * kept(scores, share)) @ W3.T + b3
        cells.append(f"{100 * (base - right(out, yt).mean()):6.2f}")
    print(f"  {name:58s}" + " ".join(cells))


report2("true activations", z2_t)
report2("low-rank 32 from the kept output of layer 1", predicted(z2_t, z2_f, look2, 32))
A, At = np.c_[code(zf), np.ones(len(zf))], np.c_[code(zt), np.ones(len(zt))]
report2("linear in layer 1's code of 32 (free of a first product)", At @ np.linalg.solve(A.T @ A + 1e-2 * np.eye(33), A.T @ z2_f))
R, Rt = np.c_[A[:, :-1], relu(A[:, :-1]), np.ones(len(zf))], np.c_[At[:, :-1], relu(At[:, :-1]), np.ones(len(zt))]
report2("linear in the code and its positive parts (64)", Rt @ np.linalg.solve(R.T @ R + 1e-2 * np.eye(65), R.T @ z2_f))
u, s, vt = np.linalg.svd(xf - xf.mean(0), full_matrices=False)
X, Xt = np.c_[(xf - xf.mean(0)) @ vt[:64].T, np.ones(len(xf))], np.c_[(xt - xf.mean(0)) @ vt[:64].T, np.ones(len(xt))]
report2("linear in 64 principal components of the input", Xt @ np.linalg.solve(X.T @ X + 1e-2 * np.eye(65), X.T @ z2_f))

# When to grow: 3 % first, then 16 %; the share of inputs that grow, chosen by score, against points lost. Learned scores fit on half of
# the held-out rows: will the low rung's answer differ from dense's?
print("points lost and (answers changed) when the most doubtful 5, 10, 20, 30 % of inputs grow from 3 % to 16 % of layer 1, by score")
low_t, high_t = after1(relu(zt) * kept(p32, 0.03)), after1(relu(zt) * kept(p32, 0.16))
low_h = after1(relu(zh) * kept(ph, 0.03))
softmax = lambda o: np.exp(o - o.max(1, keepdims=True)) / np.exp(o - o.max(1, keepdims=True)).sum(1, keepdims=True)


def features(o):
    s = -np.sort(-o, axis=1)
    p = softmax(o)
    return np.c_[s[:, 0] - s[:, 1], s[:, 1] - s[:, 2], s[:, 0] - s[:, 2], s[:, 0], -(p * np.log(p + 1e-12)).sum(1), p.max(1), np.eye(10)[o.argmax(1)]]


F, Ft = features(low_h), features(low_t)
mu, sd = F.mean(0), F.std(0) + 1e-6
F, Ft = np.c_[(F - mu) / sd, np.ones(len(F))], np.c_[(Ft - mu) / sd, np.ones(len(Ft))]
wrong = (low_h.argmax(1) != dense_h.argmax(1)).astype(float)


def logistic(A, y, steps=60):
    w = np.zeros(A.shape[1])
    for _ in range(steps):
        p = 1 / (1 + np.exp(-np.clip(A @ w, -30, 30)))
        H = (A * (p * (1 - p))[:, None]).T @ A + 1e-2 * np.eye(len(w))
        w -= np.linalg.solve(H, A.T @ (p - y) + 1e-2 * w)
    return w


half = len(F) // 2
w = logistic(F[:half], wrong[:half])
top = -np.sort(-low_t, axis=1)
p = softmax(low_t)
best = -np.sort(-p, axis=1)
scores = {
    "margin of the two best logits": top[:, 0] - top[:, 1],
    "largest probability": p.max(1),
    "difference of the two best probabilities": best[:, 0] - best[:, 1],
    "negative entropy": (p * np.log(p + 1e-12)).sum(1),
    "learned (logistic on margins, entropy, class)": -(Ft @ w),
}
for name, sure in scores.items():
    cells = []
    for share in (0.05, 0.1, 0.2, 0.3):
        grows = sure <= np.quantile(sure, share)
        out = np.where(grows[:, None], high_t, low_t)
        cells.append(f"{100 * (right(dense_t, yt).mean() - right(out, yt).mean()):6.2f} ({100 * (out.argmax(1) != dense_t.argmax(1)).mean():4.2f})")
    print(f"  {name:58s}" + " ".join(cells))
