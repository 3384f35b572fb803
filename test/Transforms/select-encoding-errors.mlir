// RUN: not sparse-opt %s --sparse-select-encoding 2>&1 | FileCheck %s --check-prefix=NONE
// RUN: not sparse-opt %s --sparse-select-encoding=machine=eyeris 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// RUN: not sparse-opt %s --sparse-select-encoding="machine=eyeriss relu-density=2" 2>&1 | FileCheck %s --check-prefix=DENSITY
// RUN: not sparse-opt %s --sparse-select-safs=machine=eyeris 2>&1 | FileCheck %s --check-prefix=UNKNOWN

// NONE: error: no machine: give one with machine=NAME or machine=FILE
// UNKNOWN: error: {{.*}}eyeris{{.*}}eyeriss
// DENSITY: error: relu-density must be 0 to 1
func.func @main() {
  return
}
