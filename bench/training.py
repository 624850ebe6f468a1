"""Training steps of the benchmarks' networks on a backend of Lamina, beside PyTorch in alternating rounds; a markdown table on standard output.

training.py --lamina PROGRAM --plugins DIR [--backend NAME[:DEVICE]] [--rounds N] [--seconds S] NETWORK[:BATCH]…

NETWORK is a file of bench/networks without its ending; BATCH replaces its batch size. In each round every contestant runs for S seconds, one
after the other; a row holds medians over the rounds, and the ratio is the median of (PyTorch's time / Lamina's time) within the rounds. PyTorch
runs in the Python that runs this; where it is missing, the table has Lamina alone. Needs nothing but Python's own library. Exit code 1 when a
network could not be measured on Lamina; the others are in the table.
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
MODES = ["eager", "compile", "graph", "compile+graph"]


def say(text):
    print(text, file=sys.stderr, flush=True)


class Lamina:
    def __init__(self, options, network):
        name, _, batch = network.partition(":")
        self.options, self.file = options, str(HERE / "networks" / f"{name}.json")
        self.changes = [f"--set=training.batch_size={batch}"] if batch else []
        self.last = None

    def call(self, *arguments):
        command = [self.options.lamina, "--plugin-path", self.options.plugins, *arguments]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
        if done.returncode:
            raise RuntimeError(f"lamina ended with exit code {done.returncode}")
        return done.stdout

    def resolved(self):
        return self.call("check", self.file, "--print-resolved", *self.changes)

    def measure(self, seconds):
        """Milliseconds per step; the first call finds out how many steps fill the time."""
        step = self.last["ms_per_step"]["median"] / 1e3 if self.last else seconds / 5
        steps = min(20000, max(5, int(seconds / step)))
        command = ["--json", "bench", self.file, "--backend", self.options.backend, "--steps", str(steps)]
        self.last = json.loads(self.call(*command, "--warm-up", str(min(20, steps)), *self.changes))
        return self.last["ms_per_step"]["median"]


class PyTorch:
    """A process that holds the network in PyTorch and measures on request; None of it where there is no PyTorch."""

    def __init__(self, resolved):
        self.process = subprocess.Popen([sys.executable, str(HERE / "pytorch_nets.py"), resolved], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)
        ready = self.process.stdout.readline().split(maxsplit=2)
        self.works = bool(ready)
        if self.works:
            self.version, self.device = ready[1], ready[2].strip()
            self.on_gpu = not self.device.startswith("cpu")

    def contestants(self):
        modes = MODES if self.on_gpu else MODES[:2]
        return [(mode, precision) for precision in (["strict", "tf32"] if self.on_gpu else ["strict"]) for mode in modes]

    def measure(self, mode, precision, seconds):
        """Milliseconds per step, or None when PyTorch cannot (it says why)."""
        self.process.stdin.write(f"{mode} {precision} {seconds}\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().strip()
        if not answer or answer.startswith("failed"):
            say(f"  PyTorch {mode} {precision} {answer or 'ended'}")
            return None
        return float(answer)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def has_torch():
    return subprocess.run([sys.executable, "-c", "import torch"], stderr=subprocess.DEVNULL).returncode == 0


def measure(options, network, torch_here):
    """Rows of the table, and what PyTorch runs on."""
    lamina = Lamina(options, network)
    torch, about, contestants = None, None, []
    with tempfile.NamedTemporaryFile("w", suffix=".json") as resolved:
        resolved.write(lamina.resolved())
        resolved.flush()
        if torch_here:
            torch = PyTorch(resolved.name)
        if torch and torch.works:
            about, contestants = f"PyTorch {torch.version} on {torch.device}", torch.contestants()
        lamina.measure(options.seconds)  # fills the caches and tells how long a step is
        first = lamina.last["first_step_ms"]
        ours, theirs = [], {c: [] for c in contestants}
        for turn in range(options.rounds):
            ours.append(lamina.measure(options.seconds))
            say(f"{network}, round {turn + 1}: Lamina {ours[-1]:.4f} ms")
            for c in list(theirs):
                ms = torch.measure(*c, options.seconds)
                if ms is None:
                    del theirs[c]
                    continue
                theirs[c].append(ms)
                say(f"{network}, round {turn + 1}: PyTorch {' '.join(c)} {ms:.4f} ms")
        if torch:
            torch.close()
    batch = lamina.last["batch"]
    name = f"{network.partition(':')[0]} b{batch}"

    def row(who, times, ratio, start=""):
        ms = statistics.median(times)
        return f"| {name} | {who} | {ms:.4f} | {batch / ms * 1e3:,.0f} | {ratio} | {start} |"

    start = f"{first / 1e3:.2f} / {lamina.last['first_step_ms'] / 1e3:.2f}"
    rows = [row(f"Lamina {options.backend}", ours, "1", start)]
    for (mode, precision), times in theirs.items():
        ratio = statistics.median(t / o for t, o in zip(times, ours))
        rows.append(row(f"PyTorch {mode}, {'float32' if precision == 'strict' else 'TF32'}", times, f"{ratio:.2f}"))
    return rows, about, lamina.last["device"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--lamina", required=True)
    parser.add_argument("--plugins", required=True)
    parser.add_argument("--backend", default="vulkan")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0.5)
    parser.add_argument("networks", nargs="+")
    options = parser.parse_args()
    torch_here = has_torch()
    if not torch_here:
        say(f"{sys.executable} has no PyTorch; Lamina is measured alone")
    rows, peers, device, failures = [], None, None, []
    for network in options.networks:
        try:
            more, about, device = measure(options, network, torch_here)
            rows, peers = rows + more, about or peers
        except RuntimeError as reason:
            say(f"{network}: {reason}")
            failures.append(f"{network} was not measured: {reason}.")
    print(f"Lamina on {device or options.backend}; beside it {peers or 'nothing: there is no PyTorch here'}.")
    if peers and " on cpu" in peers:
        print("This PyTorch sees no CUDA device, so it ran on the processor.")
    print("\n| network | who | ms per step | samples/s | times Lamina's step | start to first step, s: first / last process |")
    print("|---|---|--:|--:|--:|--:|")
    print("\n".join(rows))
    if failures:
        print("\n" + "\n".join(failures))
        sys.exit(1)


if __name__ == "__main__":
    main()
