#!/usr/bin/env bash
# Everything that is worth measuring on a GPU, in one run: what the device is, that it computes right, dispatches, bandwidth, kernels, then
# training beside PyTorch in alternating rounds. The tables stand at the end and in bench/results/<device>-<date>.md.
#   bench/gpu.sh [--small] [--backend NAME[:DEVICE]] [--rounds N] [--seconds S] [--build DIR] [--out FILE]
#     --small     sizes for a device that is a processor (lavapipe): small batches, one short round, no large matmul
#     --backend   default vulkan: the first discrete device, else integrated, else a processor
#     --rounds    of every contestant in turn, default 3; --seconds each of them then runs, default 0.5
#     --build     use what is built there as it is: nothing is installed or built, no network is needed
# Needs: a vendor's driver with Vulkan 1.2, and Debian's libvulkan1, which finds it (where it cannot be installed, LD_LIBRARY_PATH with its
# libvulkan.so.1 and VK_DRIVER_FILES with the driver's .json do). AMD, Intel and lavapipe: Debian's mesa-vulkan-drivers; NVIDIA: the driver's own.
# To build: the groups build, run and test of packages.txt (installed when --build is not given). With --build DIR: DIR/bin/{lamina,bench_kernels,
# unit_tests}, DIR/plugins, DIR/bench_plugins, built in the place where they lie, and libhdf5-103-1, libdnnl2, zlib1g; bash, coreutils, python3.
# To compare: PYTHON (default python3) with a PyTorch that sees the GPU; with one that does not, PyTorch runs on the processor and the table
# says so; without, Lamina stands alone. A GPU's full run takes 5 to 8 minutes, more than half of it in torch.compile.
set -euo pipefail
root=$(dirname "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")")
python=${PYTHON:-python3}
backend=vulkan rounds='' seconds='' build='' out='' small='' failed=''
while [ $# -gt 0 ]; do
  case $1 in
    --small) small=yes; shift; continue ;;
    --backend | --rounds | --seconds | --build | --out) [ $# -ge 2 ] || { echo "$1 wants a value" >&2; exit 2; } ;;
    -h | --help) sed -n '2,/^set/{s/^# \{0,1\}//p}' "$0"; exit ;;
    *) echo "no option is named $1; bench/gpu.sh --help tells them" >&2; exit 2 ;;
  esac
  case $1 in
    --backend) backend=$2 ;;
    --rounds) rounds=$2 ;;
    --seconds) seconds=$2 ;;
    --build) build=$2 ;;
    --out) out=$2 ;;
  esac
  shift 2
done
if [ -n "$small" ]; then
  rounds=${rounds:-1}
  kernels=(--batch 4 --megabytes 32 --seconds 0.2)
  networks=(lenet5 series resnet20:8 voxnet:4)
else
  rounds=${rounds:-3}
  kernels=(--batch 32 --megabytes 512 --seconds 0.1 --large)
  networks=(lenet5 series resnet20 voxnet resnet18)
fi
seconds=${seconds:-0.5}

say() { printf '\n== %s\n' "$*" >&2; }

if [ -z "$build" ]; then
  build=$root/build
  say "packages and build"
  "$root/lamina" setup run test
  ninja -C "$build" bench unit_tests >/dev/null
fi
build=$(readlink -f "$build")
lamina=$build/bin/lamina

load=$(cut -d' ' -f1 /proc/loadavg)

say "devices"
"$lamina" backends -v

say "correctness: everything stops where it fails"
check=$("$lamina" backends --check) || { printf '%s\n' "$check"; exit 5; }
printf '%s\n' "$check"
if [ -x "$build/bin/unit_tests" ]; then
  "$build/bin/unit_tests" --test-case='backends agree with the reference on every op,results that nobody reads may be missing' --minimal
else
  echo "bin/unit_tests is not built; only the self-test of \`lamina backends --check\` was run"
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
say "kernels"
"$build/bin/bench_kernels" "$backend" "${kernels[@]}" | tee "$work/kernels" >&2
device=$(sed -n '1s/^[^:]*: //p' "$work/kernels")

say "training"
"$python" "$root/bench/training.py" --lamina "$lamina" --plugins "$build/bench_plugins" --backend "$backend" --rounds "$rounds" \
  --seconds "$seconds" "${networks[@]}" >"$work/training" || failed=yes

if [ -z "$out" ]; then
  name=$(printf '%s' "${device%%[,(]*}" | tr '[:upper:]' '[:lower:]' | tr -cs 'a-z0-9' - | sed 's/^-*//; s/-*$//')
  out=$root/bench/results/${name:-device}-$(date -u +%Y-%m-%d).md
fi
mkdir -p "$(dirname "$out")"
{
  printf '# %s\n\n' "$device"
  printf '%s\n' "- $(date -u +%Y-%m-%d), $("$lamina" --version)" "- processor: $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) threads, load $load before"
  printf '%s\n' "- command: \`bench/gpu.sh${small:+ --small} --backend $backend --rounds $rounds --seconds $seconds\`"
  printf '%s\n' "- correctness: self-test of every device$([ -x "$build/bin/unit_tests" ] && echo ' and, on the default ones, the op conformance suite') passed before"
  printf '\n```\n'
  "$lamina" backends -v
  printf '```\n\n## Kernels\n\n'
  tail -n +3 "$work/kernels"
  printf '\n## Training\n\n'
  cat "$work/training"
} >"$out"
say "results, written to $out"
cat "$out"
[ -z "$failed" ]
