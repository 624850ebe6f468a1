"""Plugins that were built with the headers of version 1.0 load and train in the program of today, and nobody has edited those headers.

frozen.py PROGRAM PLUGINS: the program, and the folder with the frozen plugins."""
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile

program, plugins = sys.argv[1:3]
here = pathlib.Path(__file__).parent
# Of all files of v1.0, names and bytes. It never changes: see README.md.
frozen = "506001b78517091f0b519731613b365c3273294ffdd5df7ffa581b8d06318884"


def lamina(*words):
    done = subprocess.run([program, *words, "--plugin-path", plugins], env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"lamina {' '.join(words)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


total = hashlib.sha256()
for file in sorted((here / "v1.0").rglob("*")):
    if file.is_file():
        total.update(f"{file.relative_to(here).as_posix()}\n{file.stat().st_size}\n".encode() + file.read_bytes())
if total.hexdigest() != frozen:
    sys.exit(f"{here}/v1.0 has been edited: its checksum is {total.hexdigest()}; what is frozen stays as it is")

with tempfile.TemporaryDirectory(prefix="lamina-frozen-") as scratch:
    environment = {**os.environ, "XDG_CACHE_HOME": scratch}
    listed = [plugin for plugin in json.loads(lamina("plugins", "list", "--json")) if plugin["file"].startswith(plugins)]
    broken = [plugin for plugin in listed if plugin["error"]]
    if len(listed) != len(list((here / "v1.0/plugins").glob("*.cpp"))) or broken:
        sys.exit(f"not all frozen plugins load: {listed}")
    for experiment in ("layers", "backend"):
        events = lamina("run", str(here / f"{experiment}.json"), "--out", scratch, "--json").splitlines()
        accuracy = json.loads(events[-1])["evaluations"]["test"]["accuracy"]
        print(experiment, "accuracy", accuracy)
        if accuracy < 0.9:
            sys.exit(f"{experiment}.json learns nothing")
    print(lamina("compare-backends", str(here / "backend.json"), "--backends", "reference,frozen_backend", "--steps", "2", "--tolerance", "1e-5"))
