"""ungate.py machine.yaml out.yaml: the same machine without its sparse acceleration features."""
import re
import sys

text = open(sys.argv[1]).read()
stripped, count = re.subn(r"^safs:\n(?:  - .*\n)+", "", text, flags=re.M)
if count != 1:
    sys.exit("expected one list of safs")
open(sys.argv[2], "w").write(stripped)
