#!/bin/sh
# Installs what building and testing need, from Debian 12's own packages. Does nothing where they are there already.
#   scripts/install-deps.sh          build, demo and tests
#   scripts/install-deps.sh fuzz     the fuzz targets as well (clang)
#   scripts/install-deps.sh ort      ONNX Runtime for Node.js into build/ort, where npm is there: a reference for random models, in tests alone
set -eu

packages="cmake ninja-build ccache g++ python3 libmlir-22-dev mlir-22-tools llvm-22-dev llvm-22-tools llvm-22
  libabsl-dev libyaml-cpp-dev nlohmann-json3-dev zlib1g-dev libonnx-dev libprotobuf-dev protobuf-compiler
  libgtest-dev libgmock-dev libbenchmark-dev libdnnl-dev python3-numpy python3-onnx python3-yaml"
case "${1:-}" in
  ort)
    folder=$(dirname "$0")/../build/ort
    [ ! -e "$folder/node_modules/onnxruntime-node/package.json" ] || exit 0
    command -v npm >/dev/null || { echo "no npm: random models are held against NumPy, without ONNX Runtime" >&2; exit 0; }
    mkdir -p "$folder"
    timeout 180 npm install --ignore-scripts --no-audit --no-fund --fetch-retries=1 --prefix "$folder" onnxruntime-node@1.30.0 >&2 ||
      echo "npm cannot install onnxruntime-node: random models are held against NumPy, without ONNX Runtime" >&2
    exit 0 ;;
  fuzz) packages="$packages clang-22 libclang-rt-22-dev" ;;
  "") ;;
  *) echo "usage: $0 [fuzz|ort]" >&2; exit 2 ;;
esac

missing=""
for package in $packages; do
  status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

echo "Installing:$missing"
root=""
[ "$(id -u)" -eq 0 ] || root=sudo
$root apt-get update -q
# shellcheck disable=SC2086 # the list is words
$root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing
