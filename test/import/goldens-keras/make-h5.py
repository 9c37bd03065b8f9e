# Makes the Keras goldens beside this file with h5py and numpy (Debian: python3-h5py, python3-numpy): files laid out as Keras 2's and
# Keras 3's model.save("model.h5") lay them out (gzipped: HDF5 is mostly holes), and expected outputs computed layer by layer in float64. Run: python3 make-h5.py
import contextlib
import gzip
import json
import math
import os
import tempfile

import h5py
import numpy as np

FOLDER = os.path.dirname(os.path.abspath(__file__))
rng = np.random.default_rng(11)


def dense(name, n_in, units, activation="linear", use_bias=True, **extra):
    config = {"name": name, "trainable": True, "dtype": "float32", "units": units, "activation": activation, "use_bias": use_bias,
              "kernel_initializer": {"class_name": "GlorotUniform", "config": {"seed": None}}, "kernel_regularizer": None, **extra}
    weights = [("kernel", rng.uniform(-0.8, 0.8, (n_in, units)))] + ([("bias", rng.uniform(-0.5, 0.5, units))] if use_bias else [])
    return "Dense", config, weights


def batch_norm(name, n, axis=None, epsilon=0.001, scale=True, center=True):
    config = {"name": name, "trainable": True, "dtype": "float32", "axis": axis if axis is not None else [1], "momentum": 0.99,
              "epsilon": epsilon, "center": center, "scale": scale}
    weights = [("gamma", rng.uniform(0.3, 1.7, n))] if scale else []
    weights += [("beta", rng.uniform(-1, 1, n))] if center else []
    return "BatchNormalization", config, weights + [("moving_mean", rng.uniform(-1, 1, n)), ("moving_variance", rng.uniform(0.1, 1.1, n))]


def layer(class_name, name, weights=(), **config):
    return class_name, {"name": name, "trainable": True, "dtype": "float32", **config}, list(weights)


ACTIVATIONS = {
    "linear": lambda z: z,
    "relu": lambda z: np.maximum(z, 0),
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "tanh": np.tanh,
    "gelu": lambda z: 0.5 * z * (1 + np.vectorize(math.erf)(z / math.sqrt(2))),
    "softmax": lambda z: np.exp(z - z.max(-1, keepdims=True)) / np.exp(z - z.max(-1, keepdims=True)).sum(-1, keepdims=True),
    "log_softmax": lambda z: z - z.max(-1, keepdims=True) - np.log(np.exp(z - z.max(-1, keepdims=True)).sum(-1, keepdims=True)),
    "leaky_relu": lambda z: np.where(z < 0, 0.2 * z, z),
}


def run(layers, x):
    for class_name, config, weights in layers:
        w = {k: np.asarray(v, np.float64) for k, v in weights}
        if class_name == "Dense":
            x = ACTIVATIONS[config["activation"]](x @ w["kernel"] + w.get("bias", 0))
        elif class_name == "Activation":
            x = ACTIVATIONS[config["activation"]](x)
        elif class_name == "BatchNormalization":
            axis = config["axis"][0] if isinstance(config["axis"], list) else config["axis"]
            shape = [1] * x.ndim
            shape[axis] = -1
            r = {k: v.reshape(shape) for k, v in w.items()}
            x = r.get("gamma", 1) * (x - r["moving_mean"]) / np.sqrt(r["moving_variance"] + config["epsilon"]) + r.get("beta", 0)
        elif class_name == "Normalization":
            x = (x - w["mean"]) / np.maximum(np.sqrt(w["variance"]), 1e-7)
        elif class_name == "Rescaling":
            x = x * config["scale"] + config["offset"]
        elif class_name == "Flatten":
            x = x.reshape(x.shape[0], -1)
        elif class_name == "Reshape":
            x = x.reshape(x.shape[0], *config["target_shape"])
        elif class_name == "LeakyReLU":
            x = np.where(x < 0, config.get("alpha", config.get("negative_slope")) * x, x)
        elif class_name == "ReLU":
            x = np.where(x < 0, config["negative_slope"] * x, x)
        elif class_name == "Softmax":
            x = ACTIVATIONS["softmax"](x)
        elif class_name == "Sequential":
            x = run(config["inner"], x)
        else:
            assert class_name in ("InputLayer", "Dropout"), class_name
    return x


def described(layers):
    return [{"class_name": c, "config": {"name": f["name"], "layers": described(f["inner"])} if c == "Sequential" else f} for c, f, _ in layers]


def weights_of(entry):
    """(owner, weight, values): of a nested model all its layers', of a layer its own."""
    class_name, config, weights = entry
    if class_name == "Sequential":
        return [w for inner in config["inner"] for w in weights_of(inner)]
    return [(config["name"], k, v) for k, v in weights]


@contextlib.contextmanager
def hdf5(name, **options):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "file.h5")
        with h5py.File(path, "w", **options) as f:
            yield f
        with open(path, "rb") as f:
            packed = gzip.compress(f.read(), 9, mtime=0)
    with open(os.path.join(FOLDER, name + ".h5.gz"), "wb") as f:
        f.write(packed)


def save(name, model_config, layers, cases_shape, dtype="<f4", weight_path="{layer}/{weight}:0", version="2.11.0", **create):
    """The layout of keras/saving/hdf5_format.py: attributes of text, one group a layer, one dataset a weight."""
    cast = lambda v: np.asarray(v, dtype).astype(np.float64)
    layers = [(c, f, [(k, cast(v)) for k, v in w]) for c, f, w in layers]
    with hdf5(name) as f:
        f.attrs["keras_version"] = version.encode()
        f.attrs["backend"] = b"tensorflow"
        f.attrs["model_config"] = json.dumps(model_config).encode()
        g = f.create_group("model_weights")
        g.attrs["layer_names"] = np.asarray([c["name"].encode() for _, c, _ in layers])
        g.attrs["backend"] = b"tensorflow"
        g.attrs["keras_version"] = version.encode()
        for entry in layers:
            lg = g.create_group(entry[1]["name"])
            stored = [(weight_path.format(layer=owner, weight=k), v) for owner, k, v in weights_of(entry)]
            lg.attrs["weight_names"] = np.asarray([n.encode() for n, _ in stored])
            for path, value in stored:
                value = np.asarray(value, dtype)
                ds = lg.create_dataset(path, value.shape, dtype=value.dtype, **create)
                if not value.shape:
                    ds[()] = value
                else:
                    ds[:] = value
        f.attrs["training_config"] = json.dumps({"loss": "categorical_crossentropy", "optimizer_config": {"class_name": "Adam"}}).encode()
        og = f.create_group("optimizer_weights")
        og.attrs["weight_names"] = np.asarray([b"Adam/iter:0"])
        og.create_dataset("Adam/iter:0", (), dtype="<i8")[()] = 5
    cases = []
    for scale in (1, 0.3, 3):
        x = rng.uniform(-scale, scale, cases_shape).round(4).astype(np.float32)
        cases.append({"input": x.ravel().tolist(), "output": run(layers, x[None].astype(np.float64)).ravel().tolist()})
    with open(os.path.join(FOLDER, name + ".cases.json.gz"), "wb") as f:
        f.write(gzip.compress(json.dumps(cases).encode(), 9, mtime=0))


def sequential(layers, shape):
    return {"class_name": "Sequential", "config": {"name": "sequential", "layers": [
        {"class_name": "InputLayer", "config": {"batch_input_shape": [None, *shape], "dtype": "float32", "sparse": False, "ragged": False, "name": "input_1"}},
        *described(layers)]}}


def functional(layers, newer=False):
    entries = []
    for i, (entry, (_, config, _)) in enumerate(zip(described(layers), layers)):
        before = layers[i - 1][1]["name"]
        if i == 0:
            nodes = []
        elif newer:
            tensor = {"class_name": "__keras_tensor__", "config": {"shape": [None, 1], "dtype": "float32", "keras_history": [before, 0, 0]}}
            nodes = [{"args": [tensor], "kwargs": {"training": False}}]
        else:
            nodes = [[[before, 0, 0, {}]]]
        entries.append({**entry, "name": config["name"], "inbound_nodes": nodes})
    first, last = layers[0][1]["name"], layers[-1][1]["name"]
    ends = ([first, 0, 0], [last, 0, 0]) if newer else ([[first, 0, 0]], [[last, 0, 0]])
    return {"class_name": "Functional", "config": {"name": "model", "layers": entries, "input_layers": ends[0], "output_layers": ends[1]}}


mlp = [layer("Flatten", "flatten", data_format="channels_last"), batch_norm("bn_in", 20), dense("dense", 20, 14, "relu"), batch_norm("bn", 14),
       layer("Dropout", "dropout", rate=0.2), dense("dense_1", 14, 11, use_bias=False), batch_norm("bn_1", 11, scale=False, epsilon=0.01),
       layer("LeakyReLU", "leaky_re_lu", alpha=0.30000001192092896), dense("dense_2", 11, 8, "gelu"), dense("dense_3", 8, 3, "softmax")]
save("mlp", sequential(mlp, [5, 4]), mlp, (5, 4))
save("mlp-double", sequential(mlp, [5, 4]), mlp, (5, 4), dtype=">f8")
save("mlp-half", sequential(mlp, [5, 4]), mlp, (5, 4), dtype="<f2")

chain = [layer("InputLayer", "input_1", batch_input_shape=[None, 4, 3]), layer("Rescaling", "rescaling", scale=0.5, offset=-0.25),
         layer("Normalization", "normalization", [("mean", rng.uniform(-1, 1, 3)), ("variance", rng.uniform(0.2, 1, 3)), ("count", np.asarray(0.0))], axis=[-1], mean=None, variance=None),
         batch_norm("bn_rows", 4, axis=[1]), layer("Reshape", "reshape", target_shape=[1, 12]), dense("dense", 12, 9, "tanh"),
         layer("Flatten", "flatten", data_format="channels_last"), dense("dense_1", 9, 6), layer("ReLU", "re_lu", max_value=None, negative_slope=0.125, threshold=0.0),
         dense("dense_2", 6, 4), layer("Activation", "activation", activation="log_softmax")]
save("functional", functional(chain), chain, (4, 3))

newer = [layer("InputLayer", "input_layer", batch_shape=[None, 7]), dense("dense", 7, 6, "leaky_relu", dtype={"module": "keras", "class_name": "DTypePolicy", "config": {"name": "float32"}}),
         batch_norm("batch_normalization", 6, axis=-1), layer("Dropout", "dropout", rate=0.1),
         dense("dense_1", 6, 4, "sigmoid")]
save("keras3", functional(newer, newer=True), newer, (7,), weight_path="{layer}/{weight}", version="3.5.0")

inner = [dense("dense", 6, 5, "relu"), batch_norm("bn", 5), dense("dense_1", 5, 5)]
nested = [("Sequential", {"name": "body", "inner": inner}, []), layer("Activation", "activation", activation="tanh"), dense("head", 5, 3)]
save("nested", sequential(nested, [6]), nested, (6,))

tiny = [dense("dense", 3, 2)]
save("chunked", sequential(tiny, [3]), tiny, (3,), chunks=True, compression="gzip")

os.remove(os.path.join(FOLDER, "chunked.cases.json.gz"))  # it is there to be refused

with hdf5("many-members") as f:  # a B-tree of two levels
    g = f.create_group("first")
    for i in range(260):
        f["member_%d" % i] = g
with hdf5("latest-format", libver="latest") as f:
    f.attrs["model_config"] = b"{}"
with hdf5("numbers") as f:  # every type of number, in both byte orders, contiguous and compact
    values = np.asarray([[0, 1, 100], [7, 2, 64]])
    for kind in ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8"):
        for order in "<>":
            f.create_dataset(order + kind, data=values.astype(order + kind))
    f.create_dataset("empty", (0, 4), "<f4")
    f.create_dataset("unwritten", (2, 4), "<f4")
    f.create_dataset("scalar", (), "<f4")[()] = 2.5
    f.create_dataset("text", data=np.asarray([b"a", b"bc"]))
    compact = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    compact.set_layout(h5py.h5d.COMPACT)
    space = h5py.h5s.create_simple((2, 3))
    h5py.h5d.create(f.id, b"compact", h5py.h5t.IEEE_F32LE, space, compact).write(h5py.h5s.ALL, h5py.h5s.ALL, values.astype("<f4"))
    f.attrs["fixed"] = np.asarray([b"one", b"three"])
    f.attrs.create("long", ["uno", "", "tr\u00e9s"], dtype=h5py.string_dtype())
    f.attrs["single"] = "alone"
    f.attrs["none"] = np.asarray([])
    f.attrs["number"] = 4
