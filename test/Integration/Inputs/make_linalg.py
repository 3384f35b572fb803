"""make_linalg.py MODEL.mlir INPUT.npy EXPECTED.npy: a small network of linalg operations, named ones and generic ones, four inputs, and what it computes of them by numpy.
make_linalg.py --compare OUT.npy EXPECTED.npy: whether the largest difference is below one per cent of the largest value."""
import sys

import numpy as np


def dense(array):
    return f'dense<"0x{np.ascontiguousarray(array, dtype="<f4").tobytes().hex().upper()}">'


def write(model, inputs, expected):
    random = np.random.default_rng(7)
    w1 = random.normal(size=(3, 3, 2, 8)).astype("f4")
    w1[random.random(w1.shape) < 0.5] = 0
    b1 = random.normal(size=8).astype("f4")
    w2 = (random.normal(size=(128, 10)) / 8).astype("f4")
    mean, scale = random.normal(size=10).astype("f4"), random.normal(size=10).astype("f4")
    x = random.random((4, 8, 8, 2)).astype("f4")
    open(model, "w").write(f"""#map = affine_map<(n, h, w, c) -> (n, h, w, c)>
#rows = affine_map<(n, c) -> (n, c)>
#columns = affine_map<(n, c) -> (c)>
func.func @main(%x: tensor<1x8x8x2xf32>) -> tensor<1x10xf32> {{
  %zero = arith.constant 0.0 : f32
  %lowest = arith.constant 0xFF800000 : f32
  %w1 = arith.constant {dense(w1)} : tensor<3x3x2x8xf32>
  %b1 = arith.constant {dense(b1)} : tensor<8xf32>
  %w2 = arith.constant {dense(w2)} : tensor<128x10xf32>
  %mean = arith.constant {dense(mean)} : tensor<10xf32>
  %scale = arith.constant {dense(scale)} : tensor<10xf32>
  %padded = tensor.pad %x low[0, 1, 1, 0] high[0, 1, 1, 0] {{
  ^bb0(%i: index, %j: index, %k: index, %l: index):
    tensor.yield %zero : f32
  }} : tensor<1x8x8x2xf32> to tensor<1x10x10x2xf32>
  %e1 = tensor.empty() : tensor<1x8x8x8xf32>
  %bias = linalg.broadcast ins(%b1 : tensor<8xf32>) outs(%e1 : tensor<1x8x8x8xf32>) dimensions = [0, 1, 2]
  %conv = linalg.conv_2d_nhwc_hwcf {{dilations = dense<1> : tensor<2xi64>, strides = dense<1> : tensor<2xi64>}}
    ins(%padded, %w1 : tensor<1x10x10x2xf32>, tensor<3x3x2x8xf32>) outs(%bias : tensor<1x8x8x8xf32>) -> tensor<1x8x8x8xf32>
  %relu = linalg.generic {{indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}}
    ins(%conv : tensor<1x8x8x8xf32>) outs(%e1 : tensor<1x8x8x8xf32>) {{
  ^bb0(%in: f32, %out: f32):
    %positive = arith.cmpf ugt, %in, %zero : f32
    %larger = arith.select %positive, %in, %zero : f32
    linalg.yield %larger : f32
  }} -> tensor<1x8x8x8xf32>
  %window = tensor.empty() : tensor<2x2xf32>
  %e2 = tensor.empty() : tensor<1x4x4x8xf32>
  %low = linalg.fill ins(%lowest : f32) outs(%e2 : tensor<1x4x4x8xf32>) -> tensor<1x4x4x8xf32>
  %pool = linalg.pooling_nhwc_max {{dilations = dense<1> : tensor<2xi64>, strides = dense<2> : tensor<2xi64>}}
    ins(%relu, %window : tensor<1x8x8x8xf32>, tensor<2x2xf32>) outs(%low : tensor<1x4x4x8xf32>) -> tensor<1x4x4x8xf32>
  %flat = tensor.collapse_shape %pool [[0], [1, 2, 3]] : tensor<1x4x4x8xf32> into tensor<1x128xf32>
  %e3 = tensor.empty() : tensor<1x10xf32>
  %start = linalg.fill ins(%zero : f32) outs(%e3 : tensor<1x10xf32>) -> tensor<1x10xf32>
  %fc = linalg.matmul ins(%flat, %w2 : tensor<1x128xf32>, tensor<128x10xf32>) outs(%start : tensor<1x10xf32>) -> tensor<1x10xf32>
  %norm = linalg.generic {{indexing_maps = [#rows, #columns, #columns, #rows], iterator_types = ["parallel", "parallel"]}}
    ins(%fc, %mean, %scale : tensor<1x10xf32>, tensor<10xf32>, tensor<10xf32>) outs(%e3 : tensor<1x10xf32>) {{
  ^bb0(%in: f32, %m: f32, %s: f32, %out: f32):
    %centred = arith.subf %in, %m : f32
    %scaled = arith.mulf %centred, %s : f32
    linalg.yield %scaled : f32
  }} -> tensor<1x10xf32>
  return %norm : tensor<1x10xf32>
}}
""")
    np.save(inputs, x)
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    conv = sum(np.einsum("nhwc,cm->nhwm", padded[:, r:r + 8, s:s + 8], w1[r, s]) for r in range(3) for s in range(3)) + b1
    pool = np.maximum(conv, 0).reshape(4, 4, 2, 4, 2, 8).max(axis=(2, 4))
    np.save(expected, (pool.reshape(4, 128) @ w2 - mean) * scale)


def compare(out, expected):
    got, want = np.load(out), np.load(expected)
    error = np.abs(got.reshape(want.shape) - want).max() / np.abs(want).max()
    print("close" if error < 0.01 else f"FAR: {error}")


if sys.argv[1] == "--compare":
    compare(*sys.argv[2:])
else:
    write(*sys.argv[1:])
