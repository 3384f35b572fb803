#!/usr/bin/env python3
"""Generates the instruction set from `llvm-tblgen --dump-json Instructions.td`.

  Instructions.h        enumerations, one struct per instruction, and `forEachField`, which names every field once
  Instructions.cpp.inc  names, encoded sizes and the table that the decoder reads
  ISA.md                the reference of the instructions and their encoding

Nothing outside of Instructions.td lists an opcode or a field.
"""

import argparse
import json
import os
import re

BANNER = "Generated from Instructions.td by scripts/isa_gen.py. Do not edit."


def camel(text):
    return "".join(part[:1].upper() + part[1:] for part in text.split("_"))


class Source:
    """The records of the dump, with references resolved."""

    def __init__(self, dump):
        self.dump = dump
        kinds = dump["!instanceof"]
        self.queues = sorted((self.dump[n] for n in kinds["Queue"]), key=lambda q: q["value"])
        self.enums = sorted((self.dump[n] for n in kinds["Enum"]), key=lambda e: e["name"])
        self.common = self.fields(dump["CommonFields"])
        self.operand = self.fields(dump["OperandFields"])
        self.instructions = sorted((self.dump[n] for n in kinds["Instruction"]), key=lambda i: i["opcode"])
        self.check()

    def ref(self, value):
        return self.dump[value["def"]]

    def fields(self, record):
        return [self.dump[f["def"]] for f in record["fields"]]

    def bits(self, field):
        type_ = self.ref(field["type"])
        return type_["width"] * type_["count"]

    def check(self):
        opcodes = [i["opcode"] for i in self.instructions]
        if len(set(opcodes)) != len(opcodes) or not all(0 < o < 256 for o in opcodes):
            raise SystemExit("isa_gen: opcodes must be distinct and lie in [1, 255]")
        operand_bits = sum(self.bits(f) for f in self.operand)
        if operand_bits != self.dump["OperandRef"]["width"]:
            raise SystemExit(f"isa_gen: OperandRef says {self.dump['OperandRef']['width']} bits, its fields have {operand_bits}")
        for field in self.common + self.operand + [f for i in self.instructions for f in self.fields(i)]:
            if not field["doc"]:
                raise SystemExit(f"isa_gen: field '{field['name']}' has no description")
            if self.ref(field["type"])["width"] % 8:
                raise SystemExit(f"isa_gen: field '{field['name']}' is not a whole number of bytes")

    def initializer(self, field):
        type_, value = self.ref(field["type"]), field["value"]
        if type_["kind"] == "enum":
            return " = " + type_["cppType"] + "::" + camel(self.ref(type_["enum"])["cases"][value])
        if type_["kind"] == "operand":
            return ""
        if type_["count"] > 1:
            return "{" + ", ".join([str(value)] * type_["count"]) + "}" if value else "{}"
        return f" = {value}"

    def cpp_type(self, field):
        type_ = self.ref(field["type"])
        return "Coord" if type_["count"] > 1 else type_["cppType"]

    def instruction_bytes(self, instruction):
        return 1 + sum(self.bits(f) for f in self.common + self.fields(instruction)) // 8


def members(source, fields):
    return [f"  {source.cpp_type(f)} {f['name']}{source.initializer(f)}; ///< {f['doc']}" for f in fields]


def header(source):
    names = [i["mnemonic"] for i in source.instructions]
    out = [
        f"// {BANNER}",
        "",
        "#ifndef SPARSEACCEL_TARGET_ISA_INSTRUCTIONS_H",
        "#define SPARSEACCEL_TARGET_ISA_INSTRUCTIONS_H",
        "",
        "#include <array>",
        "#include <cstdint>",
        "#include <optional>",
        "#include <utility>",
        "#include <variant>",
        "",
        "namespace sparseaccel::isa {",
        "",
        "enum class Opcode : uint8_t { "
        + ", ".join(f"{camel(i['mnemonic'])} = {i['opcode']}" for i in source.instructions)
        + " };",
        "enum class Queue : uint8_t { " + ", ".join(camel(q["name"]) for q in source.queues) + " };",
        f"inline constexpr unsigned kNumQueues = {len(source.queues)};",
    ]
    for enum in source.enums:
        out.append(f"enum class {enum['name']} : uint8_t {{ " + ", ".join(camel(c) for c in enum["cases"]) + " };")
    out += ["", "/// Names as the disassembler prints them.", "const char *toString(Opcode opcode);", "const char *toString(Queue queue);"]
    out += [f"const char *toString({e['name']} value);" for e in source.enums]
    out += ["/// Whether a byte that was read is one of the enumeration's values."]
    out += ["bool isValid(Opcode opcode);"]
    out += [f"bool isValid({e['name']} value);" for e in source.enums]
    out += [
        "",
        "using Coord = std::array<uint32_t, 4>;",
        "",
        "/// A box of a tensor that lies in a buffer.",
        "struct Operand {",
        *members(source, source.operand),
        "  bool operator==(const Operand &) const = default;",
        "};",
        "",
        "struct CommonFields {",
        *members(source, source.common),
        "  bool operator==(const CommonFields &) const = default;",
        "};",
    ]
    for inst in source.instructions:
        queue = source.ref(inst["queue"])
        out += [
            "",
            f"/// {inst['summary']}. {inst['description']}",
            f"struct {camel(inst['mnemonic'])} : CommonFields {{",
            f"  static constexpr Opcode kOpcode = Opcode::{camel(inst['mnemonic'])};",
            f"  static constexpr Queue kQueue = Queue::{camel(queue['name'])};",
            *members(source, source.fields(inst)),
            f"  bool operator==(const {camel(inst['mnemonic'])} &) const = default;",
            "};",
        ]
    out += [
        "",
        "using Instruction = std::variant<" + ", ".join(camel(n) for n in names) + ">;",
        "",
        "inline Opcode opcodeOf(const Instruction &inst) {",
        "  return std::visit([](const auto &i) { return std::decay_t<decltype(i)>::kOpcode; }, inst);",
        "}",
        "inline Queue queueOf(const Instruction &inst) {",
        "  return std::visit([](const auto &i) { return std::decay_t<decltype(i)>::kQueue; }, inst);",
        "}",
        "inline CommonFields &common(Instruction &inst) {",
        "  return std::visit([](auto &i) -> CommonFields & { return i; }, inst);",
        "}",
        "inline const CommonFields &common(const Instruction &inst) {",
        "  return std::visit([](const auto &i) -> const CommonFields & { return i; }, inst);",
        "}",
        "/// An instruction of this opcode with every field at its initial value, or nothing where there is no such opcode.",
        "std::optional<Instruction> makeInstruction(Opcode opcode);",
        "/// Bytes of the encoded instruction, the opcode included; 0 where there is no such opcode.",
        "unsigned encodedBytes(Opcode opcode);",
        "",
        "/// Calls `f(name, field)` for every field in the order in which they are encoded. One overload per record; `f` gets references.",
    ]

    def visitor(name, fields, base=None):
        body = [f"  forEachField(static_cast<{base}>(record), f);"] if base else []
        body += [f'  f("{field["name"]}", record.{field["name"]});' for field in fields]
        return body

    for const in ("", "const "):
        for name, fields in (("Operand", source.operand), ("CommonFields", source.common)):
            out += ["template <typename F>", f"void forEachField({const}{name} &record, F &&f) {{", *visitor(name, fields), "}"]
        for inst in source.instructions:
            base = f"{const}CommonFields &"
            out += [
                "template <typename F>",
                f"void forEachField({const}{camel(inst['mnemonic'])} &record, F &&f) {{",
                *visitor(inst["mnemonic"], source.fields(inst), base),
                "}",
            ]
    out += ["", "} // namespace sparseaccel::isa", "", "#endif // SPARSEACCEL_TARGET_ISA_INSTRUCTIONS_H", ""]
    return "\n".join(out)


def names_function(enum, cases):
    return [
        f"const char *toString({enum} value) {{",
        "  switch (value) {",
        *[f"  case {enum}::{camel(c)}:\n    return \"{c}\";" for c in cases],
        "  }",
        '  return "?";',
        "}",
    ]


def valid_function(enum, cases):
    return [
        f"bool isValid({enum} value) {{",
        "  switch (value) {",
        *[f"  case {enum}::{camel(c)}:" for c in cases],
        "    return true;",
        "  }",
        "  return false;",
        "}",
    ]


def source_file(source):
    opcodes = [i["mnemonic"] for i in source.instructions]
    out = [f"// {BANNER}", ""]
    out += names_function("Opcode", opcodes) + valid_function("Opcode", opcodes)
    out += names_function("Queue", [q["name"] for q in source.queues])
    for enum in source.enums:
        out += names_function(enum["name"], enum["cases"]) + valid_function(enum["name"], enum["cases"])
    out += ["std::optional<Instruction> makeInstruction(Opcode opcode) {", "  switch (opcode) {"]
    out += [f"  case Opcode::{camel(o)}:\n    return {camel(o)}{{}};" for o in opcodes]
    out += ["  }", "  return std::nullopt;", "}"]
    out += ["unsigned encodedBytes(Opcode opcode) {", "  switch (opcode) {"]
    out += [f"  case Opcode::{camel(i['mnemonic'])}:\n    return {source.instruction_bytes(i)};" for i in source.instructions]
    out += ["  }", "  return 0;", "}", ""]
    return "\n".join(out)


def doc_type(source, field):
    type_ = source.ref(field["type"])
    if type_["kind"] == "enum":
        cases = source.ref(type_["enum"])["cases"]
        return "u8: " + ", ".join(f"{i} `{c}`" for i, c in enumerate(cases))
    if type_["kind"] == "operand":
        return "operand"
    text = f"u{type_['width']}"
    return f"{text}[{type_['count']}]" if type_["count"] > 1 else text


def field_table(source, fields, offset):
    out = ["| offset | bytes | field | type | meaning |", "|---|---|---|---|---|"]
    for field in fields:
        size = source.bits(field) // 8
        out.append(f"| {offset} | {size} | `{field['name']}` | {doc_type(source, field)} | {field['doc']} |")
        offset += size
    return out


def document(source, preface, epilogue):
    common_bytes = 1 + sum(source.bits(f) for f in source.common) // 8
    out = [
        "<!-- Generated from Instructions.td, Program.h and docs/ISA.in.md by scripts/isa_gen.py. Do not edit. -->",
        "",
        preface.rstrip(),
        "",
        "## Encoding",
        "",
        "An instruction is its opcode byte, the common fields, and its own fields, each little-endian and without padding between them. Offsets below are in bytes "
        "from the opcode. Instructions follow one another without alignment.",
        "",
        "| opcode | mnemonic | queue | bytes | |",
        "|---|---|---|---|---|",
    ]
    for inst in source.instructions:
        queue = source.ref(inst["queue"])["name"]
        out.append(
            f"| {inst['opcode']} | [`{inst['mnemonic']}`](#{inst['mnemonic']}) | {queue} | {source.instruction_bytes(inst)} | {inst['summary']} |"
        )
    out += ["", "### Common fields", "", *field_table(source, source.common, 1)]
    out += ["", "### Operand", "", "A box of a tensor that lies in a buffer; offsets are from the operand's first byte.", ""]
    out += field_table(source, source.operand, 0)
    out += ["", "## Instructions"]
    for inst in source.instructions:
        out += ["", f"### {inst['mnemonic']}", "", f"{inst['summary']}. {inst['description']}"]
        if source.fields(inst):
            out += ["", *field_table(source, source.fields(inst), common_bytes)]
        else:
            out += ["", "No fields of its own."]
    out += ["", epilogue.rstrip(), ""]
    return "\n".join(out)


def host_operators(path):
    """The table of host operators, from the documented cases of HostKind in Program.h."""
    with open(path, encoding="utf-8") as file:
        body = re.search(r"enum class HostKind : uint8_t \{(.*?)\};", file.read(), re.S).group(1)
    rows = []
    for line in body.splitlines():
        case = re.match(r"\s*(\w+),?\s*(?:///< (.*))?$", line)
        if case:
            rows.append([len(rows), case.group(1), case.group(2) or ""])
        elif rows and line.strip().startswith("///<"):
            rows[-1][2] += " " + line.strip()[4:].strip()
    for row in rows:
        if not row[2]:
            raise SystemExit(f"isa_gen: host operator '{row[1]}' has no description")
    out = ["| number | name | arguments and meaning |", "|---|---|---|"]
    for number, case, doc in rows:
        name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", case).lower().replace("mat_mul", "matmul")
        out.append(f"| {number} | `{name}` | {doc} |")
    return "\n".join(out)


def write_if_changed(path, text):
    """Leaves the file alone where it holds this text already, so that nothing is rebuilt for a change of a comment."""
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    try:
        with open(path, encoding="utf-8") as file:
            if file.read() == text:
                return
    except FileNotFoundError:
        pass
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dump", help="JSON dump of Instructions.td")
    parser.add_argument("--header", required=True)
    parser.add_argument("--source", required=True)
    parser.add_argument("--doc", required=True)
    parser.add_argument("--program-header", help="Program.h, whose HostKind replaces the line '<!-- host operators -->' of the text")
    parser.add_argument("--doc-text", help="Markdown with the parts of ISA.md that are written by hand, divided by a line of '<!-- instructions -->'")
    args = parser.parse_args()
    with open(args.dump, encoding="utf-8") as file:
        source = Source(json.load(file))
    preface, epilogue = "# Instruction set", ""
    if args.doc_text:
        with open(args.doc_text, encoding="utf-8") as file:
            preface, _, epilogue = file.read().partition("<!-- instructions -->\n")
        if args.program_header:
            epilogue = epilogue.replace("<!-- host operators -->", host_operators(args.program_header))
    write_if_changed(args.header, header(source))
    write_if_changed(args.source, source_file(source))
    write_if_changed(args.doc, document(source, preface, epilogue))


if __name__ == "__main__":
    main()
