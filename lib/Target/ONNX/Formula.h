//===- Formula.h - Formulas in TOSA's ops -----------------------*- C++ -*-===//

#ifndef SPARSEACCEL_LIB_TARGET_ONNX_FORMULA_H
#define SPARSEACCEL_LIB_TARGET_ONNX_FORMULA_H

#include "Importer.h"

#include "mlir/Dialect/Tosa/IR/TosaOps.h"

namespace sparseaccel::onnx {

/// Ops of one value, and with a number. Short names keep formulas readable.
struct Formula {
  Importer &importer;
  mlir::Location loc;

  mlir::Value number(double value, mlir::Value like) const {
    return importer.splat(static_cast<float>(value), mlir::cast<mlir::RankedTensorType>(like.getType()).getRank(), loc);
  }
  mlir::Value times(mlir::Value x, double factor) const { return importer.mul(x, number(factor, x), loc); }
  mlir::Value plus(mlir::Value x, double addend) const { return importer.add(x, number(addend, x), loc); }
  mlir::Value times(mlir::Value x, mlir::Value y) const { return importer.mul(x, y, loc); }
  mlir::Value plus(mlir::Value x, mlir::Value y) const { return importer.add(x, y, loc); }
  mlir::Value minus(mlir::Value x, mlir::Value y) const {
    return mlir::tosa::SubOp::create(importer.builder, loc, x.getType(), x, y);
  }
  template <typename Op>
  mlir::Value apply(mlir::Value x) const {
    return Op::create(importer.builder, loc, x.getType(), x);
  }
  mlir::Value negate(mlir::Value x) const {
    auto zero = importer.zeroPoint();
    return mlir::tosa::NegateOp::create(importer.builder, loc, x.getType(), x, zero, zero);
  }
  /// TOSA has no square root; the reciprocal of 1/sqrt(0) is 0 again.
  mlir::Value squareRoot(mlir::Value x) const { return apply<mlir::tosa::ReciprocalOp>(apply<mlir::tosa::RsqrtOp>(x)); }
  mlir::Value power(mlir::Value x, double exponent) const {
    if (exponent == 1)
      return x;
    if (exponent == 2)
      return times(x, x);
    if (exponent == 3)
      return times(times(x, x), x);
    if (exponent == 0.5)
      return squareRoot(x);
    return mlir::tosa::PowOp::create(importer.builder, loc, x.getType(), x, number(exponent, x));
  }
};

} // namespace sparseaccel::onnx

#endif // SPARSEACCEL_LIB_TARGET_ONNX_FORMULA_H
