"""damage.py FILE FOLDER: a file cut in half, with one bit turned, of another version, and with bytes behind its end."""

import os
import sys

with open(sys.argv[1], "rb") as file:
    good = file.read()
half = len(good) // 2
damaged = {
    "half.sac": good[:half],
    "header.sac": good[:20],
    "bit.sac": good[:half] + bytes([good[half] ^ 0x40]) + good[half + 1 :],
    "version.sac": good[:8] + bytes([good[8] + 8]) + good[9:],
    "long.sac": good + b"abc",
}
os.makedirs(sys.argv[2], exist_ok=True)
for name, content in damaged.items():
    with open(os.path.join(sys.argv[2], name), "wb") as file:
        file.write(content)
