"""Layers without windows as PyTorch's functions: activations, branches, shapes."""
import builtins

import torch
from torch.nn import functional as F


def relu6(net, inputs, path, layer):
    return F.relu6(inputs[0])


def prelu(net, inputs, path, layer):
    slopes = inputs[0].shape[1] if layer.get("per") == "channel" else 1
    return F.prelu(inputs[0], net.tensor(net.parameters, path + "weight", [slopes], -0.5, 0.5))


def leaky_relu(net, inputs, path, layer):
    return F.leaky_relu(inputs[0], **given(layer, "negative_slope"))


def elu(net, inputs, path, layer):
    return F.elu(inputs[0], **given(layer, "alpha"))


def selu(net, inputs, path, layer):
    return F.selu(inputs[0])


def celu(net, inputs, path, layer):
    return F.celu(inputs[0], **given(layer, "alpha"))


def gelu(net, inputs, path, layer):
    return F.gelu(inputs[0], **given(layer, "approximate"))


def swish(net, inputs, path, layer):
    return inputs[0] * torch.sigmoid(layer["beta"] * inputs[0]) if "beta" in layer else F.silu(inputs[0])


def hard_swish(net, inputs, path, layer):
    return F.hardswish(inputs[0])


def sigmoid(net, inputs, path, layer):
    return torch.sigmoid(inputs[0])


def hard_sigmoid(net, inputs, path, layer):
    return F.relu6(inputs[0] + 3) / 6  # the gradient of F.hardsigmoid has the sixth in float32 only


def softplus(net, inputs, path, layer):
    return F.softplus(inputs[0], **given(layer, "beta", "threshold"))


def softsign(net, inputs, path, layer):
    return F.softsign(inputs[0])


def clip(net, inputs, path, layer):
    return torch.clamp(inputs[0], layer.get("low"), layer.get("high"))


def log_softmax(net, inputs, path, layer):
    return F.log_softmax(inputs[0], layer.get("axis", 1))


def subtract(net, inputs, path, layer):
    return torch.subtract(*inputs)


def multiply(net, inputs, path, layer):
    return torch.prod(torch.stack(torch.broadcast_tensors(*inputs)), 0)


def maximum(net, inputs, path, layer):
    return torch.amax(torch.stack(torch.broadcast_tensors(*inputs)), 0)


def minimum(net, inputs, path, layer):
    return torch.amin(torch.stack(torch.broadcast_tensors(*inputs)), 0)


def mean(net, inputs, path, layer):
    return torch.mean(torch.stack(torch.broadcast_tensors(*inputs)), 0)


def concat(net, inputs, path, layer):
    return torch.cat(inputs, layer.get("axis", 1))


def split(net, inputs, path, layer):
    (x,), axis = inputs, layer.get("axis", 1)
    parts = torch.split(x, layer["sizes"] if "sizes" in layer else x.shape[axis] // layer["parts"], axis)
    return {f"part_{number}": part for number, part in enumerate(parts)}


def slice(net, inputs, path, layer):
    axes = layer.get("axes", [1])
    each = lambda key: layer[key] if isinstance(layer.get(key), list) else [layer.get(key)] * len(axes)
    x = inputs[0]
    for axis, *part in zip(axes, each("begin"), each("end"), each("step")):  # PyTorch has no negative steps
        x = torch.index_select(x, axis, torch.tensor(range(x.shape[axis])[builtins.slice(*part)]))
    return x


def reshape(net, inputs, path, layer):
    return torch.reshape(inputs[0], [size or inputs[0].shape[axis] for axis, size in enumerate(layer["shape"])])


def transpose(net, inputs, path, layer):
    return torch.permute(inputs[0], layer["axes"])


def reduce(net, inputs, path, layer):
    (x,) = inputs
    axes, keep = layer.get("axes", list(range(1, x.dim()))), layer.get("keep_axes", False)
    if layer["operation"] == "product":  # PyTorch's takes one axis
        for axis in sorted((axis % x.dim() for axis in axes), reverse=True):
            x = torch.prod(x, axis, keep)
        return x
    function = {"sum": torch.sum, "mean": torch.mean, "max": torch.amax, "min": torch.amin, "log_sum_exp": torch.logsumexp,
                "norm_l1": lambda *a: torch.linalg.vector_norm(a[0], 1, *a[1:]),
                "norm_l2": lambda *a: torch.linalg.vector_norm(a[0], 2, *a[1:])}[layer["operation"]]
    return function(x, axes, keep)


def constant(net, inputs, path, layer):
    values = torch.tensor(layer["values"], dtype=torch.float64)
    return values.expand(layer["shape"]) if len(layer["values"]) == 1 else values.reshape(layer.get("shape", [-1]))


def matmul(net, inputs, path, layer):
    a, b = (x.transpose(-1, -2) if layer.get(key) else x for x, key in zip(inputs, ("transpose_a", "transpose_b")))
    y = layer.get("scale", 1) * torch.matmul(a, b)
    return y + inputs[2] if len(inputs) > 2 else y


def stop_gradient(net, inputs, path, layer):
    return inputs[0].detach()


def pad(net, inputs, path, layer):
    (x,) = inputs
    axes = [axis % x.dim() for axis in layer.get("axes", range(2, x.dim()))]
    each = lambda key: layer[key] if isinstance(layer.get(key), list) else [layer.get(key, 0)] * len(axes)
    sides = {axis: side for axis, *side in zip(axes, each("low"), each("high"))}
    pairs = [count for axis in range(x.dim() - 1, min(axes) - 1, -1) for count in sides.get(axis, [0, 0])]
    mode = layer.get("mode", "constant")
    return F.pad(x, pairs, {"edge": "replicate"}.get(mode, mode), layer.get("value", 0))


def upsample(net, inputs, path, layer):
    (x,) = inputs
    linear = layer.get("mode") == "linear"
    mode = ("linear", "bilinear", "trilinear")[x.dim() - 3] if linear else "nearest"
    return F.interpolate(x, layer.get("size"), layer.get("factor"), mode, layer.get("align_corners", False) if linear else None)


def embedding(net, inputs, path, layer):
    weight = net.tensor(net.parameters, path + "weight", [layer["entries"], layer["units"]], -1, 1)
    if "padding" in layer:
        weight = weight * (torch.arange(layer["entries"]) != layer["padding"])[:, None]  # PyTorch starts the row from 0
    return F.embedding(inputs[0].long(), weight, layer.get("padding"))


def given(layer, *keys):
    return {key: layer[key] for key in keys if key in layer}
