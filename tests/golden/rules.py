"""What trains and judges a net, for make_golden.py: losses, metrics and optimizers by their names in an experiment file.

Losses, optimizers and schedules are PyTorch's own, but for the optimizers that it has not; metrics, which it has not either, are written down
from their definitions, without the shortcuts of the plugins: pairs are compared one by one.
"""
import math

import torch
from torch.nn import functional as F


def spread(weight, values):
    """`weight` laid out for `values`, from the first axis on."""
    return weight.reshape(list(weight.shape) + [1] * (values.dim() - weight.dim())).expand_as(values)


def weighted_mean(values, weight):
    if weight is None:
        return values.mean()
    weight = spread(weight, values)
    return (weight * values).sum() / weight.sum()


def reduced(function):
    """A loss of (prediction, target, reduction, settings): what PyTorch gives for each place, or sums up without weights of samples."""
    def loss(prediction, target, settings, weight):
        reduction = settings.get("reduction", "mean")
        if weight is None and reduction != "mean":
            return function(prediction, target, reduction, settings)
        values = function(prediction, target, "none", settings)
        return weighted_mean(values, weight) if reduction == "mean" else (spread(weight, values) * values).sum()
    return loss


def elementwise(function):
    """The target takes the prediction's shape: [batch] meets [batch, 1]."""
    return reduced(lambda p, t, reduction, settings: function(p, t.reshape(p.shape), reduction, settings))


def of_classes(function):
    """PyTorch knows no weights of samples; its mean divides by the weights of the classes."""
    def loss(prediction, target, settings, weight):
        classes = torch.tensor(settings["class_weights"], dtype=torch.float64) if "class_weights" in settings else None
        arguments = {"weight": classes, "ignore_index": settings.get("ignore_index", -100)}
        if "label_smoothing" in settings:
            arguments["label_smoothing"] = settings["label_smoothing"]
        reduction = settings.get("reduction", "mean")
        plain = reduction == "mean" and not ("class_weights" in settings or "ignore_index" in settings)
        if weight is None and not plain:
            return function(prediction, target, reduction=reduction, **arguments)
        values = function(prediction, target, reduction="none", **arguments)
        if plain:
            return weighted_mean(values, weight)
        total = (spread(weight, values) * values).sum()
        if reduction == "sum":
            return total
        counts = torch.ones_like(values)
        if not target.is_floating_point():
            counts = (target != arguments["ignore_index"]).double()
            if classes is not None:
                counts = counts * classes[target.clamp(min=0)]
        return total / (spread(weight, values) * counts).sum()
    return loss


def binary_cross_entropy(p, t, reduction, settings):
    if not settings.get("from_logits", True):
        return F.binary_cross_entropy(p, t, reduction=reduction)
    positive = torch.tensor(settings.get("positive_weight", 1.0), dtype=torch.float64)
    if positive.dim():
        positive = positive.reshape([-1] + [1] * (p.dim() - 2))
    return F.binary_cross_entropy_with_logits(p, t, pos_weight=positive, reduction=reduction)


def cosine(p, t, reduction, settings):
    def vectors(x):  # PyTorch's axis 1 is the last
        return x.movedim(1, -1).reshape(-1, x.shape[1])
    sign = torch.tensor([-1.0 if settings.get("apart") else 1.0], dtype=torch.float64).expand(vectors(p).shape[0])
    values = F.cosine_embedding_loss(vectors(p), vectors(t), sign, settings.get("margin", 0), reduction=reduction)
    return values.reshape(p.shape[:1] + p.shape[2:]) if reduction == "none" else values


LOSSES = {
    "cross_entropy": of_classes(F.cross_entropy),
    "nll": of_classes(F.nll_loss),
    "binary_cross_entropy": elementwise(binary_cross_entropy),
    "mse": elementwise(lambda p, t, reduction, _: F.mse_loss(p, t, reduction=reduction)),
    "l1": elementwise(lambda p, t, reduction, _: F.l1_loss(p, t, reduction=reduction)),
    "huber": elementwise(lambda p, t, reduction, s: F.huber_loss(p, t, reduction=reduction, delta=s.get("delta", 1))),
    "smooth_l1": elementwise(lambda p, t, reduction, s: F.smooth_l1_loss(p, t, reduction=reduction, beta=s.get("beta", 1))),
    "kl_divergence": elementwise(lambda p, t, reduction, s: F.kl_div(p, t, reduction=reduction, log_target=s.get("log_target", False))),
    "cosine": elementwise(cosine),
}


def labels_of(target):
    return target.argmax(1) if target.is_floating_point() else target


def flat_weight(weight, like):
    return torch.ones(like.numel(), dtype=torch.float64) if weight is None else spread(weight, like).reshape(-1)


def answers(p, t, settings):
    """One list per class: (whether it is said, whether it is true) of each place."""
    if "threshold" in settings:
        said, true = p > settings["threshold"], t.reshape(p.shape) > 0.5
        if p.dim() == 1:
            said, true = said[:, None], true[:, None]
    else:
        said, true = (F.one_hot(labels, p.shape[1]).movedim(-1, 1).bool() for labels in (p.argmax(1), labels_of(t)))
    return said.movedim(1, 0).reshape(said.shape[1], -1), true.movedim(1, 0).reshape(true.shape[1], -1)


def of_counts(ratio):
    def score(p, t, settings, weight):
        said, true = answers(p, t, settings)
        w = flat_weight(weight, torch.empty(p.shape[:1] + p.shape[2:]))
        counts = [tuple((hits.double() * w).sum().item() for hits in (s & r, s, r)) for s, r in zip(said, true)]
        if "class" in settings:
            counts = [counts[settings["class"]]]
        elif settings.get("average") == "micro":
            counts = [tuple(map(sum, zip(*counts)))]
        ratios = []
        for right, s, r in counts:
            above, below = ratio(right, s, r)
            if s + r > 0:
                ratios.append(above / below if below > 0 else 0)
        return torch.tensor(sum(ratios) / len(ratios), dtype=torch.float64)
    return score


def accuracy(p, t, settings, weight):
    if "threshold" in settings:
        return weighted_mean(((p > settings["threshold"]) == (t.reshape(p.shape) > 0.5)).double(), weight)
    return weighted_mean((p.argmax(1) == labels_of(t)).double(), weight)


def top_k(p, t, settings, weight):
    named = p.topk(settings.get("k", 5), 1).indices
    return weighted_mean((named == labels_of(t).unsqueeze(1)).any(1).double(), weight)


def auc(p, t, settings, weight):
    labels = not t.is_floating_point()
    if labels and settings.get("from_logits", True):
        p = F.softmax(p, 1)
    true = F.one_hot(t, p.shape[1]).movedim(-1, 1).bool() if labels else t.reshape(p.shape) > 0.5
    w = flat_weight(weight, torch.empty(p.shape[:1] + p.shape[2:])).tolist()
    areas = []
    for c in range(p.shape[1]):
        scores, yes = p[:, c].reshape(-1).tolist(), true[:, c].reshape(-1).tolist()
        won = pairs = 0
        for i, a in enumerate(scores):
            for k, b in enumerate(scores):
                if yes[i] and not yes[k]:
                    pairs += w[i] * w[k]
                    won += w[i] * w[k] * (1 if a > b else 0.5 if a == b else 0)
        if pairs:
            areas.append(won / pairs)
    return torch.tensor(sum(areas) / len(areas), dtype=torch.float64)


def r2(p, t, settings, weight):
    t = t.reshape(p.shape)
    w = spread(torch.ones(p.shape[0], dtype=torch.float64) if weight is None else weight, p)
    mean = (w * t).sum(0) / w.sum(0)
    return (1 - (w * (p - t) ** 2).sum(0) / (w * (t - mean) ** 2).sum(0)).mean()


SCORES = {
    "accuracy": accuracy,
    "top_k": top_k,
    "precision": of_counts(lambda right, said, true: (right, said)),
    "recall": of_counts(lambda right, said, true: (right, true)),
    "f1": of_counts(lambda right, said, true: (2 * right, said + true)),
    "auc": auc,
    "mse": LOSSES["mse"],
    "mae": LOSSES["l1"],
    "r2": r2,
}


class Lion(torch.optim.Optimizer):
    """Chen et al., NeurIPS 2023, algorithm 2."""

    def __init__(self, parameters, lr, betas, weight_decay):
        super().__init__(parameters, {"lr": lr, "betas": betas, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            for w in group["params"]:
                m = self.state[w].setdefault("mean", torch.zeros_like(w))
                direction = torch.sign(m.mul(beta1).add(w.grad, alpha=1 - beta1))
                m.mul_(beta2).add_(w.grad, alpha=1 - beta2)
                w.sub_(group["lr"] * (direction + group["weight_decay"] * w))


class Lars(torch.optim.Optimizer):
    """You, Gitman & Ginsburg, arXiv 1708.03888 (2017), algorithm 1."""

    def __init__(self, parameters, lr, momentum, trust, weight_decay):
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "trust": trust, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for w in group["params"]:
                v = self.state[w].setdefault("velocity", torch.zeros_like(w))
                size, slope = w.norm(), w.grad.norm()
                ratio = group["trust"] * size / (slope + group["weight_decay"] * size) if size > 0 and slope > 0 else 1.0
                v.mul_(group["momentum"]).add_(group["lr"] * ratio * (w.grad + group["weight_decay"] * w))
                w.sub_(v)


def optimizer_of(settings, parameters):
    """The optimizer, and what it calls the slots of a parameter by the names that they have here."""
    optim, name = torch.optim, settings["type"]
    given = {theirs: settings[ours] for ours, theirs in
             (("learning_rate", "lr"), ("weight_decay", "weight_decay"), ("momentum", "momentum"), ("dampening", "dampening"),
              ("epsilon", "eps"), ("alpha", "alpha"), ("rho", "rho"), ("centered", "centered"), ("amsgrad", "amsgrad"),
              ("momentum_decay", "momentum_decay"), ("learning_rate_decay", "lr_decay"), ("trust", "trust"),
              ("initial_accumulator", "initial_accumulator_value")) if ours in settings}
    if "beta1" in settings or "beta2" in settings:
        given["betas"] = settings.get("beta1", 0.9), settings.get("beta2", 0.99 if name == "lion" else 0.999)
    means = {"mean": "exp_avg", "square": "exp_avg_sq"}
    if name in ("adam", "adamw"):
        largest = {"largest_square": "max_exp_avg_sq"} if settings.get("amsgrad") else {}
        return (optim.Adam if name == "adam" else optim.AdamW)(parameters, foreach=False, **given), {**means, **largest}
    if name == "nadam":  # 1.13's loop over single tensors multiplies one μ in twice; the other is as documented, and as all later versions
        return optim.NAdam(parameters, foreach=True, **given), {**means, "look_ahead": "mu_product"}
    if name == "adagrad":
        return optim.Adagrad(parameters, foreach=False, **given), {"square_sum": "sum"}
    if name == "adadelta":
        return optim.Adadelta(parameters, foreach=False, **given), {"square": "square_avg", "square_step": "acc_delta"}
    if name == "rmsprop":
        slots = {"square": "square_avg"}
        if settings.get("centered"):
            slots["mean"] = "grad_avg"
        if settings.get("momentum"):
            slots["velocity"] = "momentum_buffer"
        return optim.RMSprop(parameters, foreach=False, **given), slots
    if name == "lion":
        return Lion(parameters, **given), {"mean": "mean"}
    if name == "lars":
        return Lars(parameters, **given), {"velocity": "velocity"}
    if name == "sgd":
        given["momentum"] = 0
    return (optim.SGD(parameters, nesterov=name == "nesterov", foreach=False, **given),
            {} if name == "sgd" else {"velocity": "momentum_buffer"})


def rates_of(case):
    """The learning rate of each step."""
    given, each = case["schedule"], case.get("steps_per_epoch", 1)
    steps, unit = case["epochs"] * each, given.get("unit", "epoch")
    schedulers = torch.optim.lr_scheduler
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], case["learning_rate"])
    whole = unit == "epoch"  # advanced after epochs
    name = given["type"]
    if name == "step" and "every" in given:
        scheduler = schedulers.StepLR(optimizer, given["every"], given.get("gamma", 0.1))
    elif name == "step":
        scheduler = schedulers.MultiStepLR(optimizer, given["milestones"], given.get("gamma", 0.1))
    elif name == "exponential":
        scheduler = schedulers.ExponentialLR(optimizer, given["gamma"])
    elif name == "polynomial":
        scheduler, whole = schedulers.PolynomialLR(optimizer, steps, given.get("power", 1)), False
    elif name == "cosine":
        scheduler, whole = schedulers.CosineAnnealingLR(optimizer, steps, given.get("final_rate", 0)), False
    elif name == "one_cycle":
        optimizer.defaults["momentum"] = 0
        scheduler, whole = schedulers.OneCycleLR(
            optimizer, case["learning_rate"], steps, pct_start=given.get("rising", 0.3), cycle_momentum=False,
            anneal_strategy={"cosine": "cos", "linear": "linear"}[given.get("shape", "cosine")],
            div_factor=given.get("initial_divisor", 25), final_div_factor=given.get("final_divisor", 1e4),
            three_phase=given.get("three_phases", False)), False
    elif name == "warm_up":
        length = given.get("length", 5) * (each if whole else 1)
        scheduler, whole = schedulers.LinearLR(optimizer, given.get("start_factor", 1 / 3), 1, length), False
    elif name == "warm_restarts":
        scheduler = schedulers.CosineAnnealingWarmRestarts(optimizer, given["period"], given.get("growth", 1), given.get("final_rate", 0))
    elif name == "plateau":
        scheduler = schedulers.ReduceLROnPlateau(
            optimizer, given.get("mode", "min"), given.get("factor", 0.1), given.get("patience", 10), given.get("threshold", 1e-4),
            given.get("threshold_mode", "relative")[:3], given.get("cooldown", 0), given.get("least_rate", 0))
    rates = []
    for step in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if name == "warm_restarts":
            scheduler.step((step + 1) / (each if whole else 1))
        elif name == "plateau":
            if (step + 1) % each == 0:
                scheduler.step(case["history"][step // each])
        elif not whole or (step + 1) % each == 0:
            scheduler.step()
    return rates
