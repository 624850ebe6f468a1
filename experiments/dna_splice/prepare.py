#!/usr/bin/python3
"""Writes data.h5 beside this script: the splice junctions of primate genes, 60 bases each, as four channels of 0 and 1.

Classes: 0 exon to intron, 1 intron to exon, 2 neither. One sample in five is for the test, chosen once for all.
Data: Towell, Noordewier & Shavlik 1991, "Molecular Biology (Splice-junction Gene Sequences)", UCI repository, in Debian's r-cran-mlbench.
"""
import pathlib
import sys

here = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(here.parent))
import debian

debian.need({"numpy": "python3-numpy", "h5py": "python3-h5py", "rdata": "python3-rdata"})
import numpy

(_, content), = debian.files("r-cran-mlbench", "*/data/DNA.rda")
table = debian.r_data(content)["DNA"]
bits = table.iloc[:, :180].to_numpy().astype(numpy.uint8).reshape(-1, 60, 3)  # the fourth base is three zeros
bases = numpy.concatenate([bits, 1 - bits.sum(2, keepdims=True, dtype=numpy.uint8)], 2).transpose(0, 2, 1)
classes = numpy.array([["ei", "ie", "n"].index(name) for name in table["Class"]], numpy.uint8)

order = numpy.random.default_rng(1).permutation(len(classes))
test, train = order[:len(order) // 5], order[len(order) // 5:]
debian.write(here / "data.h5", {"train/input": bases[train], "train/target": classes[train],
                                "test/input": bases[test], "test/target": classes[test]})
