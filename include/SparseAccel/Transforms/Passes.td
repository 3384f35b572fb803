//===- Passes.td - The compiler's passes -----------------*- tablegen -*-===//
//
// One def a pass: `sparse-do-this` = def DoThis = lib/Transforms/DoThis.cpp = test/Transforms/do-this.mlir. Every pass has a summary, a description with an
// example that its test runs, options, and its dependent dialects.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_TRANSFORMS_PASSES
#define SPARSEACCEL_TRANSFORMS_PASSES

include "mlir/Pass/PassBase.td"

#endif // SPARSEACCEL_TRANSFORMS_PASSES
