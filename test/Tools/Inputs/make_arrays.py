"""Writes small arrays, matrices and a model of one input [1, 4] into the current folder."""
import numpy as np

dense = np.zeros((4, 8), np.int64)
dense[0, 1], dense[2, 7], dense[3, 0] = 5, -3, 127
rows, columns = np.nonzero(dense)
with open("m.mtx", "w") as file:
    print("%%MatrixMarket matrix coordinate integer general\n%\n4 8 3", file=file)
    for row, column in zip(rows, columns):
        print(row + 1, column + 1, dense[row, column], file=file)
with open("outside.mtx", "w") as file:
    print("%%MatrixMarket matrix coordinate pattern general\n4 8 1\n5 1", file=file)
common = dict(shape=np.array(dense.shape), data=dense[rows, columns].astype(np.float64))
np.savez_compressed("csr.npz", format=b"csr", indices=columns.astype(np.int32), indptr=np.searchsorted(rows, np.arange(5)).astype(np.int32), **common)
np.savez("coo.npz", format=b"coo", row=rows.astype(np.int32), col=columns.astype(np.int32), **common)
np.savez("empty.npz", none=np.zeros((0, 3), np.float32), w=np.array([[0, 1], [0, 0]], np.int8))
open("masks.yaml", "w").write("""name: masks
numerics: int8
seed: 1
layers:
  - {name: one, kind: fc, c: 8, m: 4, weights: {mask: m.mtx}}
  - {name: two, kind: fc, c: 8, m: 4, weights: {mask: csr.npz}}
  - each: m.mtx
""")

x = np.array([[1, 0, 2, 7], [0, 0, 3, 4]])
for kind in ("float32", "float16", "uint32", "uint64"):
    np.save(kind + ".npy", x.astype(kind))
np.save("bfloat16.npy", x.astype("V2"))
with open("input.mtx", "w") as file:
    print("%%MatrixMarket matrix array real general\n2 4", file=file)
    print("\n".join(str(value) for value in x.T.flatten()), file=file)
values = ", ".join("[[[%s]]]" % ", ".join(str(float(v)) for v in row) for row in np.random.default_rng(1).integers(-3, 4, (3, 4)))
open("model.mlir", "w").write(f"""func.func @main(%x: tensor<1x4xf32>) -> tensor<1x3xf32> {{
  %w = "tosa.const"() <{{values = dense<[{values}]> : tensor<3x1x1x4xf32>}}> : () -> tensor<3x1x1x4xf32>
  %b = "tosa.const"() <{{values = dense<0.0> : tensor<3xf32>}}> : () -> tensor<3xf32>
  %z = "tosa.const"() <{{values = dense<0.0> : tensor<1xf32>}}> : () -> tensor<1xf32>
  %in = tosa.const_shape {{values = dense<[1, 1, 1, 4]> : tensor<4xindex>}} : () -> !tosa.shape<4>
  %out = tosa.const_shape {{values = dense<[1, 3]> : tensor<2xindex>}} : () -> !tosa.shape<2>
  %0 = tosa.reshape %x, %in : (tensor<1x4xf32>, !tosa.shape<4>) -> tensor<1x1x1x4xf32>
  %1 = tosa.conv2d %0, %w, %b, %z, %z {{acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>}} : (tensor<1x1x1x4xf32>, tensor<3x1x1x4xf32>, tensor<3xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x1x1x3xf32>
  %2 = tosa.reshape %1, %out : (tensor<1x1x1x3xf32>, !tosa.shape<2>) -> tensor<1x3xf32>
  return %2 : tensor<1x3xf32>
}}
""")
