"""Normalisations as PyTorch's functions, for make_golden.py."""
import torch
from torch.nn import functional as F


def affine(net, path, shape, layer, default=True):
    """weight and bias of a normalisation; 1 and 0 where one of them is off, as PyTorch's gradients want both or none."""
    switches = [layer.get("weight", default), layer.get("bias", default)]
    if not any(switches):
        return None, None
    weight = net.tensor(net.parameters, path + "weight", shape, 0.8, 1.2) if switches[0] else torch.ones(shape, dtype=torch.float64)
    bias = net.tensor(net.parameters, path + "bias", shape, -0.2, 0.2) if switches[1] else torch.zeros(shape, dtype=torch.float64)
    return weight, bias


def layer_norm(net, inputs, path, layer):
    (x,) = inputs
    axes = sorted(axis % x.dim() for axis in layer.get("axes", [-1]))
    others = [axis for axis in range(x.dim()) if axis not in axes]
    shape = [x.shape[axis] for axis in axes]
    y = F.layer_norm(x.permute(*others, *axes), shape, *affine(net, path, shape, layer), layer.get("epsilon", 1e-5))
    return y.permute(*[(others + axes).index(axis) for axis in range(x.dim())])


def group_norm(net, inputs, path, layer):
    (x,) = inputs
    return F.group_norm(x, layer["groups"], *affine(net, path, [x.shape[1]], layer), layer.get("epsilon", 1e-5))


def instance_norm(net, inputs, path, layer):
    (x,) = inputs
    weight, bias = affine(net, path, [x.shape[1]], layer, False)
    return F.instance_norm(x, weight=weight, bias=bias, eps=layer.get("epsilon", 1e-5))


def local_response_norm(net, inputs, path, layer):
    return F.local_response_norm(inputs[0], layer["size"], layer.get("alpha", 1e-4), layer.get("beta", 0.75), layer.get("k", 1))
