// What the search says of itself: its objective, the estimates, how it ended and how far above its lower bound.
// RUN: sparse-opt %s --sparse-schedule=machine=dadiannao --remarks-filter=sparse-schedule --remark-format=emitRemark -o %t.latency 2>&1 | FileCheck %s --check-prefix=LATENCY
// RUN: sparse-opt %s --sparse-schedule="machine=eyeriss objective=edp" --remarks-filter=sparse-schedule --remark-format=emitRemark -o %t.edp 2>&1 | FileCheck %s --check-prefix=EDP
// RUN: sparse-opt %s --sparse-schedule="machine=eyeriss search-budget=0" --remarks-filter=sparse-schedule --remark-format=emitRemark -o %t.budget 2>&1 | FileCheck %s --check-prefix=BUDGET
// RUN: sparse-opt %s --sparse-schedule="machine=eyeriss objective=edp" | cmp - %t.edp
// RUN: sparse-opt %t.edp --sparse-schedule=machine=eyeriss --remarks-filter=sparse-schedule --remark-format=emitRemark -o %t.again 2>&1 | FileCheck %s --check-prefix=GIVEN
// RUN: cmp %t.edp %t.again

// LATENCY: layer 'conv1', objective latency: estimated {{[0-9]+}} cycles (array {{[0-9]+}}, DRAM {{[0-9]+}}), {{[0-9]+}} bytes from and to DRAM, energy {{[0-9.e+]+}}; the search ended
// LATENCY-SAME: {{at the lower bound|with nothing left to try|with the budget}} after {{[0-9]+}} estimates, {{[0-9]+}} tilings pruned, {{[0-9.]+}}% above the bound
// EDP: layer 'conv1', objective edp: estimated
// BUDGET: the search ended {{with the budget|at the lower bound}} after
// GIVEN: layer 'conv1', objective latency: estimated {{.*}}; the mapping was given
module attributes {sparsity.numerics = "int16"} {
  func.func @main(%x: tensor<1x27x27x96xi16> {sparsity.name = "x"}) -> tensor<1x27x27x256xi16> {
    %w = "tosa.const"() <{values = dense<1> : tensor<256x5x5x48xi16>}> : () -> tensor<256x5x5x48xi16>
    %a = accel.contraction conv %x, %w strides [1, 1] pads [2, 2, 2, 2] dilations [1, 1] groups 2
        numerics <clamp = [0, 32767], multiplier = [16384], shift = [38], narrow> layer "conv1" value "conv1"
        : (tensor<1x27x27x96xi16>, tensor<256x5x5x48xi16>) -> tensor<1x27x27x256xi16>
    return %a : tensor<1x27x27x256xi16>
  }
}
