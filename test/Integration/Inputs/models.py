"""Runs every real model on one machine in both numerics with --check: models.py SHARED MACHINE FOLDER. Needs numpy.

Prints a line for each run that fails or is not bit-identical, and at the end `N runs, N failed`."""
import pathlib
import subprocess
import sys

MODELS = [  # file below the shared data, the name by which prepare.py knows its inputs
    ("lenet_dns/lenet5_sparse.onnx", "lenet"),
    ("mlperf_tiny/ad_fc_autoencoder_fp32.onnx", "ad"),
    ("mlperf_tiny/ic_resnet8_fp32.onnx", "resnet8"),
    ("mlperf_tiny/kws_dscnn_fp32.onnx", "kws"),
    ("mlperf_tiny/vww_mobilenet_v1_025_fp32.onnx", "vww"),
    ("resnet20_cifar/resnet20_unstructured90.onnx", "resnet20"),
    ("resnet20_cifar/resnet20_2to4.onnx", "resnet20"),
    ("kwt1/kwt1_fp32.onnx", "kwt1"),
    ("mobilenet_v2_int8/mobilenet_v2_1.0_224_dqw.onnx", "mobilenet_v2"),
    ("squeezenet_dc/squeezenet_v1.0_dc.onnx", "squeezenet"),
]

shared, machine, folder = pathlib.Path(sys.argv[1]), sys.argv[2], pathlib.Path(sys.argv[3])
folder.mkdir(parents=True, exist_ok=True)
runs = failed = 0
for path, inputs in MODELS:
    arrays = folder / f"{inputs}.npz"
    subprocess.run([sys.executable, str(pathlib.Path(__file__).with_name("prepare.py")), str(shared), inputs, str(arrays), "4"], check=True)
    for numerics in ("int16", "int8"):
        done = subprocess.run(["sparse-run", str(shared / path), "--machine", machine, "--numerics", numerics, "--calibrate", str(arrays),
                               "--input", str(arrays), "--check", "--check-images", "1"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        runs += 1
        if done.returncode or "bit-identical to upstream's lowering" not in done.stdout:
            failed += 1
            error = next((line for line in done.stderr.splitlines() if "error" in line), "no check")
            print(f"{path} in {numerics}: exit code {done.returncode}: {error}")
print(f"{runs} runs, {failed} failed")
