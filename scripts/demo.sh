#!/bin/sh
# Runs the bundled digits model on three of the shipped machines: accuracy, cycles and energy, each layer compared bit for bit with upstream MLIR.
set -eu
cd "$(dirname "$0")/.."
digits=models/digits
for machine in dadiannao cnvlutin eyeriss; do
  printf '\n=== digits on %s ===\n' "$machine"
  against=""
  [ "$machine" = cnvlutin ] && against="--against dadiannao"
  # shellcheck disable=SC2086 # one or two words
  build/bin/sparse-run $digits/digits.onnx --machine "$machine" $against --numerics int16 --calibrate $digits/digits_calibrate.npz \
    --input $digits/digits_test.npz --labels $digits/digits_test.npz --check --check-images 4 --out "build/demo/$machine"
done
printf '\nPrograms, outputs, statistics and traces are in build/demo; a trace.json opens in https://ui.perfetto.dev.\n'
