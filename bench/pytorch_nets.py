"""Training steps of an experiment's network in PyTorch, timed on request: pytorch_nets.py RESOLVED.json [cuda|cpu]

RESOLVED.json is what `lamina check EXPERIMENT.json --print-resolved` prints, so both train the same layers, loss and update on the same
shapes. The samples are random; the batch lies on the device and stays the same, which spares PyTorch the gathering that Lamina does.
Prints "ready <torch version> <device>", then answers each line "MODE PRECISION SECONDS" of standard input by one line: milliseconds per step
(median of blocks of steps, each ended by a synchronisation), or "failed: why".
  MODE       eager, compile (torch.compile of forward, loss and backward), graph (the whole eager step as a CUDA graph), compile+graph
  PRECISION  strict (float32 throughout) or tf32 (convolutions, for which that is PyTorch's default, and matrix products in TF32)
"""
import json
import sys
import time

import torch
from torch import nn

CONV = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
BATCH_NORM = {1: nn.BatchNorm1d, 2: nn.BatchNorm2d, 3: nn.BatchNorm3d}
MAX_POOL = {1: nn.MaxPool1d, 2: nn.MaxPool2d, 3: nn.MaxPool3d}
AVERAGE_POOL = {1: nn.AvgPool1d, 2: nn.AvgPool2d, 3: nn.AvgPool3d}


class Sum(nn.Module):
    def forward(self, *x):
        total = x[0]
        for other in x[1:]:
            total = total + other
        return total


def module_of(layer, x):
    """The layer as PyTorch's own module, for an input like x."""
    kind, axes = layer["type"], x.dim() - 2
    if kind == "conv":
        return CONV[axes](x.shape[1], layer["filters"], layer["kernel"], layer["stride"], layer["padding"], layer["dilation"], layer["groups"],
                          layer["bias"])
    if kind == "batch_norm":
        return BATCH_NORM[axes](x.shape[1], layer["epsilon"], layer["momentum"])
    if kind == "max_pool":
        return MAX_POOL[axes](layer["size"], layer.get("stride"), layer["padding"])
    if kind == "average_pool":
        return AVERAGE_POOL[axes](layer["size"], layer.get("stride"), layer["padding"], count_include_pad=layer["count_padding"])
    if kind == "dense":
        return nn.Linear(x.shape[1], layer["units"], layer["bias"])
    if kind == "dropout":
        return nn.Dropout(layer["rate"])
    return {"relu": nn.ReLU, "tanh": nn.Tanh, "flatten": nn.Flatten, "add": Sum}[kind]()


class Net(nn.Module):
    """The layers of a resolved experiment, in order; each reads the results that its "inputs" name."""

    def __init__(self, layers, x):
        super().__init__()
        self.layers = nn.ModuleList()
        self.names = [(layer["name"], layer["inputs"]) for layer in layers]
        known = {"input": x}
        for layer in layers:
            inputs = [known[name] for name in layer["inputs"]]
            self.layers.append(module_of(layer, inputs[0]))
            known[layer["name"]] = self.layers[-1](*inputs)

    def forward(self, x):
        known = {"input": x}
        for module, (name, inputs) in zip(self.layers, self.names):
            x = known[name] = module(*[known[i] for i in inputs])
        return x


class Trainer:
    def __init__(self, experiment, device):
        self.device, self.data, self.steps = device, experiment["dataset"], {}
        self.batch, self.layers, self.settings = experiment["training"]["batch_size"], experiment["network"]["layers"], experiment["optimizer"]
        if experiment["loss"]["type"] != "cross_entropy" or self.settings["type"] != "momentum":
            raise ValueError("only cross_entropy with momentum is known here")
        torch.manual_seed(1)
        self.x = torch.rand(self.batch, *self.data["shape"], device=device) * 2 - 1
        self.y = torch.randint(self.data["classes"], (self.batch,), device=device)

    def synchronise(self):
        if self.device == "cuda":
            torch.cuda.synchronize()

    def make(self, mode, precision):
        """A function that does one step. A graph captures the eager or compiled step of the same precision, which is compiled once."""
        if mode.endswith("graph"):
            return self.captured(self.step_of("compile" if mode.startswith("compile") else "eager", precision))
        net = Net(self.layers, torch.zeros(2, *self.data["shape"])).to(self.device)
        loss_of = nn.CrossEntropyLoss()
        optimizer = torch.optim.SGD(net.parameters(), lr=1e-3, momentum=self.settings["momentum"], weight_decay=self.settings["weight_decay"])

        def loss_at(x, y):
            return loss_of(net(x), y)

        if mode == "compile":
            loss_at = torch.compile(loss_at)

        def step():
            optimizer.zero_grad(set_to_none=True)
            loss_at(self.x, self.y).backward()
            optimizer.step()

        self.run(step, 3)
        return step

    def captured(self, step):
        side = torch.cuda.Stream()  # a capture wants all memory taken and all algorithms chosen before, on a stream of its own
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):
                step()
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            step()
        return graph.replay

    def step_of(self, mode, precision):
        if (mode, precision) not in self.steps:
            self.steps[mode, precision] = self.make(mode, precision)
        return self.steps[mode, precision]

    def run(self, step, count):
        self.synchronise()
        start = time.perf_counter()
        for _ in range(count):
            step()
        self.synchronise()
        return time.perf_counter() - start

    def measure(self, mode, precision, seconds):
        if mode.endswith("graph") and self.device == "cpu":
            raise RuntimeError("CUDA graphs want CUDA")
        if mode.startswith("compile") and not hasattr(torch, "compile"):
            raise RuntimeError("this PyTorch has no torch.compile")
        # The older switches: torch.compile asks for them, and refuses where newer ones were used.
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = precision == "tf32"
        torch.backends.cudnn.benchmark = True
        step = self.step_of(mode, precision)
        count = max(1, int(seconds / 8 / max(self.run(step, 2) / 2, 1e-6)))
        times = []
        while not times or sum(times) * count < seconds:
            times.append(self.run(step, count) / count)
        times.sort()
        return times[len(times) // 2] * 1e3


def main():
    device = sys.argv[2] if len(sys.argv) > 2 else "cuda" if torch.cuda.is_available() else "cpu"
    with open(sys.argv[1]) as file:
        trainer = Trainer(json.load(file), device)
    name = torch.cuda.get_device_name() if device == "cuda" else f"cpu, {torch.get_num_threads()} threads"
    print("ready", torch.__version__, name, flush=True)
    for line in sys.stdin:
        mode, precision, seconds = line.split()
        try:
            print(f"{trainer.measure(mode, precision, float(seconds)):.4f}", flush=True)
        except Exception as reason:  # whatever torch cannot do is told, and the next request comes
            print("failed:", (str(reason) or type(reason).__name__).splitlines()[0], flush=True)


if __name__ == "__main__":
    main()
