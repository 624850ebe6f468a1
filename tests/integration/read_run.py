"""Reads run.h5 with h5py as a user would: read_run.py RUN_FOLDER watch|compare

watch: opens the file again and again until a file "stop" stands beside the run folder; each time axes must be named and columns of one
length. Prints how often it was read. compare: every column equals the journal's.
"""
import json
import os
import sys

import h5py


def text(value):
    """Texts are of fixed length, which h5py gives as bytes."""
    return value.decode() if isinstance(value, bytes) else value


def read(path):
    """All columns of metrics/<kind>, after the checks."""
    columns = {}
    with h5py.File(path, "r") as file:
        assert text(file.attrs["format"]) == "lamina-run"
        assert text(file["provenance"].attrs["status"]) in ("running", "finished", "stopped")
        json.loads(file["config/resolved"][()])
        for kind, group in file["metrics"].items():
            lengths = set()
            for name, column in group.items():
                columns[kind, name] = column[()]
                lengths.add(len(column))
                if name == kind:
                    assert h5py.h5ds.is_scale(column.id), column.name
                else:
                    assert column.dims[0].keys() == [kind], (column.name, column.dims[0].keys())
                    assert (column.dims[0][kind][()] == group[kind][()]).all()
            assert len(lengths) == 1, lengths
            assert text(group.attrs["NX_class"]) == "NXdata" and text(group.attrs["signal"]) in group
        for split, group in file.get("evaluation", {}).items():
            counts = group["counts"]
            assert [list(axis.keys()) for axis in counts.dims] == [["true_class"], ["predicted_class"]]
            assert counts[()].sum() == len(group["predictions/sample"])
    return columns


def main(folder, mode):
    path = os.path.join(folder, "run.h5")
    if mode == "watch":
        times = rows = 0
        while not os.path.exists(os.path.join(os.path.dirname(folder), "stop")):
            if not os.path.exists(path):
                continue
            columns = read(path)
            now = len(columns.get(("step", "step"), ()))
            assert now >= rows, (now, rows)
            times, rows = times + 1, now
        print("read", times)
        return
    columns = read(path)
    journal = {}
    with open(os.path.join(folder, "metrics.jsonl")) as lines:
        for line in lines:
            row = json.loads(line)
            kind = row.pop("kind")
            for name, value in row.items():
                journal.setdefault((kind, name), []).append(value)
    assert journal.keys() == columns.keys(), (journal.keys(), columns.keys())
    for key, values in journal.items():
        assert list(columns[key]) == values, key
    print("equal", len(journal))


main(*sys.argv[1:])
