#!/usr/bin/python3
"""Makes the golden HDF5 files of this folder: what PyTorch computes, in float64, for the experiments and layers of the JSON files here.

Usage: make_golden.py [folder]      (the folder of the JSON files, in which the files are written; default: where this script lies)
Needs Debian 12's python3-torch, python3-numpy and python3-h5py (the files here: 1.13.0, 1.24.2, 3.7.0), with which it gives the same bytes
each time. Tests compare the program with:

  <net>_weights.h5   what training starts from, as <layer>/<parameter> and <layer>/<statistic>
  <net>.h5           train/input, train/target, test/input, test/target: the samples
  <net>_trained.h5   <optimizer>/model/…      parameters and running statistics after the steps of the experiment
                     <optimizer>/optimizer/…  <slot>/<layer>/<parameter>: the optimizer's tensors; of optimizers_rules.json for one net
                     <optimizer>/loss         of each step, before its update
                     <optimizer>/test/…       loss and metrics on the test samples afterwards
                     those of optimizers.json; <net>_trained_rules.h5 those of optimizers_rules.json
  layers*.h5         for each case of layers*.json: input, target, weights/…,
                     <mode>/{prediction, loss, gradient/…} with the gradients of the loss by input and parameters,
                     evaluate/score/… loss and metrics as evaluation gives them
  schedules.h5       for each case of schedules.json the learning rate of each step

The networks are read from the JSON files themselves, so nets and cases stand in one place; every layer is PyTorch's own function. Layers
that are not here are functions of the layers_*.py beside this file, called as the methods of Net are: layer(net, inputs, path, settings);
losses, metrics, optimizers and schedules are in rules.py. A layer with several results returns them by name, the one that the next layer reads
first.
"""
import importlib
import json
import math
import pathlib
import sys

import h5py
import numpy
import torch
from torch.nn import functional as F

sys.dont_write_bytecode = True
from rules import LOSSES, SCORES, optimizer_of, rates_of

NETS = {  # name: shape of a sample, classes
    "lenet": ([1, 20, 20], 10),
    "residual": ([3, 10, 10], 5),
    "series": ([2, 24], 4),
    "volume": ([1, 8, 8, 8], 3),
}
RUNS = {"": list(NETS), "_rules": ["residual", "series", "volume"]}  # which nets the optimizers of optimizers….json train
WITHOUT_SLOTS = ("_rules", ["residual", "series"])  # to keep the files small: what is wrong with a slot shows in the next step's weights
TRAIN_SAMPLES, TEST_SAMPLES = 40, 13  # 13: the last batch of an evaluation is smaller


class Net:
    """The layers of an experiment as PyTorch's functions. Tensors that a layer asks for first are drawn from `random`."""

    def __init__(self, network, random):
        self.layers, self.blocks, self.random = network["layers"], network.get("blocks", {}), random
        self.parameters, self.statistics = {}, {}

    def __call__(self, x, training):
        self.training = training
        return self.run(self.layers, "", {"input": x}, x)

    def run(self, layers, prefix, known, x):
        """One scope: the network's or a block's. `known`: results by name; `x`: what the first layer reads unless it says otherwise."""
        for layer in layers:
            inputs = [known[name] for name in layer["inputs"]] if "inputs" in layer else [x]
            path = prefix + layer.get("name", "")
            if "block" in layer:
                block = self.blocks[layer["block"]]
                arguments = {name: layer.get(name, value) for name, value in block.get("parameters", {}).items()}
                filled = [{k: arguments[v[2:-1]] if isinstance(v, str) and v.startswith("${") else v for k, v in inner.items()}
                          for inner in block["layers"]]
                x = self.run(filled, path + "/", {"in": inputs[0]}, inputs[0])
            else:
                x = getattr(self, layer["type"])(inputs, layer.get("share", path) + "/", layer)
                if isinstance(x, dict):
                    known.update({layer.get("name", "") + "." + result: value for result, value in x.items()})
                    x = next(iter(x.values()))
            if "name" in layer:
                known[layer["name"]] = x
        self.known = known
        return x

    def tensor(self, table, name, shape, least, most):
        if name not in table:  # exact in float32 too, so that every precision starts from the same numbers
            values = self.random.uniform(least, most, shape).astype(numpy.float32)
            table[name] = torch.tensor(values, dtype=torch.float64, requires_grad=table is self.parameters)
        return table[name]

    def parameter_of(self, name, shape, fan_in):
        bound = math.sqrt(3 / fan_in)
        return self.tensor(self.parameters, name, shape, -bound, bound)

    def dense(self, inputs, path, layer):
        (x,) = inputs
        weight = self.parameter_of(path + "weight", [layer["units"], x.shape[1]], x.shape[1])
        bias = self.tensor(self.parameters, path + "bias", [layer["units"]], -0.1, 0.1) if layer.get("bias", True) else None
        return F.linear(x, weight, bias)

    def batch_norm(self, inputs, path, layer):
        (x,) = inputs
        channels = [x.shape[1]]
        weight = self.tensor(self.parameters, path + "weight", channels, 0.8, 1.2) if layer.get("weight", True) else None
        bias = self.tensor(self.parameters, path + "bias", channels, -0.2, 0.2) if layer.get("bias", True) else None
        mean = self.tensor(self.statistics, path + "running_mean", channels, -0.5, 0.5)
        variance = self.tensor(self.statistics, path + "running_variance", channels, 0.5, 2)
        settings = {ours: layer[theirs] for ours, theirs in (("momentum", "momentum"), ("eps", "epsilon")) if theirs in layer}
        return F.batch_norm(x, mean, variance, weight, bias, self.training and layer.get("training", True), **settings)

    def dropout(self, inputs, path, layer):
        return F.dropout(inputs[0], layer["probability"], self.training)

    def parameter(self, inputs, path, layer):
        return self.tensor(self.parameters, path + "value", layer["shape"], 0.5, 2)

    def flatten(self, inputs, path, layer):
        return torch.flatten(inputs[0], 1)

    def softmax(self, inputs, path, layer):
        return F.softmax(inputs[0], layer.get("axis", 1))

    def relu(self, inputs, path, layer):
        return F.relu(inputs[0])

    def tanh(self, inputs, path, layer):
        return torch.tanh(inputs[0])

    def add(self, inputs, path, layer):
        return sum(inputs[1:], inputs[0])


def measure(functions, part, prediction, target, net):
    weight = net.known[part["weight"]] if "weight" in part else None
    return functions[part["type"]](prediction, target, part, weight)


def scores(experiment, net, x, target):
    with torch.no_grad():
        prediction = net(x, False)
        found = {"loss": measure(LOSSES, experiment["loss"], prediction, target, net)}
        for metric in experiment.get("metrics", []):
            metric = metric if isinstance(metric, dict) else {"type": metric}
            found[metric.get("name", metric["type"])] = measure(SCORES, metric, prediction, target, net)
    return found


def without_times(kind):
    properties = h5py.h5p.create(kind)
    properties.set_obj_track_times(False)
    return properties


def new_file(path):
    """In the newest format, which is a third of the oldest for many small arrays, and without times, so that bytes repeat."""
    access = h5py.h5p.create(h5py.h5p.FILE_ACCESS)
    access.set_libver_bounds(h5py.h5f.LIBVER_LATEST, h5py.h5f.LIBVER_LATEST)
    access.set_fclose_degree(h5py.h5f.CLOSE_STRONG)
    return h5py.File(h5py.h5f.create(str(path).encode(), h5py.h5f.ACC_TRUNC, without_times(h5py.h5p.FILE_CREATE), access))


def write(file, name, value):
    for group in ("/".join(name.split("/")[:end]) for end in range(1, name.count("/") + 1)):
        if group not in file:
            h5py.h5g.create(file.id, group.encode(), gcpl=without_times(h5py.h5p.GROUP_CREATE))
    values = value.detach().numpy() if torch.is_tensor(value) else numpy.asarray(value)
    packed = {"compression": "gzip", "compression_opts": 9, "shuffle": True} if values.size > 64 else {}
    file.create_dataset(name, data=values, track_times=False, **packed)


def make_net(folder, name, shape, classes):
    experiment = json.loads((folder / (name + ".json")).read_text())
    random = numpy.random.default_rng(list(name.encode()))
    patterns = random.normal(0, 0.5, [classes, *shape])  # something to learn
    splits = {}
    for split, count in (("train", TRAIN_SAMPLES), ("test", TEST_SAMPLES)):
        target = random.integers(0, classes, count)
        noisy = patterns[target] + random.normal(0, 0.7, [count, *shape])
        splits[split] = torch.tensor(numpy.round(noisy * 64) / 64), torch.tensor(target)
    first = Net(experiment["network"], random)
    first(splits["train"][0][:2], False)
    with new_file(folder / (name + "_weights.h5")) as file:
        for path, value in {**first.parameters, **first.statistics}.items():
            write(file, path, value)

    with new_file(folder / (name + ".h5")) as file:
        for split, (x, target) in splits.items():
            write(file, split + "/input", x)
            write(file, split + "/target", target)
    for suffix, nets in RUNS.items():
        if name in nets:
            with new_file(folder / (name + "_trained" + suffix + ".h5")) as file:
                for run, settings in json.loads((folder / ("optimizers" + suffix + ".json")).read_text()).items():
                    with_slots = suffix != WITHOUT_SLOTS[0] or name not in WITHOUT_SLOTS[1]
                    train(file, run + "/", experiment, first, splits, settings, with_slots)


def train(file, into, experiment, first, splits, settings, with_slots):
    net = Net(experiment["network"], None)
    net.parameters = {path: value.detach().clone().requires_grad_() for path, value in first.parameters.items()}
    net.statistics = {path: value.clone() for path, value in first.statistics.items()}
    optimizer, slots = optimizer_of(settings, net.parameters.values())
    losses, batch = [], experiment["training"]["batch_size"]
    for step in range(experiment["training"]["steps"]):
        x, target = (column[step * batch:(step + 1) * batch] for column in splits["train"])
        optimizer.zero_grad()
        loss = measure(LOSSES, experiment["loss"], net(x, True), target, net)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    write(file, into + "loss", losses)
    for path, value in {**net.parameters, **net.statistics}.items():
        write(file, into + "model/" + path, value)
    for slot, theirs in slots.items() if with_slots else ():
        for path, value in net.parameters.items():
            write(file, into + "optimizer/" + slot + "/" + path, optimizer.state[value][theirs])
    for score, value in scores(experiment, net, *splits["test"]).items():
        write(file, into + "test/" + score, value)


def make_case(file, name, case):
    random = numpy.random.default_rng(list(name.encode()))
    x = random.normal(case.get("mean", 0), case.get("scale", 1), case["input"]).astype(numpy.float32).astype(numpy.float64)
    if case.get("whole"):
        x = numpy.round(x)
    x = torch.tensor(x, requires_grad=True)
    net = Net(case, random)
    shape = list(net(x, False).shape)
    if case.get("target") == "classes":
        target = torch.tensor(random.integers(0, shape[1], shape[:1] + shape[2:]))
        if "ignore_index" in case["loss"]:
            target.view(-1)[::3] = case["loss"]["ignore_index"]
    elif case.get("target") == "probabilities":
        target = torch.softmax(torch.tensor(random.normal(0, 1, shape)), 1)
    elif case.get("target") == "log_probabilities":
        target = torch.log_softmax(torch.tensor(random.normal(0, 1, shape)), 1)
    elif case.get("target") == "answers":  # yes or no, and what lies between
        target = torch.tensor(random.integers(0, 3, shape) / 2)
    elif case.get("target") == "numbers":
        target = torch.tensor(random.normal(0, 1, shape[:1]))
    else:
        target = torch.tensor(random.normal(0, 1, shape))
    experiment = {"loss": {"type": "mse"}, **case}
    write(file, name + "/input", x)
    write(file, name + "/target", target)
    for path, value in {**net.parameters, **net.statistics}.items():
        write(file, name + "/weights/" + path, value)
    for score, value in scores(experiment, net, x, target).items():
        write(file, name + "/evaluate/score/" + score, value)
    statistics = net.statistics
    for mode in case.get("modes", ["train"]):
        net.statistics = {path: value.clone() for path, value in statistics.items()}  # training moves them
        prediction = net(x, mode == "train")
        loss = measure(LOSSES, experiment["loss"], prediction, target, net)
        into = name + "/" + mode + "/"
        write(file, into + "prediction", prediction)
        write(file, into + "loss", loss)
        names, tensors = ["input", *net.parameters], [x, *net.parameters.values()]
        for path, gradient in zip(names, torch.autograd.grad(loss, tensors, allow_unused=True)):
            if gradient is not None:  # the input of an embedding has none
                write(file, into + "gradient/" + path, gradient)


def take_modules():
    """Layers of the modules beside this file."""
    for path in sorted(pathlib.Path(__file__).resolve().parent.glob("layers_*.py")):
        module = importlib.import_module(path.stem)
        for name, function in vars(module).items():
            if callable(function) and getattr(function, "__module__", "") == path.stem:
                setattr(Net, name, function)


def main():
    take_modules()
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else __file__).resolve()
    folder = folder if folder.is_dir() else folder.parent
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)  # of what optimizers keep beside the weights' shape
    for name, (shape, classes) in NETS.items():
        make_net(folder, name, shape, classes)
    for cases in sorted(folder.glob("layers*.json")):
        with new_file(cases.with_suffix(".h5")) as file:
            for name, case in json.loads(cases.read_text()).items():
                make_case(file, name, case)
    with new_file(folder / "schedules.h5") as file:
        for name, case in json.loads((folder / "schedules.json").read_text()).items():
            write(file, name, rates_of(case))


if __name__ == "__main__":
    main()
