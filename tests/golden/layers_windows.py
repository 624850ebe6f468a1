"""Layers that look through windows, as PyTorch's functions, for make_golden.py."""
import math

import torch
from torch.nn import functional as F


def several(value, axes):
    return value if isinstance(value, list) else [value] * axes


def of_rank(name, axes):
    return getattr(F, name + "123"[axes - 1] + "d")


def sides(layer, size, window):
    """Places around each axis, [low, high]: of numbers what they say; of "same", what makes ⌈size / stride⌉ windows fit."""
    axes, padding = len(size), layer.get("padding", 0)
    if isinstance(padding, str):
        stride, dilation = several(layer.get("stride", 1), axes), several(layer.get("dilation", 1), axes)
        found = []
        for n, k, s, d in zip(size, window, stride, dilation):
            whole = 0 if padding == "valid" else max(0, (math.ceil(n / s) - 1) * s + d * (k - 1) + 1 - n)
            less = whole // 2
            found.append([less, whole - less] if padding == "same" else [whole - less, less])
        return found
    return [side if isinstance(side, list) else [side, side] for side in several(padding, axes)]


def padded(x, around, value=0.0):
    """x inside of `value`, and the same padding where it is the same on both sides of every axis, which PyTorch does itself."""
    if all(low == high for low, high in around):
        return x, [low for low, _ in around]
    return F.pad(x, [places for low_high in reversed(around) for places in low_high], value=value), [0] * len(around)


def pool_settings(x, layer):
    axes = x.dim() - 2
    size = several(layer["size"], axes)
    return size, several(layer.get("stride") or size, axes), layer.get("ceil", False)


def max_pool(net, inputs, path, layer):
    (x,) = inputs
    size, stride, ceil = pool_settings(x, layer)
    inside, around = padded(x, sides({**layer, "stride": stride}, x.shape[2:], size), -math.inf)
    y, indices = of_rank("max_pool", len(size))(inside, size, stride, around, layer.get("dilation", 1), ceil, True)
    return {"y": y, "indices": indices}


def min_pool(net, inputs, path, layer):
    return -max_pool(net, [-inputs[0]], path, layer)["y"]


def average_pool(net, inputs, path, layer):
    (x,) = inputs
    size, stride, ceil = pool_settings(x, layer)
    inside, around = padded(x, sides({**layer, "stride": stride}, x.shape[2:], size))
    return of_rank("avg_pool", len(size))(inside, size, stride, around, ceil, layer.get("count_padding", False))


def lp_pool(net, inputs, path, layer):
    (x,) = inputs
    size, stride, ceil = pool_settings(x, layer)
    return of_rank("lp_pool", len(size))(x, layer.get("power", 2), size if len(size) > 1 else size[0], stride if len(size) > 1 else stride[0], ceil)


def global_average_pool(net, inputs, path, layer):
    y = of_rank("adaptive_avg_pool", inputs[0].dim() - 2)(inputs[0], 1)
    return y if layer.get("keep_axes") else y.flatten(1)


def global_max_pool(net, inputs, path, layer):
    y = of_rank("adaptive_max_pool", inputs[0].dim() - 2)(inputs[0], 1)
    return y if layer.get("keep_axes") else y.flatten(1)


def unpool(net, inputs, path, layer):
    x, indices = inputs
    axes = x.dim() - 2
    stride, shape = layer.get("stride") or layer["size"], layer.get("shape")
    return of_rank("max_unpool", axes)(x, indices, layer["size"], stride, layer.get("padding", 0), shape and several(shape, axes))


def weight_and_bias(net, path, layer, shape, fan_in, bias_shape):
    weight = net.parameter_of(path + "weight", shape, fan_in)
    return weight, net.tensor(net.parameters, path + "bias", bias_shape, -0.1, 0.1) if layer.get("bias", True) else None


def conv(net, inputs, path, layer):
    (x,) = inputs
    axes, groups = x.dim() - 2, layer.get("groups", 1)
    kernel = several(layer["kernel"], axes)
    shape = [layer["filters"], x.shape[1] // groups, *kernel]
    weight, bias = weight_and_bias(net, path, layer, shape, math.prod(shape[1:]), shape[:1])
    stride, dilation = layer.get("stride", 1), layer.get("dilation", 1)
    if layer.get("padding") == "same" and stride == 1:
        return of_rank("conv", axes)(x, weight, bias, stride, "same", dilation, groups)
    inside, around = padded(x, sides(layer, x.shape[2:], kernel))
    return of_rank("conv", axes)(inside, weight, bias, stride, around, dilation, groups)


def conv_transpose(net, inputs, path, layer):
    (x,) = inputs
    axes, groups = x.dim() - 2, layer.get("groups", 1)
    kernel, stride, dilation, more = (several(layer.get(key, 1), axes) for key in ("kernel", "stride", "dilation", "output_padding"))
    more = several(layer.get("output_padding", 0), axes)
    shape = [x.shape[1], layer["filters"] // groups, *kernel]
    weight, bias = weight_and_bias(net, path, layer, shape, math.prod(shape[1:]), [layer["filters"]])
    size = several(layer["shape"], axes) if "shape" in layer else [n * s for n, s in zip(x.shape[2:], stride)]
    around = sides(layer, size, kernel)
    whole = [(n - 1) * s + d * (k - 1) + 1 for n, s, d, k in zip(x.shape[2:], stride, dilation, kernel)]
    if "shape" in layer or layer.get("padding") in ("same", "same_lower"):
        more = [n + low + high - least for n, (low, high), least in zip(size, around, whole)]
    function = of_rank("conv_transpose", axes)
    if all(low == high for low, high in around) and min(more) >= 0:
        return function(x, weight, bias, stride, [low for low, _ in around], more, groups, dilation)
    y = function(x, weight, None, stride, 0, [max(0, places) for places in more], groups, dilation)
    for axis, (low, high) in enumerate(around):
        y = y.narrow(2 + axis, low, whole[axis] + more[axis] - low - high)
    return y if bias is None else y + bias.reshape([-1] + [1] * axes)


def locally_connected(net, inputs, path, layer):
    """PyTorch has none: its unfold, and an einsum with a weight per place."""
    (x,) = inputs
    axes = x.dim() - 2
    kernel, stride, dilation = (several(layer.get(key, 1), axes) for key in ("kernel", "stride", "dilation"))
    inside = F.pad(x, [places for low_high in reversed(sides(layer, x.shape[2:], kernel)) for places in low_high])
    for axis, (k, s, d) in enumerate(zip(kernel, stride, dilation)):
        inside = inside.unfold(2 + axis, d * (k - 1) + 1, s)[..., ::d]
    places = list(inside.shape[2:2 + axes])
    weight, bias = weight_and_bias(net, path, layer, [*places, layer["filters"], x.shape[1], *kernel], x.shape[1] * math.prod(kernel),
                                   [layer["filters"], *places])
    p, k = "xyz"[:axes], "uvw"[:axes]
    y = torch.einsum(f"nc{p}{k},{p}fc{k}->nf{p}", inside, weight)
    return y if bias is None else y + bias
