"""ratio.py baseline.json other.json key low high: says whether totals[key] of the first over the second lies within the bounds; exit code 1 if not."""
import json
import sys

baseline, other, key, low, high = sys.argv[1:]
ratio = json.load(open(baseline))["totals"][key] / json.load(open(other))["totals"][key]
inside = float(low) <= ratio <= float(high)
print(f"{key}: {ratio:.4f} is {'within' if inside else 'outside of'} {low}..{high}")
sys.exit(not inside)
