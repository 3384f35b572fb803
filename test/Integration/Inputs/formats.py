"""Figures of real weights under every format: formats.py DOCS.md SQUEEZENET.json DLMC.json... compares them with the tables of docs/formats.md, and holds
Huffman codes to the entropy; without DOCS.md ('-') it prints the tables. The JSON files are what sparse-formats writes."""
import json
import pathlib
import sys

HUFFMAN = "bitmask + huffman"


def load(path):
    tensors = json.loads(pathlib.Path(path).read_text())["tensors"]
    assert tensors, f"{path} has no tensor"
    return tensors


def checkHuffman(path, tensors):
    """Of every tensor: codes of nonzeros take at least their entropy, and less than a bit a symbol more."""
    for tensor in tensors:
        bits = next(entry["data_bits"] for entry in tensor["formats"] if entry["format"] == HUFFMAN)
        least, symbols = tensor["bound_value_bits"], tensor["nonzeros"]
        assert least - 1e-6 * least <= bits <= least + symbols, (
            f"{path}: '{tensor['name']}' takes {bits} bits in Huffman codes, expected {least} to {least + symbols}")
    return len(tensors)


def totals(tensors):
    """Bits of values and metadata by format, of those that hold every tensor, and the bound's."""
    bound = sum(t["bound_value_bits"] + t["bound_position_bits"] for t in tensors)
    sums = {}
    for tensor in tensors:
        for entry in tensor["formats"]:
            data, metadata, count = sums.get(entry["format"], (0, 0, 0))
            if "data_bits" in entry:
                sums[entry["format"]] = (data + entry["data_bits"], metadata + entry["metadata_bits"], count + 1)
    return {name: (data, metadata) for name, (data, metadata, count) in sums.items() if count == len(tensors)}, bound


def kilobytes(bits):
    return f"{bits / 8000:.2f}"


def tables(paths, files):
    (squeezenet, bound), *dlmc = [totals(tensors) for tensors in files]
    formats = [entry["format"] for entry in files[0][0]["formats"] if entry["format"] != HUFFMAN]
    lines = ["| format | values kB | metadata kB | total kB | /bound |", "|---|---|---|---|---|"]
    for name in formats:
        if name in squeezenet:
            data, metadata = squeezenet[name]
            sizes = " | ".join(kilobytes(bits) for bits in (data, metadata, data + metadata))
            lines.append(f"| `{name}` | {sizes} | {(data + metadata) / bound:.3f} |")
    names = [pathlib.Path(path).stem.replace("_pruning", "").replace("_", " ") for path in paths[1:]]
    lines += ["", "| format | " + " | ".join(names) + " |", "|---|" + "---|" * len(names)]
    for name in formats:
        if all(name in sums for sums, _ in dlmc):
            cells = [f"{kilobytes(sum(sums[name]))} ({sum(sums[name]) / least:.3f})" for sums, least in dlmc]
            lines.append(f"| `{name}` | " + " | ".join(cells) + " |")
    lines.append("| entropy bound | " + " | ".join(kilobytes(least) for _, least in dlmc) + " |")
    return lines


docs, paths = sys.argv[1], sys.argv[2:]
files = [load(path) for path in paths]
count = sum(checkHuffman(path, tensors) for path, tensors in zip(paths, files))
lines = tables(paths, files)
if docs == "-":
    print("\n".join(lines))
else:
    written = pathlib.Path(docs).read_text().splitlines()
    missing = [line for line in lines if line and line not in written]
    if missing:
        sys.exit(f"{docs} lacks:\n" + "\n".join(missing))
    print(f"{count} tensors within a bit a symbol of their entropy; {len(lines)} lines of the tables hold")
