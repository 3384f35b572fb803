"""Random ONNX models, their values by NumPy and by ONNX Runtime, and what is wrong with those of SparseAccel: see scripts/fuzz_models.py."""
