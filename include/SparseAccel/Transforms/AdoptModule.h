//===- AdoptModule.h - Modules as other compilers write them ----*- C++ -*-===//

#ifndef SPARSEACCEL_TRANSFORMS_ADOPTMODULE_H
#define SPARSEACCEL_TRANSFORMS_ADOPTMODULE_H

#include "mlir/IR/BuiltinOps.h"

namespace sparseaccel {

/// Makes the module's model its `@main`: where there is none, the only public function with a body takes that name,
/// whatever it was called. Globals of `ml_program` that nothing reads go. An error names the functions between which
/// nothing decides, or the global that is read: a model has no state.
mlir::LogicalResult adoptModule(mlir::ModuleOp module);

} // namespace sparseaccel

#endif // SPARSEACCEL_TRANSFORMS_ADOPTMODULE_H
