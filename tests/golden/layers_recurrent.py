"""Recurrent layers as PyTorch's functions, for make_golden.py."""
import torch


def recurrent(function, gates, net, inputs, path, layer):
    """What PyTorch's torch.lstm, torch.gru, … give: y, then the states behind the last step, [batch, directions · units]."""
    x, *states = inputs
    units, ways = layer["units"], 2 if layer.get("direction") == "both" else 1
    shapes = {"weight_ih": [gates * units, x.shape[2]], "weight_hh": [gates * units, units]}
    if layer.get("bias", True):
        shapes.update(bias_ih=[gates * units], bias_hh=[gates * units])
    tensors = [net.tensor(net.parameters, path + name + suffix, shape, -0.8, 0.8)
               for suffix in ["", "_reverse"][:ways] for name, shape in shapes.items()]
    count = 2 if function is torch.lstm else 1
    if states:
        first = [state.reshape(len(x), ways, units).transpose(0, 1).contiguous() for state in states]
    else:
        first = [torch.zeros(ways, len(x), units, dtype=torch.float64)] * count
    backward = layer.get("direction") == "backward"

    def run(x, first):
        y, *last = function(x.flip(1) if backward else x, first if count == 2 else first[0], tensors, layer.get("bias", True), 1, 0.0, False,
                            ways == 2, True)
        return y.flip(1) if backward else y, last

    if "mask" in layer:  # each sample by itself, without its masked steps; there the states stand still
        results, ends = [], []
        for n in range(len(x)):
            counts = (x[n] != layer["mask"]).any(1)
            begin = [state[:, n:n + 1].contiguous() for state in first]
            own, last = run(x[n:n + 1, counts], begin) if counts.any() else (None, begin)
            rows = [[None] * ways for _ in counts]
            for way in range(ways):
                state, seen = begin[0][way, 0], 0
                order = list(range(len(counts)))
                reverse = backward or way == 1
                for t in reversed(order) if reverse else order:
                    if counts[t]:
                        at = int(counts.sum()) - 1 - seen if reverse else seen
                        state, seen = own[0, at, way * units:(way + 1) * units], seen + 1
                    rows[t][way] = state
            results.append(torch.stack([torch.cat(row) for row in rows]))
            ends.append(last)
        y, last = torch.stack(results), [torch.cat(states, 1) for states in zip(*ends)]
    else:
        y, last = run(x, first)
    last = [state.transpose(0, 1).reshape(len(x), ways * units) for state in last]
    if layer.get("steps") == "last":
        y = last[0]
    return dict(zip(["y", "last", "last_cell"], [y, *last]))


def rnn(net, inputs, path, layer):
    function = torch.rnn_relu if layer.get("activation") == "relu" else torch.rnn_tanh
    return recurrent(function, 1, net, inputs, path, layer)


def lstm(net, inputs, path, layer):
    return recurrent(torch.lstm, 4, net, inputs, path, layer)


def gru(net, inputs, path, layer):
    return recurrent(torch.gru, 3, net, inputs, path, layer)
