#!/usr/bin/env bash
# One training step in bfloat16 beside float32 on the cpu backend, alternating; ResNet-20 on Fashion-MNIST if no experiment is named.
#   bench/bfloat16.sh [EXPERIMENT.json] [rounds] [seconds per contestant and round]
set -euo pipefail
root=$(dirname "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")")
experiment=${1:-$root/experiments/fashion_mnist/resnet20.json} rounds=${2:-5} seconds=${3:-4}
"$root/lamina" setup run
ninja -C "$root/build" bench_step_time >/dev/null
"$root/build/bin/lamina" backends | grep -E '^(backend|cpu) '  # "bfloat16" stands behind a driver whose processor multiplies it
step() { "$root/build/bin/bench_step_time" "$experiment" "$seconds" backend.type=cpu "$@" | tee /dev/stderr | cut -d' ' -f1; }
wide=() narrow=()
for ((i = 0; i < rounds; ++i)); do
  wide+=("$(step backend.precision=float32)")
  narrow+=("$(step backend.precision=bfloat16)")
done
/usr/bin/python3 - "${wide[*]}" "${narrow[*]}" <<'PY'
import statistics, sys
wide, narrow = ([float(v) for v in a.split()] for a in sys.argv[1:])
ratio = statistics.median(w / n for w, n in zip(wide, narrow))
print(f"float32 {statistics.median(wide):.3f} ms   bfloat16 {statistics.median(narrow):.3f} ms   {ratio:.2f} times as fast, median of rounds")
PY
