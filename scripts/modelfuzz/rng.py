"""A random generator of its own (SplitMix64), so that a seed gives the same bytes under any version of Python and NumPy."""
import numpy as np

_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15


def _mix(z):
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return z ^ (z >> 31)


class Rng:
    """Integer arithmetic and exact float operations alone: no logarithm or sine that differs between libraries."""

    def __init__(self, seed):
        self.state = _mix((seed * _GOLDEN + 0x5851F42D4C957F2D) & _MASK)

    def bits(self):
        self.state = (self.state + _GOLDEN) & _MASK
        return _mix(self.state)

    def below(self, n):
        return self.bits() % n

    def between(self, low, high):
        """An integer from low to high, both included."""
        return low + self.below(high - low + 1)

    def chance(self, percent):
        return self.below(100) < percent

    def pick(self, items):
        items = list(items)
        return items[self.below(len(items))]

    def shuffled(self, items):
        items = list(items)
        for i in range(len(items) - 1, 0, -1):
            j = self.below(i + 1)
            items[i], items[j] = items[j], items[i]
        return items

    def uniform(self, shape, low=0.0, high=1.0):
        count = int(np.prod(shape, dtype=np.int64))
        base = self.bits()
        with np.errstate(over="ignore"):
            z = np.uint64(base) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(_GOLDEN)
            z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            z = z ^ (z >> np.uint64(31))
        unit = (z >> np.uint64(40)).astype(np.float64) / float(1 << 24)
        return (low + (high - low) * unit).astype(np.float32).reshape(shape)

    def normal(self, shape, deviation=1.0):
        """Nearly normal: the sum of four uniform variables, at most 3.5 deviations from zero."""
        total = sum(self.uniform(shape, -0.5, 0.5).astype(np.float64) for _ in range(4))
        return (total * (deviation * 3.0 ** 0.5)).astype(np.float32)
