"""Writes two.mlir, a product of %arg0 with weights that are written sparsely, plus %arg1, and its inputs and results by NumPy."""
import numpy as np

rng = np.random.default_rng(5)
a, b = rng.uniform(-1, 1, (6, 4)).astype(np.float32), rng.uniform(-1, 1, (6, 3)).astype(np.float32)
weights = np.zeros((3, 4), np.float32)
places = [(0, 1), (1, 3), (2, 0), (2, 2)]
values = [0.5, -0.75, 0.25, 1.0]
for place, value in zip(places, values):
    weights[place] = value
np.savez("names.npz", arg1=b, arg0=a)
np.savez("places.npz", a, b)
np.savez("wrong.npz", a=a, b=b)
np.save("expected.npy", a @ weights.T + b)
sparse = "sparse<[%s], [%s]>" % (", ".join("[%d, 0, 0, %d]" % place for place in places), ", ".join(map(str, values)))
text = """func.func @main(%arg0: tensor<1x4xf32>, %arg1: tensor<1x3xf32>) -> tensor<1x3xf32> {
  %w = "tosa.const"() <{values = WEIGHTS : tensor<3x1x1x4xf32>}> : () -> tensor<3x1x1x4xf32>
  %bias = "tosa.const"() <{values = dense<0.0> : tensor<3xf32>}> : () -> tensor<3xf32>
  %z = "tosa.const"() <{values = dense<0.0> : tensor<1xf32>}> : () -> tensor<1xf32>
  %in = tosa.const_shape {values = dense<[1, 1, 1, 4]> : tensor<4xindex>} : () -> !tosa.shape<4>
  %out = tosa.const_shape {values = dense<[1, 3]> : tensor<2xindex>} : () -> !tosa.shape<2>
  %0 = tosa.reshape %arg0, %in : (tensor<1x4xf32>, !tosa.shape<4>) -> tensor<1x1x1x4xf32>
  %1 = tosa.conv2d %0, %w, %bias, %z, %z {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>} : (tensor<1x1x1x4xf32>, tensor<3x1x1x4xf32>, tensor<3xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x1x1x3xf32>
  %2 = tosa.reshape %1, %out : (tensor<1x1x1x3xf32>, !tosa.shape<2>) -> tensor<1x3xf32>
  %3 = tosa.add %2, %arg1 : (tensor<1x3xf32>, tensor<1x3xf32>) -> tensor<1x3xf32>
  return %3 : tensor<1x3xf32>
}
"""
open("two.mlir", "w").write(text.replace("WEIGHTS", sparse))
