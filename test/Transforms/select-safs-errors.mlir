// What cannot be asked of a machine is an error that says which.
// RUN: not sparse-opt %s --sparse-select-safs="machine=eyeriss saf='skip a at compute if a'" 2>&1 | FileCheck %s --check-prefix=LACKS
// RUN: not sparse-opt %s --sparse-select-safs="machine=eyeriss saf='gate b at filter_sapd if a'" 2>&1 | FileCheck %s --check-prefix=LEVEL
// RUN: not sparse-opt %s --sparse-select-safs="machine=eyeriss saf='gat b at filter_spad if a'" 2>&1 | FileCheck %s --check-prefix=ACTION
// RUN: not sparse-opt %s --sparse-select-safs="machine=dadiannao saf='+format a at dram'" 2>&1 | FileCheck %s --check-prefix=FORMAT
// RUN: not sparse-opt %s --sparse-select-encoding="machine=eyeriss saf='format a at glb'" 2>&1 | FileCheck %s --check-prefix=BUFFER

// LACKS: error: saf: 'skip a at compute if a': machine 'eyeriss' does not offer it; it offers: gate a at compute if a; gate b at filter_spad if a
// LEVEL: error: saf: 'gate b at filter_sapd if a': machine 'eyeriss' has no level 'filter_sapd'; did you mean 'filter_spad'?
// ACTION: error: saf: 'gat b at filter_spad if a': unknown action 'gat'; did you mean 'gate'?
// FORMAT: error: saf: '+format a at dram': machine 'dadiannao' does not take 'a' compressed there; it takes: dense
// BUFFER: error: saf: 'format a at glb': what lies in a buffer has the format that the hardware has; only formats in dram are chosen
func.func @main() {
  return
}
