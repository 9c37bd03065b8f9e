"""Makes the ONNX and PyTorch test models here and the inputs they are run on (inputs.json); run-onnxruntime.js then adds what ONNX Runtime
answers. Needs onnx 1.12 and torch 1.13: python3 make.py, in this folder."""

import json
import warnings

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

warnings.filterwarnings("ignore")
torch.manual_seed(1)
rng = np.random.default_rng(1)
inputs = {}


def f32(*shape):
    return rng.standard_normal(shape).astype(np.float32) * 0.5


def rows(name, *shape, scale=1.0, dtype=np.float32):
    """Four rows for a model, each run on its own as a batch of one."""
    values = (rng.standard_normal((4, *shape)) * scale).astype(dtype)
    inputs[name] = {"shape": list(shape), "rows": [row.ravel().tolist() for row in values]}


def export(name, net, shape, opset, **options):
    net.eval()
    for module in net.modules():
        if isinstance(module, nn.BatchNorm1d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
            nn.init.normal_(module.weight)
            nn.init.normal_(module.bias)
    torch.onnx.export(net, torch.randn(1, *shape), f"{name}.onnx", opset_version=opset, input_names=["input"], output_names=["output"],
                      dynamic_axes={"input": {0: "batch"}, "output": {0: "batch"}}, **options)
    rows(name, *shape)


def initializer(name, array, field=False):
    tensor = numpy_helper.from_array(array, name)
    if field:  # as numbers instead of raw bytes
        tensor = helper.make_tensor(name, tensor.data_type, array.shape, array.ravel().tolist())
    return tensor


def save(name, nodes, tensors, shape, opset, input_type=TensorProto.FLOAT, input_shape="batch", **options):
    dims = None if input_shape is None else (["batch", *shape] if input_shape == "batch" else input_shape)
    graph = helper.make_graph(nodes, name, [helper.make_tensor_value_info("x", input_type, dims)],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)], tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8 if opset < 20 else 9)
    onnx.save(model, f"{name}.onnx", **options)


def node(operator, inputs_, output, **attributes):
    return helper.make_node(operator, inputs_, [output], name=f"{operator}_{output}", **attributes)


# What PyTorch exports.
keep = {"training": torch.onnx.TrainingMode.PRESERVE, "do_constant_folding": False}
export("torch-batchnorm", nn.Sequential(nn.Linear(12, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.5), nn.Linear(16, 9), nn.LeakyReLU(0.2),
                                        nn.BatchNorm1d(9), nn.Linear(9, 5), nn.LogSoftmax(dim=1)), (12,), 11, **keep)
export("torch-gelu-erf", nn.Sequential(nn.Linear(8, 12), nn.GELU(), nn.Linear(12, 6), nn.Sigmoid(), nn.Linear(6, 4), nn.GELU()), (8,), 13)
export("torch-gelu-tanh", nn.Sequential(nn.Linear(8, 12), nn.GELU(approximate="tanh"), nn.Linear(12, 6), nn.Tanh(), nn.Linear(6, 4),
                                        nn.Softmax(dim=-1)), (8,), 17)


class Viewed(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(16, 10), nn.Linear(10, 3)

    def forward(self, x):
        x = (x - 0.1307) / 0.3081
        return self.fc2(torch.relu(self.fc1(x.view(x.size(0), -1))))


export("torch-view", Viewed(), (1, 4, 4), 9)
export("torch-flatten", nn.Sequential(nn.Flatten(), nn.Linear(16, 7, bias=False), nn.ReLU(), nn.Linear(7, 3)), (1, 4, 4), 7)

# A state dict as safetensors, written by hand: 8 bytes of header length, JSON, data.
net = nn.Sequential(nn.Linear(10, 14), nn.BatchNorm1d(14), nn.ReLU(), nn.Dropout(0.1), nn.Linear(14, 8), nn.ReLU(), nn.Linear(8, 3))
export("torch-state", net, (10,), 13)
header, data = {}, b""
for key, value in net.state_dict().items():
    raw = value.numpy().tobytes()
    header[key] = {"dtype": "I64" if value.dtype == torch.int64 else "F32", "shape": list(value.shape), "data_offsets": [len(data), len(data) + len(raw)]}
    data += raw
text = json.dumps(header).encode()
with open("torch-state.safetensors", "wb") as file:
    file.write(len(text).to_bytes(8, "little") + text + data)

# Operators one by one, in forms exporters other than PyTorch write.
mean, std, w1, b1, w2, b2 = f32(6), np.abs(f32(6)) + 0.1, f32(6, 8), f32(8), f32(8, 4), f32(4)
save("affine-opset7", [node("Sub", ["x", "mean"], "a"), node("Div", ["a", "std"], "b"), node("MatMul", ["b", "w1"], "c"), node("Add", ["b1", "c"], "d"),
                       node("Relu", ["d"], "e"), node("Mul", ["e", "gain"], "f"), node("Add", ["f", "gain"], "g"), node("MatMul", ["g", "w2"], "h"),
                       node("Sub", ["b2", "h"], "i"), node("Div", ["i", "half"], "j"), node("Softmax", ["j"], "y", axis=1)],
     [initializer("mean", mean, field=True), initializer("std", std), initializer("w1", w1, field=True), initializer("b1", b1.reshape(1, 8)),
      initializer("gain", f32(1, 8)), initializer("w2", w2), initializer("b2", b2), initializer("half", np.float32(0.5).reshape(()))], (6,), 7)
rows("affine-opset7", 6)

save("gemm-forms", [node("Transpose", ["w1"], "w1t", perm=[1, 0]), node("Gemm", ["x", "w1t", "c1"], "a", alpha=0.7, beta=1.3, transB=1),
                    node("LeakyRelu", ["a"], "b", alpha=0.3), node("Gemm", ["b", "w2"], "c"), node("Identity", ["c"], "d"), node("Squeeze", ["d", "zero"], "e"),
                    node("Unsqueeze", ["e", "zero"], "f"), node("Tanh", ["f"], "g"), node("Reshape", ["w3", "flat"], "w3r"),
                    node("Gemm", ["g", "w3r", "c3"], "y")],
     [initializer("w1", w1), initializer("c1", np.float32(0.4).reshape(1)), initializer("w2", w2), initializer("zero", np.array([0], np.int64)),
      initializer("w3", f32(4, 3, 1)), initializer("flat", np.array([0, -1], np.int64), field=True), initializer("c3", f32(1, 3))], (6,), 13, input_shape=[1, 6])
rows("gemm-forms", 6)

save("gelu-opset20", [node("MatMul", ["x", "w1"], "a"), node("Gelu", ["a"], "b"), node("MatMul", ["b", "w2"], "c"), node("Gelu", ["c"], "d", approximate="tanh"),
                      node("MatMul", ["d", "w3"], "y")],
     [initializer("w1", w1), initializer("w2", w2), initializer("w3", f32(4, 2))], (6,), 20, input_shape=None)
rows("gelu-opset20", 6, scale=2.0)

half = helper.make_tensor("half", TensorProto.FLOAT16, (6, 8), w1.astype(np.float16).tobytes(), raw=True)
brain = helper.make_tensor("brain", TensorProto.BFLOAT16, (8, 4), (w2.view(np.uint32) >> 16).astype(np.uint16).tobytes(), raw=True)
constant = helper.make_tensor("value", TensorProto.FLOAT, (4,), [0.1, -0.2, 0.3, -0.4])
save("dtypes", [node("Cast", ["x"], "f", to=TensorProto.FLOAT), node("Div", ["f", "scale"], "g"), node("Flatten", ["g"], "h"),
                node("Cast", ["half"], "w1", to=TensorProto.FLOAT), node("MatMul", ["h", "w1"], "i"), node("Cast", ["double"], "b1", to=TensorProto.FLOAT),
                node("Add", ["i", "b1"], "j"), node("Relu", ["j"], "k"), node("Cast", ["brain"], "w2", to=TensorProto.FLOAT), node("MatMul", ["k", "w2"], "l"),
                node("Constant", [], "b2", value=constant), node("Add", ["l", "b2"], "m"), node("Cast", ["int8"], "q", to=TensorProto.FLOAT),
                node("Mul", ["q", "step"], "w3"), node("MatMul", ["m", "w3"], "y")],
     [half, brain, initializer("scale", np.float32(255).reshape(())), initializer("double", b1.astype(np.float64)),
      initializer("int8", rng.integers(-127, 128, (4, 3)).astype(np.int8)), initializer("step", (np.abs(f32(1, 3)) + 0.1) / 64)], (2, 3), 13, input_type=TensorProto.UINT8)
inputs["dtypes"] = {"shape": [2, 3], "rows": rng.integers(0, 256, (4, 6)).tolist(), "type": "uint8"}

save("channels", [node("BatchNormalization", ["x", "s", "b", "m", "v"], "a", epsilon=0.001), node("Mul", ["a", "perColumn"], "c"), node("Reshape", ["c", "shape"], "d"),
                  node("MatMul", ["d", "w"], "e"), node("LogSoftmax", ["e"], "y")],
     [initializer("s", f32(2)), initializer("b", f32(2)), initializer("m", f32(2)), initializer("v", np.abs(f32(2)) + 0.5), initializer("perColumn", f32(3, 1)),
      initializer("shape", np.array([-1, 12], np.int64)), initializer("w", f32(12, 5))], (2, 3, 2), 15)
rows("channels", 2, 3, 2)

save("columns", [node("Transpose", ["x"], "a"), node("MatMul", ["w1", "a"], "b"), node("Add", ["b", "b1"], "c"), node("Sigmoid", ["c"], "d"), node("MatMul", ["w2", "d"], "e"),
                 node("Softmax", ["e"], "f", axis=0), node("Transpose", ["f"], "y")],
     [initializer("w1", w1.T.copy()), initializer("b1", b1.reshape(8, 1)), initializer("w2", w2.T.copy())], (6,), 13, input_shape=[1, 6])
rows("columns", 6)

save("external", [node("Gemm", ["x", "w1", "b1"], "a"), node("Relu", ["a"], "b"), node("Gemm", ["b", "w2", "b2"], "y")],
     [initializer("w1", f32(6, 8)), initializer("b1", b1), initializer("w2", w2), initializer("b2", b2)], (6,), 17,
     save_as_external_data=True, all_tensors_to_one_file=True, location="external.bin", size_threshold=0)
rows("external", 6)

rng = np.random.default_rng(2)


def quantised(name, kind, shape, scales):
    """Weights of few bits with a scale and a zero point for each of `scales` places."""
    least, most = np.iinfo(kind).min, np.iinfo(kind).max
    return [initializer("q" + name, rng.integers(least, most + 1, shape).astype(kind)), initializer("s" + name, (np.abs(f32(*scales)) + 0.1) / 100),
            initializer("z" + name, rng.integers(least // 8 + most // 8 - 9, least // 8 + most // 8 + 9, scales).astype(kind))]


save("quantised-weights", [node("DequantizeLinear", ["q1", "s1", "z1"], "w1"), node("MatMul", ["x", "w1"], "a"), node("Relu", ["a"], "b"),
                           node("DequantizeLinear", ["q2", "s2", "z2"], "w2"), node("MatMul", ["b", "w2"], "c"), node("Relu", ["c"], "d"),
                           node("DequantizeLinear", ["q3", "s3"], "w3", axis=-2), node("DequantizeLinear", ["q4", "s4"], "b3"),
                           node("Gemm", ["d", "w3", "b3"], "y", transB=1)],
     [*quantised("1", np.int8, (6, 8), (8,)), *quantised("2", np.uint8, (8, 4), ()), *quantised("3", np.int8, (3, 4), (3,))[:2],
      initializer("q4", rng.integers(-1000, 1000, 3).astype(np.int32)), initializer("s4", np.float32(0.001).reshape(()))], (6,), 13)
rows("quantised-weights", 6)

with open("inputs.json", "w") as file:
    json.dump(inputs, file)
    file.write("\n")
