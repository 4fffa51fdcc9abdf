"""Random numbers that are a pure function of who asks: the same seed, key and purpose always give the same number.

History asks for a whole hour at once and the live stream for one second; both get the same business because nothing
depends on the order of asking. The mixing function is the finaliser of SplitMix64 (Steele, Lea, Flood 2014).
"""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31, _S11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)


def _mix(value: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    value ^= value >> _S30
    value *= _FIRST
    value ^= value >> _S27
    value *= _SECOND
    value ^= value >> _S31
    return value


class Dice:
    """Dice of one seed. `purpose` names the draw, so that two draws of one key are independent."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._salts: dict[str, np.uint64] = {}

    def _salt(self, purpose: str) -> np.uint64:
        if purpose not in self._salts:
            digest = hashlib.blake2b(f"{self._seed}:{purpose}".encode(), digest_size=8).digest()
            self._salts[purpose] = np.uint64(int.from_bytes(digest, "little"))
        return self._salts[purpose]

    def uniform(self, purpose: str, keys: Ints) -> Floats:
        """One number in [0, 1) per key."""
        mixed = _mix(_mix(keys.astype(np.uint64) + self._salt(purpose)))
        return (mixed >> _S11).astype(np.float64) * 2.0**-53

    def normal(self, purpose: str, keys: Ints) -> Floats:
        """One number of the standard normal distribution per key (Box–Muller)."""
        radius = np.sqrt(-2.0 * np.log1p(-self.uniform(f"{purpose}/radius", keys)))
        return np.asarray(radius * np.cos(2.0 * np.pi * self.uniform(f"{purpose}/angle", keys)))

    def poisson(self, purpose: str, keys: Ints, mean: Floats) -> Ints:
        """One Poisson number per key and mean: exact up to a mean of 60, the normal limit above it."""
        chance = self.uniform(purpose, keys)
        counts = np.zeros(len(mean), dtype=np.int64)
        small = mean <= 60.0
        rest, expected = chance[small], mean[small]
        if len(rest):
            term = np.exp(-expected)
            total, found = term.copy(), np.zeros(len(rest), dtype=np.int64)
            for k in range(1, int(expected.max() + 10.0 * np.sqrt(expected.max()) + 12.0)):
                open_ = rest >= total
                if not open_.any():
                    break
                found += open_
                term *= expected / k
                total += term
            counts[small] = found
        large = ~small
        if large.any():
            spread = np.sqrt(mean[large]) * self.normal(f"{purpose}/large", keys[large])
            counts[large] = np.maximum(0, np.rint(mean[large] + spread)).astype(np.int64)
        return counts
