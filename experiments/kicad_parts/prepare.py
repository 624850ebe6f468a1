#!/usr/bin/python3
"""Writes data.h5 beside this script: electronic parts as grids of 24 × 24 × 24 places, 1 where the surface of the part passes; axes up, y, x.

Data: meshes of KiCad's library of parts (CC-BY-SA 4.0 with an exception for designs), in Debian's kicad-packages3d: a download of 379 MB, which
unpacks to 5.5 GB and is therefore read as a stream. A part keeps its proportions: its longest side fills the grid, and it stands in the middle.

Classes: the twelve families with the most different shapes; of pin headers and sockets one pitch, because a grid knows no sizes. Of each family
the first hundred different grids, in the order of the names' hashes, which is as good as chance and the same everywhere.
Split: parts are often variants of each other, with one more pin. Grids of which more than 0.8 agree (intersection over union) stay together,
directly or over others. Such groups go whole to test (a fifth of each family), validation (three in twenty) or training.
"""
import hashlib
import pathlib
import re
import sys

here = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(here.parent))
import debian

debian.need({"numpy": "python3-numpy", "h5py": "python3-h5py"})
import numpy

FOLDERS = ["Button_Switch_SMD", "Capacitor_SMD", "Capacitor_THT", "Connector_JST", "Connector_PinHeader_2.54mm", "Connector_PinSocket_2.54mm",
           "Diode_THT", "Inductor_THT", "Mounting_Wuerth", "Package_DIP", "Package_SO", "Resistor_THT"]  # in the order of the class numbers
SIDE, PARTS, NEAR = 24, 100, 0.8
SHARES = {"test": 0.2, "validation": 0.15, "train": 1}

FACES = re.compile(rb"IndexedFaceSet\s*\{[^[\]]*coordIndex\s*\[([^\]]*)\]\s*coord\s+Coordinate\s*\{\s*point\s*\[([^\]]*)\]")


def numbers(text):
    return numpy.fromstring(text.replace(b",", b" "), sep=" ")


def triangles(vrml):
    """The triangles [number, corner, xyz] of a VRML 2 file made of face sets; None if it holds anything that moves or repeats them."""
    sets = FACES.findall(vrml)
    if not sets or len(sets) != vrml.count(b"IndexedFaceSet") or b"Transform" in vrml:
        return None
    points, faces, count = [], [], 0
    for corners, places in sets:
        points.append(numbers(places).reshape(-1, 3))
        corners = numbers(corners).astype(int)
        faces += [numpy.where(corners < 0, -1, corners + count), [-1]]
        count += len(points[-1])
    points, corner = numpy.concatenate(points), numpy.concatenate(faces)  # a face is its corners and then -1
    at, ends = numpy.arange(len(corner)), numpy.flatnonzero(corner < 0)
    first = numpy.concatenate([[0], ends[:-1] + 1]).repeat(numpy.diff(ends, prepend=-1))  # of the face, for each corner
    second = at[:-1][(corner[:-1] >= 0) & (corner[1:] >= 0) & (at[:-1] > first[:-1])]  # a face of more corners is a fan
    return points[corner[numpy.stack([first[second], second, second + 1], 1)]]


def grid(mesh):
    """Occupied places [z, y, x]: each triangle leaves points on rows along its longest side, at most half a place apart."""
    low, high = mesh.min((0, 1)), mesh.max((0, 1))
    # A little smaller and off the middle: a plane of symmetry is no border between places, where rounding would decide.
    mesh = (mesh - (low + high) / 2) * ((SIDE - 0.01) / (high - low).max()) + (SIDE / 2 + 0.001)
    sides = numpy.linalg.norm(numpy.roll(mesh, -1, 1) - numpy.roll(mesh, 1, 1), axis=2)  # opposite to each corner
    every, top = numpy.arange(len(mesh)), sides.argmax(1)
    a, b, c = (mesh[every, (top + k) % 3] for k in range(3))
    base = sides[every, top].clip(1e-9)
    height = numpy.linalg.norm(numpy.cross(b - a, c - a), axis=1) / base
    rows, columns = (numpy.ceil(2 * length).astype(int).clip(1) for length in (height, base))
    kinds, kind = numpy.unique(rows * 1000 + columns, return_inverse=True)
    order = kind.argsort(kind="stable")
    occupied = numpy.zeros((SIDE, SIDE, SIDE), numpy.uint8)
    corners = numpy.stack([a, b, c], 2)[order]  # [number, xyz, corner]
    for lattice, alike in zip(kinds, numpy.split(corners, numpy.bincount(kind).cumsum()[:-1])):
        u = numpy.linspace(0, 1, lattice // 1000 + 1)[:, None]
        v = numpy.linspace(0, 1, lattice % 1000 + 1)
        x, y, z = (alike.swapaxes(0, 1) @ numpy.stack([1 - u + 0 * v, u * (1 - v), u * v]).reshape(3, -1)).astype(int).reshape(3, -1)
        occupied[z, y, x] = 1
    return occupied


def groups(grids):
    """A number for each grid, the same for those that are near each other, directly or over others."""
    flat = grids.reshape(len(grids), -1).astype(numpy.float32)
    common, size = flat @ flat.T, flat.sum(1)
    near = common > NEAR * (size[:, None] + size - common)
    group = numpy.arange(len(grids))
    while True:
        joined = numpy.where(near, group, len(grids)).min(1)
        if (joined == group).all():
            return group
        group = joined


found = []  # (hash of the name, class, grid)
for name, content in debian.files("kicad-packages3d", "*.3dshapes/*.wrl"):
    folder = pathlib.PurePath(name).parent.name.removesuffix(".3dshapes")
    mesh = triangles(content) if folder in FOLDERS else None
    if mesh is not None:
        found.append((hashlib.sha256(pathlib.PurePath(name).name.encode()).digest(), FOLDERS.index(folder), grid(mesh)))
        if len(found) % 200 == 0:
            print(f"{len(found)} parts", file=sys.stderr)

parts, taken = [], set()
for _, label, occupied in sorted(found, key=lambda part: part[0]):
    if occupied.tobytes() not in taken and sum(other == label for other, _ in parts) < PARTS:
        taken.add(occupied.tobytes())
        parts.append((label, occupied))
labels = numpy.array([label for label, _ in parts], numpy.uint8)
grids = numpy.stack([occupied for _, occupied in parts])
group = groups(grids)

split = numpy.full(len(parts), "", "U10")
for label in range(len(FOLDERS)):
    own = group[labels[group] == label]  # a group counts for the family of its first part
    bound, done = numpy.cumsum(list(SHARES.values())) * len(own), 0
    for member in dict.fromkeys(own):
        split[group == member] = list(SHARES)[numpy.searchsorted(bound, done, "right")]
        done += (own == member).sum()
print(f"{len(found)} parts read, {len(parts)} taken, in {len(set(group))} groups")
arrays = {}
for name in ("train", "validation", "test"):
    arrays[f"{name}/input"], arrays[f"{name}/target"] = grids[split == name][:, None], labels[split == name]
debian.write(here / "data.h5", arrays)
