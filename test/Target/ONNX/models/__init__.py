"""Small ONNX models by kind of operator: importing this package registers every case."""

from . import convolutions, elementwise, files, folding, folding_integers, movement, products, quantised, reductions, resizing, shapes, transformers, truths  # noqa: F401
