#!/usr/bin/env bash
# LeNet-5, batch 64, one training step: Lamina's cpu backend beside PyTorch eager (plain, and with a tuned malloc), alternating.
#   bench/lenet.sh [rounds] [seconds per contestant and round]
set -euo pipefail
root=$(dirname "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")")
rounds=${1:-5} seconds=${2:-3}
"$root/lamina" setup run bench
ninja -C "$root/build" bench >/dev/null
resolved=$(mktemp)
trap 'rm -f "$resolved"' EXIT
"$root/build/bin/lamina" --plugin-path "$root/build/bench_plugins" check "$root/bench/networks/lenet5.json" --print-resolved >"$resolved"
# Milliseconds per step of PyTorch, with the environment that is given.
peer() { echo "eager strict $seconds" | env "$@" /usr/bin/python3 "$root/bench/pytorch_nets.py" "$resolved" cpu | tail -n 1 | tee /dev/stderr; }
unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE
export OMP_PROC_BIND=true OMP_NUM_THREADS=${OMP_NUM_THREADS:-$(nproc)}
tuned=(MALLOC_MMAP_THRESHOLD_=1073741824 MALLOC_TRIM_THRESHOLD_=1073741824 MALLOC_TOP_PAD_=268435456)
lamina=() torch=() torch_tuned=()
for ((i = 0; i < rounds; ++i)); do
  lamina+=("$("$root/build/bin/bench_step_time" "$root/experiments/fashion_mnist/lenet5.json" "$seconds" | tee /dev/stderr | cut -d' ' -f1)")
  torch+=("$(peer)")
  torch_tuned+=("$(peer "${tuned[@]}")")
done
/usr/bin/python3 - "${lamina[*]}" "${torch[*]}" "${torch_tuned[*]}" <<'PY'
import statistics, sys
lamina, torch, tuned = ([float(v) for v in a.split()] for a in sys.argv[1:])
def ratios(peer): return [p / l for p, l in zip(peer, lamina)]
print(f"lamina {statistics.median(lamina):.3f} ms   PyTorch eager {statistics.median(torch):.3f} ms   with tuned malloc {statistics.median(tuned):.3f} ms")
print(f"PyTorch / Lamina, median of rounds: {statistics.median(ratios(torch)):.2f} plain, {statistics.median(ratios(tuned)):.2f} tuned")
PY
