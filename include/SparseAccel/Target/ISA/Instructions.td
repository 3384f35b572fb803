//===- Instructions.td - The one source of the accelerator's instruction set -===//
//
// Opcodes, fields, encoder, decoder, disassembler and docs/ISA.md are generated from the JSON dump of this file by scripts/isa_gen.py.
//
//===----------------------------------------------------------------------===//

// Queues that an instruction may run on. Instructions of one queue start and end in program order.
class Queue<string n, int v> { string name = n; int value = v; }
def Load : Queue<"load", 0>;
def Mac : Queue<"mac", 1>;
def Vector : Queue<"vector", 2>;
def Store : Queue<"store", 3>;
def Host : Queue<"host", 4>; // A barrier over all queues.

// Field types. `width` is in bits; `count` > 1 makes an array.
class FieldType<string cpp, int w, int n = 1, string k = "uint"> {
  string cppType = cpp;
  int width = w;
  int count = n;
  string kind = k; // uint | enum | box | operand
}
def U8 : FieldType<"uint8_t", 8>;
def U16 : FieldType<"uint16_t", 16>;
def U32 : FieldType<"uint32_t", 32>;
def U64 : FieldType<"uint64_t", 64>;
def Coord : FieldType<"std::array<uint32_t, 4>", 32, 4>;

class Enum<string n, list<string> c> { string name = n; list<string> cases = c; }
class EnumField<Enum e> : FieldType<e.name, 8, 1, "enum"> { Enum enum = e; }
def AccumulateModeEnum : Enum<"AccumulateMode", ["clear", "bias", "accumulate"]>;
def VectorKindEnum : Enum<"VectorKind", ["rescale", "max_pool", "avg_pool", "add", "sub", "mul", "max", "min", "table", "copy"]>;
def AccumulateMode : EnumField<AccumulateModeEnum>;
def VectorKind : EnumField<VectorKindEnum>;

def OperandRef : FieldType<"Operand", 360, 1, "operand">;

// `value` is what a field holds (in every place of an array) before anything is assigned to it.
class Field<string n, FieldType t, string d, int v = 0> { string name = n; FieldType type = t; string doc = d; int value = v; }

// A box of a tensor that lies in a buffer. Its fields make up the 360 bits of an OperandRef, in this order.
def OperandFields {
  list<Field> fields = [
    Field<"buffer", U8, "Index in the buffer table; 255 where the operand is absent.", 255>,
    Field<"offset", U64, "First byte of the box in the buffer.">,
    Field<"tensor", U32, "Index in the tensor table.">,
    Field<"origin", Coord, "First element of the box, in the tensor's own ranks (up to four, the rest 0).">,
    Field<"extent", Coord, "Elements of the box along each rank (the rest 1).", 1>
  ];
}

class Instruction<string m, int op, Queue q, list<Field> f, string s, string d> {
  string mnemonic = m;
  int opcode = op;
  Queue queue = q;
  list<Field> fields = f;
  string summary = s;
  string description = d;
}

// Fields that every instruction has, in this order, after the opcode byte.
def CommonFields {
  list<Field> fields = [
    Field<"layer", U32, "Index in the layer table of the work that this instruction belongs to.">,
    Field<"waitLoad", U32, "Instructions of the load queue that must have ended before this one starts.">,
    Field<"waitMac", U32, "The same for the mac queue.">,
    Field<"waitVector", U32, "The same for the vector queue.">,
    Field<"waitStore", U32, "The same for the store queue.">
  ];
}

def CONFIGURE : Instruction<"configure", 1, Load, [
    Field<"numerics", U32, "Index in the numerics table: bias, multipliers, shifts, clamps or a look-up table.">
  ], "Fetch a numerics entry from DRAM",
  "Moves the entry's bytes from DRAM to the array and the vector unit. Instructions that name the entry must wait for it.">;

def LOAD : Instruction<"load", 2, Load, [
    Field<"dst", OperandRef, "Where the box goes. origin and extent lie on the tensor's granule grid, or end at its edge.">
  ], "Move a box of granules from DRAM to a buffer",
  "Every granule of the box is fetched by its run-time length, and transcoded from the tensor's DRAM format to its buffer format.">;

def STORE : Instruction<"store", 3, Store, [
    Field<"src", OperandRef, "Where the box lies. origin and extent lie on the tensor's granule grid, or end at its edge.">
  ], "Move a box of granules from a buffer to DRAM",
  "Every granule is transcoded from the tensor's buffer format to its DRAM format, and its length word is written.">;

def CONTRACT : Instruction<"contract", 4, Mac, [
    Field<"n", U32, "Images.", 1>, Field<"g", U32, "Groups.", 1>,
    Field<"m", U32, "Output channels of a group.", 1>, Field<"c", U32, "Input channels of a group.", 1>,
    Field<"p", U32, "Output rows.", 1>, Field<"q", U32, "Output columns.", 1>,
    Field<"r", U32, "Filter rows.", 1>, Field<"s", U32, "Filter columns.", 1>,
    Field<"strideH", U32, "Input rows between output rows.", 1>, Field<"strideW", U32, "Input columns between output columns.", 1>,
    Field<"dilationH", U32, "Input rows between filter rows.", 1>, Field<"dilationW", U32, "Input columns between filter columns.", 1>,
    Field<"padTop", U32, "Rows of zeros above what this tile reads.">, Field<"padBottom", U32, "Rows of zeros below.">,
    Field<"padLeft", U32, "Columns of zeros to the left.">, Field<"padRight", U32, "Columns of zeros to the right.">,
    Field<"a", OperandRef, "Activations [N][H][W][G*C]: the box holds at least the rows, columns and channels that the tile reads.">,
    Field<"aOrigin", Coord, "First element that the tile reads, padding apart, in the tensor's coordinates.">,
    Field<"b", OperandRef, "Weights [G*M][R][S][C], or a second activation.">,
    Field<"bOrigin", Coord, "First element that the tile reads, in the tensor's coordinates.">,
    Field<"o", OperandRef, "Sums [N][P][Q][G*M] of the psum width, addressed in the output tensor's coordinates.">,
    Field<"oOrigin", Coord, "First element that the tile writes, in the output tensor's coordinates.">,
    Field<"mode", AccumulateMode, "What the sums start from: zero, the bias of `numerics`, or what the buffer holds.">,
    Field<"numerics", U32, "Index in the numerics table.">,
    Field<"mapping", U32, "Index in the mapping table.">,
    Field<"safs", U32, "Index in the table of SAF sets.">
  ], "Contract activations with weights into sums",
  "The only MAC instruction. o[n][p][q][g*M+m] += sum over c, r, s of a[n][p*strideH+r*dilationH-padTop][q*strideW+s*dilationW-padLeft][g*C+c] * b[g*M+m][r][s][c]. "
  "Values follow from extents, buffer bytes and numerics alone; mapping and SAFs set cycles and action counts. The array holds no state after it.">;

def VECTOR : Instruction<"vector", 5, Vector, [
    Field<"kind", VectorKind, "What is done.">,
    Field<"r", U32, "Pool window rows, else 1.", 1>, Field<"s", U32, "Pool window columns, else 1.", 1>,
    Field<"strideH", U32, "Input rows between output rows, else 1.", 1>, Field<"strideW", U32, "Input columns between output columns, else 1.", 1>,
    Field<"padTop", U32, "Rows above the a box that windows reach and that do not count.">, Field<"padBottom", U32, "Rows below.">,
    Field<"padLeft", U32, "Columns to the left.">, Field<"padRight", U32, "Columns to the right.">,
    Field<"a", OperandRef, "First operand; sums for rescale after a contraction, else activations.">,
    Field<"b", OperandRef, "Second operand of add, sub, mul, max, min; else buffer 255.">,
    Field<"o", OperandRef, "Result, in the output tensor's buffer format.">,
    Field<"numerics", U32, "Index in the numerics table.">
  ], "Elementwise and window work on the vector unit",
  "rescale turns sums into activations: bias is already in the sums; multiplier, shift, zero point 0, clamp. Pools, elementwise and table work take activations.">;

def HOST : Instruction<"host", 6, Host, [
    Field<"op", U32, "Index in the host-operator table.">
  ], "Run a host operator on tensors in DRAM", "A barrier: starts when everything before it has ended, and everything after it waits.">;

def HALT : Instruction<"halt", 7, Host, [], "End of the program", "The last instruction, and only the last.">;
