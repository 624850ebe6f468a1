"""The schema that `lamina schema` writes, held to `lamina check` by an independent validator (Debian's python3-jsonschema).

check_schema.py LAMINA SOURCE PLUGINS: every experiment of SOURCE passes, as it stands and resolved; tricky good files pass both; broken ones
are refused by both, at the same places. PLUGINS is a folder with one more optimizer, which the program does not come with.
"""
import copy
import json
import pathlib
import re
import struct
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

from jsonschema import Draft7Validator

program, source, plugins = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3]
GONE = object()  # of an edit: the key is taken away
failures = []


def check(holds, *what):
    if not holds:
        failures.append(" ".join(str(part) for part in what))


def lamina(*words):
    return subprocess.run([program, "--plugin-path", plugins, *map(str, words)], capture_output=True, text=True)


def without_comments(text):
    """A text of JSON without // and /* */ comments, which stand nowhere in a string."""
    return re.sub(r'("(?:\\.|[^"\\])*")|//[^\n]*|/\*.*?\*/', lambda m: m[1] or "", text, flags=re.S)


def pointer(parts):
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def places(error):
    """Where a fault lies, as `lamina check` has it: at the value; at the key where the key is wrong."""
    at = pointer(error.absolute_path)
    if "propertyNames" in error.absolute_schema_path:
        return [at + pointer([error.instance])]
    if error.validator == "additionalProperties" and error.validator_value is False:
        return [at + pointer([key]) for key in error.instance if key not in error.schema["properties"]]
    return [at]


def edited(document, edits):
    """A copy with values replaced by path: {"optimizer.learning_rate": 0.1}; numbers are elements of lists."""
    document = copy.deepcopy(document)
    for path, value in edits.items():
        *way, last = [int(step) if step.isdigit() else step for step in path.split(".")]
        at = document
        for step in way:
            at = at[step]
        if value is GONE:
            del at[last]
        else:
            at[last] = value
    return document


BASE = {
    "name": "base",
    "dataset": {"type": "idx", "path": "data", "validation": {"samples": 2}},
    "transforms": [{"type": "normalize", "mean": 0.5}],
    "network": {
        "blocks": {
            "unit": {
                "parameters": {"filters": None, "kernel": 3},
                "layers": [
                    {"type": "conv", "name": "c", "inputs": ["in"], "filters": "${filters}", "kernel": "${kernel}", "padding": 1},
                    {"type": "relu", "name": "r"},
                ],
            }
        },
        "layers": [
            {"type": "conv", "name": "c1", "filters": 4, "kernel": [3, 3], "padding": 1, "initializer": {"type": "he"}},
            {"block": "unit", "name": "u", "filters": 3},
            {"type": "flatten"},
            {"type": "dense", "name": "logits", "units": 3, "initializer": {"weight": {"type": "normal", "deviation": 0.1}}},
        ],
    },
    "loss": {"type": "cross_entropy"},
    "metrics": ["accuracy", {"type": "accuracy", "name": "right"}],
    "optimizer": {"type": "momentum", "learning_rate": 0.1},
    "schedule": {"type": "cosine"},
    "training": {"epochs": 1, "batch_size": 4},
    "backend": {"type": "cpu", "threads": 1},
    "checkpoint": {"every_epochs": 1},
}
BLOCK = "network.blocks.unit"
NO_DATA = {"dataset": GONE, "transforms": GONE, "metrics": GONE, "training": {"steps": 2}}

GOOD = {
    "nothing changed": {},
    "integers stand for reals": {"optimizer.learning_rate": 1, "optimizer.momentum": 0, "transforms.0.deviation": 2},
    "null stands for a default": {"seed": None, "schedule": None, "backend.threads": None, "network.layers.0.stride": None, "logging": None,
                                  "network.layers.0.inputs": None, "dataset.validation": None, "optimizer.momentum": None, "$schema": None},
    "null for what is not chosen": {"training": {"epochs": None, "steps": 3, "batch_size": 2}, "network.layers.0.block": None,
                                    "network.layers.1.type": None},
    "no blocks": {"network.blocks": None, "network.layers.1": {"type": "relu"}},
    "the default backend has no name": {"backend": {"threads": 1}},
    "null as a backend's name": {"backend": {"type": None, "threads": 1}},
    "no sections but those that must be": {"schedule": GONE, "backend": GONE, "checkpoint": GONE, "metrics": GONE, "transforms": GONE},
    "one number for all axes": {"network.layers.0.kernel": 3},
    "a list for the axes": {"network.layers.0.stride": [1, 1], "network.layers.0.dilation": [1, 1]},
    "a padding per side": {"network.layers.0.padding": [[1, 2], [0, 1]]},
    "a padding per axis": {"network.layers.0.padding": [1, 2]},
    "a padding by name": {"network.layers.0.padding": "same", BLOCK + ".layers.0.padding": "same_lower"},
    "a padding as an argument": {BLOCK + ".parameters.around": "valid", BLOCK + ".layers.0.padding": "${around}"},
    "a number per channel": {"transforms.0.mean": [0.5], "transforms.0.deviation": [1]},
    "arguments beside text": {BLOCK + ".layers.1.name": "r_${kernel}"},
    "an argument as the type": {BLOCK + ".parameters.act": "relu", BLOCK + ".layers.1.type": "${act}"},
    "arguments in lists": {BLOCK + ".layers.0.kernel": ["${kernel}", 3], BLOCK + ".layers.0.inputs": "${from}", BLOCK + ".parameters.from": ["in"]},
    "a layer as an argument": {BLOCK + ".parameters.last": {"type": "tanh", "name": "t"}, BLOCK + ".layers.1": "${last}"},
    "an initializer as an argument": {BLOCK + ".parameters.start": {"type": "glorot"}, BLOCK + ".layers.0.initializer": "${start}"},
    "initializers by parameter": {"network.layers.0.initializer": {"weight": {"type": "he", "distribution": "uniform"}, "bias": {"type": "zeros"}}},
    "no initializer": {"network.layers.0.initializer": None},
    "a metric as an object": {"metrics": [{"type": "accuracy", "prediction": "logits", "target": "target"}]},
    "no metrics": {"metrics": []},
    "an optimizer from elsewhere": {"optimizer": {"type": "lion2", "learning_rate": 0.001, "weight_decay": 0}},
    "names and plain values under them": {"network.layers.2": {"type": "expression", "forward": "x * a + b * c", "parameters": {
        "a": 1, "b": {"initial": 0.5, "trainable": False}, "c": {"initial": 2, "per": "layer", "trainable": None}}},
        "network.layers.3": {"type": "flatten"}, "metrics": [], "loss": {"type": "mse", "target": "flatten_1"}},
    "no names": {"optimizer": {"type": "expression_optimizer", "learning_rate": 0.1, "update": "w - learning_rate * g", "state": {}, "parameters": None}},
    "names in an optimizer": {"optimizer": {"type": "expression_optimizer", "learning_rate": 0.1, "state": {"v": 0}, "parameters": {"m": {"value": 1}},
                                            "update": "v = m * v + g; w - learning_rate * v"}},
    "several losses": {"loss": [{"type": "cross_entropy"}, {"type": "mse", "prediction": "u", "target": "u", "scale": -1, "name": "still"}]},
    "a list of one loss": {"loss": [{"type": "cross_entropy", "name": None, "scale": None}]},
    "clipping": {"training.clip": {"value": 1, "norm": None}},
    "groups of parameters": {"optimizer.groups": [{"match": "*/bias", "weight_decay": 0},
                                                  {"match": ["c1/*"], "learning_rate": 1, "momentum": None, "trainable": False}]},
    "groups with names": {"optimizer": {"type": "expression_optimizer", "learning_rate": 0.1, "parameters": {"m": 1},
                                        "update": "w - m * learning_rate * g", "groups": [{"match": "*", "parameters": {"m": {"value": 2}}}]}},
    "no groups": {"optimizer.groups": []},
    "regularisation": {"network.layers.0.regularize": {"l2": 1}, "network.layers.3.regularize": {"weight": {"l1": 1, "l2": None}, "bias": {}}},
    "regularisation in a block": {BLOCK + ".layers.0.regularize": {"l2": "${kernel}"}},
    "several batches per update and their average": {"training.accumulate": 2, "training.average": {"warm_up": None}},
    "schedules one after the other": {"schedule": [{"type": "constant", "for_steps": 3}, {"type": "cosine", "final_rate": 0}]},
    "a run that is watched": {"training.early_stopping": {"metric": "validation_accuracy", "mode": "max", "patience": 5, "min_delta": 0},
                              "training.keep_best": True, "training.validate_every_steps": 3},
    "keep_best as an object": {"training.keep_best": {"metric": "validation_right", "mode": "max"}, "training.early_stopping": {}},
    "keep_best off": {"training.keep_best": False, "training.early_stopping": None},
    "a schema is named": {"$schema": "experiment.schema.json"},
    "no dataset": {**NO_DATA, "network": {"layers": [{"type": "parameter", "name": "w", "shape": [4]},
                                                      {"type": "parameter", "name": "v", "shape": [4], "inputs": []}]},
                   "loss": {"type": "mse", "prediction": "w", "target": "v"}, "training": {"steps": 2}},
    "two inputs": {"network.layers.2": {"type": "add", "inputs": ["c1", "c1"]}, "network.layers.3": {"type": "flatten"},
                   "metrics": [], "loss": {"type": "mse", "target": "flatten_1"}},
    "a file that changes another": "{\"extends\": \"base.json\", \"optimizer\": {\"momentum\": 0.5}, \"training\": {\"epochs\": null, \"steps\": 3}}",
    "another optimizer than the extended file's": "{\"extends\": [\"base.json\"], \"optimizer\": {\"type\": \"sgd\"}, \"network\": {\"blocks\": {\"unit\": {\"parameters\": {\"filters\": 2}}}}}",
}

# What is broken: the edits, and where both must say so.
BROKEN = {
    "unknown key of the file": ({"optimiser": {}}, ["/optimiser"]),
    "a key in capitals": ({"Seed": 1}, ["/Seed"]),
    "no optimizer": ({"optimizer": GONE}, [""]),
    "null for what must be": ({"loss": None}, ["/loss"]),
    "a name with blanks": ({"name": "my run"}, ["/name"]),
    "a negative seed": ({"seed": -1}, ["/seed"]),
    "a real seed": ({"seed": 1.5}, ["/seed"]),
    "unknown key of the dataset": ({"dataset.pth": "data"}, ["/dataset/pth"]),
    "a dataset without its path": ({"dataset.path": GONE}, ["/dataset"]),
    "an empty path": ({"dataset.path": ""}, ["/dataset/path"]),
    "a padding that is no word": ({"network.layers.0.padding": "sane"}, ["/network/layers/0/padding"]),
    "a padding that is too large": ({"network.layers.0.padding": [[0, 99999]]}, ["/network/layers/0/padding/0/1"]),
    "numbers and pairs in one padding": ({"network.layers.0.padding": [1, [0, 1]]}, ["/network/layers/0/padding/0"]),
    "three numbers for two sides": ({"network.layers.0.padding": [[0, 1, 2]]}, ["/network/layers/0/padding/0"]),
    "an empty padding": ({"network.layers.0.padding": []}, ["/network/layers/0/padding"]),
    "one column or several": ({"transforms.0.input": "input", "transforms.0.inputs": ["input"]}, ["/transforms/0/inputs"]),
    "a list of no texts": ({"dataset.classes": ["a", 2]}, ["/dataset/classes/1"]),
    "unknown key of the validation split": ({"dataset.validation.frction": 0.1}, ["/dataset/validation/frction"]),
    "a fraction of all": ({"dataset.validation": {"fraction": 1}}, ["/dataset/validation/fraction"]),
    "fraction and samples": ({"dataset.validation.fraction": 0.1}, ["/dataset/validation/samples"]),
    "transforms that are no list": ({"transforms": {"type": "normalize"}}, ["/transforms"]),
    "unknown key of a transform": ({"transforms.0.means": 1}, ["/transforms/0/means"]),
    "a deviation of zero": ({"transforms.0.deviation": 0}, ["/transforms/0/deviation"]),
    "an empty list for channels": ({"transforms.0.mean": []}, ["/transforms/0/mean"]),
    "transforms without dataset": ({**NO_DATA, "transforms": [{"type": "normalize"}], "loss": {"type": "mse", "prediction": "c1", "target": "c1"},
                                    "network.layers.0": {"type": "parameter", "name": "c1", "shape": [2, 2, 5, 5]}}, ["/transforms"]),
    "a length of nothing of a schedule": ({"schedule": [{"type": "constant", "for_steps": 0}, {"type": "cosine"}]}, ["/schedule/0/for_steps"]),
    "a patience of nothing": ({"training.early_stopping": {"patience": 0}}, ["/training/early_stopping/patience"]),
    "a text for keep_best": ({"training.keep_best": "validation_loss"}, ["/training/keep_best"]),
    "unknown key of keep_best": ({"training.keep_best": {"metrics": "validation_loss"}}, ["/training/keep_best/metrics"]),
    "unknown key of the network": ({"network.layer": []}, ["/network/layer"]),
    "a network without layers": ({"network.layers": GONE}, ["/network"]),
    "no layers": ({"network": {"layers": []}, "metrics": [], "loss": {"type": "mse"}}, ["/network/layers"]),
    "a layer that is a text": ({"network.layers.2": "flatten"}, ["/network/layers/2"]),
    "no such layer": ({"network.layers.0.type": "comv"}, ["/network/layers/0/type"]),
    "a type of another kind": ({"network.layers.2.type": "sgd"}, ["/network/layers/2/type"]),
    "neither type nor block": ({"network.layers.2.type": GONE}, ["/network/layers/2"]),
    "type and block": ({"network.layers.2.block": "unit"}, ["/network/layers/2/block"]),
    "unknown key of a layer": ({"network.layers.0.filtres": 4}, ["/network/layers/0/filtres"]),
    "a key of another layer": ({"network.layers.2.units": 4}, ["/network/layers/2/units"]),
    "a missing setting": ({"network.layers.0.kernel": GONE}, ["/network/layers/0"]),
    "null for a setting that must be": ({"network.layers.3.units": None}, ["/network/layers/3/units"]),
    "a text for a number": ({"network.layers.3.units": "3"}, ["/network/layers/3/units"]),
    "a real for an integer": ({"network.layers.3.units": 2.5}, ["/network/layers/3/units"]),
    "zero filters": ({"network.layers.0.filters": 0}, ["/network/layers/0/filters"]),
    "zero along one axis": ({"network.layers.0.kernel": [3, 0]}, ["/network/layers/0/kernel/1"]),
    "a number for a boolean": ({"network.layers.0.bias": 1}, ["/network/layers/0/bias"]),
    "a negative scale": ({"network.layers.0.learning_rate_scale": -1}, ["/network/layers/0/learning_rate_scale"]),
    "a layer's name in capitals": ({"network.layers.0.name": "Conv"}, ["/network/layers/0/name"]),
    "inputs that are one text": ({"network.layers.2.inputs": "u"}, ["/network/layers/2/inputs"]),
    "two inputs for one": ({"network.layers.2.inputs": ["u", "c1"]}, ["/network/layers/2/inputs"]),
    "an argument outside of a block": ({"network.layers.3.units": "${units}"}, ["/network/layers/3/units"]),
    "no such initializer": ({"network.layers.0.initializer.type": "hee"}, ["/network/layers/0/initializer/type"]),
    "unknown key of an initializer": ({"network.layers.0.initializer.mean": 0}, ["/network/layers/0/initializer/mean"]),
    "an initializer by parameter without type": ({"network.layers.3.initializer": {"weight": {"deviation": 1}}},
                                                 ["/network/layers/3/initializer/weight"]),
    "out of range in an initializer by parameter": ({"network.layers.3.initializer.weight.deviation": -1},
                                                    ["/network/layers/3/initializer/weight/deviation"]),
    "no such word in an initializer": ({"network.layers.0.initializer.distribution": "normale"},
                                       ["/network/layers/0/initializer/distribution"]),
    "an initializer that is a text": ({"network.layers.0.initializer": "he"}, ["/network/layers/0/initializer"]),
    "an initializer for a block": ({"network.layers.1.initializer": {"type": "he"}}, ["/network/layers/1/initializer"]),
    "a block that shares": ({"network.layers.1.share": "c1"}, ["/network/layers/1/share"]),
    "a block's name in capitals": ({"network.blocks.Unit": {"layers": [{"type": "relu"}]}}, ["/network/blocks/Unit"]),
    "unknown key of a block": ({BLOCK + ".parameter": {}}, ["/network/blocks/unit/parameter"]),
    "a block without layers": ({BLOCK + ".layers": []}, ["/network/blocks/unit/layers"]),
    "a parameter of a block called like a key": ({BLOCK + ".parameters.inputs": 1}, ["/network/blocks/unit/parameters/inputs"]),
    "unknown key in a block": ({BLOCK + ".layers.0.filtres": 1}, ["/network/blocks/unit/layers/0/filtres"]),
    "out of range in a block": ({BLOCK + ".layers.0.stride": 0}, ["/network/blocks/unit/layers/0/stride"]),
    "text beside an argument for a number": ({BLOCK + ".layers.0.stride": "${kernel}0"}, ["/network/blocks/unit/layers/0/stride"]),
    "a text for a plain value under a name": ({"network.layers.2": {"type": "expression", "forward": "x * a", "parameters": {"a": "1"}}},
                                              ["/network/layers/2/parameters/a"]),
    "unknown key under a name": ({"network.layers.2": {"type": "expression", "forward": "x * a", "parameters": {"a": {"initial": 1, "trainabel": True}}}},
                                 ["/network/layers/2/parameters/a/trainabel"]),
    "no such word under a name": ({"network.layers.2": {"type": "expression", "forward": "x * a", "parameters": {"a": {"initial": 1, "per": "chanel"}}}},
                                  ["/network/layers/2/parameters/a/per"]),
    "a name without what must be": ({"network.layers.2": {"type": "expression", "forward": "x * a", "parameters": {"a": {"trainable": True}}}},
                                    ["/network/layers/2/parameters/a"]),
    "a name in capitals": ({"optimizer": {"type": "expression_optimizer", "learning_rate": 1, "update": "w", "state": {"V": 0}}}, ["/optimizer/state/V"]),
    "names that are a list": ({"optimizer": {"type": "expression_optimizer", "learning_rate": 1, "update": "w", "state": ["v"]}}, ["/optimizer/state"]),
    "a loss without type": ({"loss": {}}, ["/loss"]),
    "unknown key of a loss": ({"loss.smooth": 0.1}, ["/loss/smooth"]),
    "a loss that is a text": ({"loss": "mse"}, ["/loss"]),
    "no losses": ({"loss": []}, ["/loss"]),
    "unknown key of one of several losses": ({"loss": [{"type": "mse", "target": "logits", "scael": 1}]}, ["/loss/0/scael"]),
    "a loss's name in capitals": ({"loss.name": "Classes"}, ["/loss/name"]),
    "a norm of zero": ({"training.clip": {"norm": 0}}, ["/training/clip/norm"]),
    "a metric with a blank": ({"metrics.1.name": "my accuracy"}, ["/metrics/1/name"]),
    "no such metric": ({"metrics.0": "acuracy"}, ["/metrics/0"]),
    "no such metric in an object": ({"metrics.1.type": "acuracy"}, ["/metrics/1/type"]),
    "unknown key of a metric": ({"metrics.1.targets": "target"}, ["/metrics/1/targets"]),
    "a metric that is a number": ({"metrics.0": 1}, ["/metrics/0"]),
    "no such optimizer": ({"optimizer.type": "momentun"}, ["/optimizer/type"]),
    "an optimizer without rate": ({"optimizer.learning_rate": GONE}, ["/optimizer"]),
    "a negative rate": ({"optimizer.learning_rate": -0.1}, ["/optimizer/learning_rate"]),
    "momentum of 1": ({"optimizer.momentum": 1}, ["/optimizer/momentum"]),
    "unknown key of an optimizer": ({"optimizer.momentun": 0.9}, ["/optimizer/momentun"]),
    "unknown key of an optimizer from elsewhere": ({"optimizer": {"type": "lion2", "learning_rate": 1, "weight_decay": 0, "beta3": 0}}, ["/optimizer/beta3"]),
    "an optimizer from elsewhere out of range": ({"optimizer": {"type": "lion2", "learning_rate": 1, "weight_decay": 0, "beta1": 1}}, ["/optimizer/beta1"]),
    "an optimizer from elsewhere without a setting": ({"optimizer": {"type": "lion2", "learning_rate": 1}}, ["/optimizer"]),
    "a group without names": ({"optimizer.groups": [{"momentum": 0}]}, ["/optimizer/groups/0"]),
    "a group with an empty list of names": ({"optimizer.groups": [{"match": []}]}, ["/optimizer/groups/0/match"]),
    "a group whose name is a number": ({"optimizer.groups": [{"match": 1}]}, ["/optimizer/groups/0/match"]),
    "a group one of whose names is a number": ({"optimizer.groups": [{"match": ["*", 1]}]}, ["/optimizer/groups/0/match/1"]),
    "unknown key of a group": ({"optimizer.groups": [{"match": "*", "momentun": 0}]}, ["/optimizer/groups/0/momentun"]),
    "out of range in a group": ({"optimizer.groups": [{"match": "*"}, {"match": "*", "momentum": 1}]}, ["/optimizer/groups/1/momentum"]),
    "two rates of a group": ({"optimizer.groups": [{"match": "*", "learning_rate": 1, "learning_rate_scale": 1}]},
                             ["/optimizer/groups/0/learning_rate_scale"]),
    "groups that are no list": ({"optimizer.groups": {"match": "*"}}, ["/optimizer/groups"]),
    "a negative factor of squares": ({"network.layers.0.regularize": {"l2": -1}}, ["/network/layers/0/regularize/l2"]),
    "unknown key of a regularisation": ({"network.layers.0.regularize": {"l2": 1, "l3": 1}}, ["/network/layers/0/regularize/l3"]),
    "a regularisation that is a number": ({"network.layers.0.regularize": {"weight": 1}}, ["/network/layers/0/regularize/weight"]),
    "a regularised block": ({"network.layers.1.regularize": {"l2": 1}}, ["/network/layers/1/regularize"]),
    "an average that never moves": ({"training.average": {"decay": 1}}, ["/training/average/decay"]),
    "an update of no batch": ({"training.accumulate": 0}, ["/training/accumulate"]),
    "no such schedule": ({"schedule.type": "cosin"}, ["/schedule/type"]),
    "unknown key of a schedule": ({"schedule.final": 0}, ["/schedule/final"]),
    "unknown key of the default schedule": ({"schedule": {"final_rate": 0}}, ["/schedule/final_rate"]),
    "neither epochs nor steps": ({"training.epochs": GONE}, ["/training"]),
    "epochs and steps": ({"training.steps": 5}, ["/training/steps"]),
    "no batch size": ({"training.batch_size": GONE}, ["/training"]),
    "a batch of none": ({"training.batch_size": 0}, ["/training/batch_size"]),
    "no such word of training": ({"training.last_batch": "kep"}, ["/training/last_batch"]),
    "unknown key of training": ({"training.epoch": 1}, ["/training/epoch"]),
    "unknown key of a backend": ({"backend.thread": 1}, ["/backend/thread"]),
    "unknown key of the default backend": ({"backend": {"kernels": "tiled"}}, ["/backend/kernels"]),
    "a setting of another backend": ({"backend.tuning": "off"}, ["/backend/tuning"]),
    "a device of no backend": ({"backend": {"type": "gpu"}}, ["/backend/type"]),
    "weights without file": ({"initial_weights": {"strict": True}}, ["/initial_weights"]),
    "a name that is no text": ({"initial_weights": {"file": "a.h5", "map": {"a": 1}}}, ["/initial_weights/map/a"]),
    "no checkpoints": ({"checkpoint.keep": 0}, ["/checkpoint/keep"]),
    "unknown key of checkpoints": ({"checkpoint.every_epoch": 1}, ["/checkpoint/every_epoch"]),
    "unknown key of logging": ({"logging": {"steps": 1}}, ["/logging/steps"]),
    "a section that is a number": ({"logging": 1}, ["/logging"]),
    "a file that changes another, with an unknown key": ({"extends": "base.json", "optimizer": {"momentun": 0.5}}, ["/optimizer/momentun"]),
    "a file that extends a number": ({"extends": 1}, ["/extends"]),
}
# Taken alone, not as a change of the base.
WHOLE = {"a file that changes another, with an unknown key", "a file that extends a number"}


def write_data(folder):
    """Six by six pictures of three classes, 8 to train and 4 to test."""
    folder.mkdir()
    for name, count in (("train", 8), ("t10k", 4)):
        pixels = bytes(range(36)) * count
        (folder / f"{name}-images-idx3-ubyte").write_bytes(struct.pack(">4B3I", 0, 0, 8, 3, count, 6, 6) + pixels)
        (folder / f"{name}-labels-idx1-ubyte").write_bytes(struct.pack(">4BI", 0, 0, 8, 1, count) + bytes(i % 3 for i in range(count)))


def main():
    written = lamina("schema")
    check(written.returncode == 0 and not written.stderr, "lamina schema:", written.stderr)
    check(written.stdout == lamina("schema").stdout, "lamina schema writes another text the second time")
    schema = json.loads(written.stdout)
    Draft7Validator.check_schema(schema)
    validator = Draft7Validator(schema)

    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(4) as pool:
        folder = pathlib.Path(name)
        write_data(folder / "data")
        (folder / "base.json").write_text(json.dumps(BASE))

        def of_schema(document):
            return sorted({place for error in validator.iter_errors(document) for place in places(error)})

        def of_program(text, what):
            file = folder / (re.sub(r"\W", "_", what) + ".json")
            file.write_text(text)
            answer = lamina("check", "--json", file)
            if answer.returncode == 0:
                return []
            error = json.loads(answer.stdout)["error"]
            check(answer.returncode == 3 and error["faults"], what, "ends with", answer.returncode, answer.stderr)
            return sorted({fault["pointer"] for fault in error["faults"]})

        def good(item):
            what, change = item
            text = change if isinstance(change, str) else json.dumps(edited(BASE, change))
            check(of_schema(json.loads(text)) == [], what, "is refused by the schema at", of_schema(json.loads(text)))
            check(of_program(text, what) == [], what, "is refused by lamina check at", of_program(text, what))

        def broken(item):
            what, (change, wanted) = item
            document = change if what in WHOLE else edited(BASE, change)
            check(of_schema(document) == wanted, what, "is refused by the schema at", of_schema(document), "instead of", wanted)
            there = of_program(json.dumps(document), what)
            check(there == wanted, what, "is refused by lamina check at", there, "instead of", wanted)

        def shipped(file):
            check(of_schema(json.loads(without_comments(file.read_text()))) == [], file, "is refused")
            resolved = lamina("check", file, "--print-resolved").stdout
            check(of_schema(json.loads(resolved)) == [], file, "is refused when it is resolved:", of_schema(json.loads(resolved)))

        experiments = sorted((source / "experiments").rglob("*.json"))
        check(len(experiments) >= 2, "there are no experiments in", source)
        list(pool.map(shipped, experiments))
        list(pool.map(good, GOOD.items()))
        list(pool.map(broken, BROKEN.items()))

    for failure in failures:
        print(failure)
    print(f"schema of {len(written.stdout)} bytes: {len(experiments)} experiments, {len(GOOD)} good and {len(BROKEN)} broken files; "
          f"{len(failures)} failures")
    sys.exit(bool(failures))


main()
