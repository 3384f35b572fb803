"""Commands for sparse-run --serve on the digits of the folder argv[1]."""
import json
import sys

folder = sys.argv[1]
common = [f"{folder}/digits.onnx", "--calibrate", f"{folder}/digits_calibrate.npz", "--input", f"{folder}/digits_test.npz", "--images", "1",
          "--numerics", "int8", "--no-guard"]
first = common + ["--machine", "cnvlutin"]
for command in (first, common, common + ["--machine", "dadiannoa"], first):
    print(json.dumps(command))
