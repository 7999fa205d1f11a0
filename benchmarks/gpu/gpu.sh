#!/usr/bin/env bash
# What a GPU that is lent for a quarter of an hour is to do: docs/results/performance.md, "On a GPU".
#
#   benchmarks/gpu/gpu.sh pack MIRROR WEIGHTS   at home: gather what must be carried, in build/gpu
#   benchmarks/gpu/gpu.sh setup                 there: install wheels, unpack images, prepare them
#   benchmarks/gpu/gpu.sh rate  [--budget S]    there: the table of images a second
#   benchmarks/gpu/gpu.sh rows  [--budget S] [--rows ROW ...] [--set KEY=VALUE ...]
#                                               there: rows of the ISIC 2017 table
#   benchmarks/gpu/gpu.sh all --toy             at home: the whole, small, on a CPU
#
# setup, rate and rows take --toy, and go on where they were stopped as long as WORK is there. Results are written to
# OUT as soon as each is done: six files at most, each under 16 MB.
#
#   OUT      where results go (build/gpu/out)
#   WORK     where data, runs and installed wheels lie (/tmp/attnmel-gpu)
#   PYTHON   the Python that holds torch (python3)
#   TARGET   for pack: the Python version there (3.12)
set -euo pipefail
cd "$(dirname "$0")/../.."

carried=build/gpu
OUT=${OUT:-$carried/out}
WORK=${WORK:-/tmp/attnmel-gpu}
PYTHON=${PYTHON:-python3}
TARGET=${TARGET:-3.12}
# What a machine with PyTorch is likely to lack, in the versions that are installed here.
wheels=(pydantic pydantic-core annotated-types typing-inspection typing-extensions tomli-w platformdirs
  lightning-fabric lightning-utilities jaxtyping wadler-lindig)

usage() {
  sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' benchmarks/gpu/gpu.sh
}

fail() {
  echo "gpu.sh: $1" >&2
  exit 2
}

pack() {
  [ $# -eq 2 ] || fail "pack takes a mirror's folder and the weights' file"
  local mirror=$1 weights=$2 masks=2018/ISIC2018_Task2_Training_GroundTruth_v3.zip
  [ -d "$mirror/2017" ] || fail "$mirror holds no folder 2017 with the files of ISIC 2017"
  [ -f "$weights" ] || fail "there is no $weights"
  rm -rf "$carried/wheels" "$carried/data" "$carried/masks" "$carried/weights"
  mkdir -p "$carried/wheels" "$carried/data/2017" "$carried/masks/2018" "$carried/weights"
  cp "$mirror"/2017/* "$carried/data/2017/"
  [ ! -f "$mirror/$masks" ] || cp "$mirror/$masks" "$carried/masks/2018/"
  cp "$weights" "$carried/weights/"
  local pinned
  pinned=$("$PYTHON" -c 'import sys
from importlib.metadata import version
print(*(f"{name}=={version(name)}" for name in sys.argv[1:]))' "${wheels[@]}")
  # shellcheck disable=SC2086 # words of the list
  "$PYTHON" -m pip download -q --no-deps --only-binary=:all: --python-version "$TARGET" --implementation cp \
    --platform manylinux_2_28_x86_64 --platform manylinux_2_17_x86_64 --platform manylinux2014_x86_64 \
    -d "$carried/wheels" $pinned
  du -sm "$carried"/{wheels,data,masks,weights} | sed 's/\t/ MB  /'
}

use_packages() {
  # A rehearsal's runs and figures never mix with real ones.
  case " $* " in *" --toy "*) WORK=$WORK/toy OUT=$OUT/toy ;; esac
  mkdir -p "$OUT" "$WORK"
  export PYTHONPATH="$WORK/site:$PWD/src" PYTHONUNBUFFERED=1
}

install() {
  local found=("$carried"/wheels/*.whl)
  if [ -f "${found[0]}" ] && [ ! -d "$WORK/site" ]; then
    # Moved when whole, so that a stop leaves nothing half installed.
    rm -rf "$WORK/site.part"
    "$PYTHON" -m pip install -q --no-index --no-deps --no-compile --target "$WORK/site.part" "${found[@]}"
    mv "$WORK/site.part" "$WORK/site"
  fi
}

check() {
  "$PYTHON" benchmarks/gpu/gpu_check.py | tee "$OUT/machine.txt"
}

setup() {
  [ "${1:-}" = --toy ] || install
  check
  "$PYTHON" benchmarks/gpu/gpu_setup.py --home "$WORK/home" --data "$carried/data" --masks "$carried/masks" "$@"
}

rate() {
  check
  # Lines of an earlier call on this machine: its groups are not measured twice.
  [ ! -f "$WORK/rate.jsonl" ] || [ -f "$OUT/rate.jsonl" ] || cp "$WORK/rate.jsonl" "$OUT/"
  "$PYTHON" benchmarks/gpu/gpu_rate.py --out "$OUT" "$@"
  cp "$OUT/rate.jsonl" "$WORK/"
  cat "$OUT/rate.md"
}

rows() {
  check
  local found=("$carried"/weights/*)
  local given=()
  [ ! -f "${found[0]}" ] || given=(--weights "${found[0]}")
  "$PYTHON" benchmarks/gpu/gpu_rows.py --work "$WORK" --out "$OUT" "${given[@]}" "$@"
  sed -n '1,/^## /{/^## /!p}' "$OUT/rows.md"
}

stage=${1:-}
[ $# -eq 0 ] || shift
case $stage in
  pack) pack "$@" ;;
  setup | rate | rows)
    use_packages "$@"
    "$stage" "$@"
    ;;
  all)
    use_packages "$@"
    setup "$@"
    rate "$@"
    rows "$@"
    ;;
  *)
    usage
    exit 2
    ;;
esac
