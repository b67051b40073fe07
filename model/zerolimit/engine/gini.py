"""How unequally lines are shared: the Gini coefficient from counts and sums in declared bins, exact in whole numbers.

Nobody is put in order, and counts and sums of parts add up to those of the whole: so the result is the same to the bit on
any engine, with any number of threads and parts.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from zerolimit.vocabulary.names import LEFT, OPEN

Array = NDArray[Any]

BINS = 1024
"""Bin 0 holds lines of 0. From 1 fen up each octave [2^e, 2^(e+1)) fen has STEPS bins of equal width, up to 2^31 fen."""
STEPS = 32
WIDEST = 1.0 / STEPS
"""A bin is at most so much of its lower edge wide."""
STEP_BITS, BIAS = 52 - 5, 1023 * STEPS - 1
"""A float64 holds its exponent and, below it, 52 bits; the highest 5 of them number the step within the octave."""


def edges() -> Array:
    """The lower edge of each bin, fen."""
    octave, step = np.divmod(np.arange(BINS - 1), STEPS)
    return np.concatenate([[0.0], np.ldexp(1.0 + step / STEPS, octave)])


def gini(
    limit: Array, status: Array, bases: Array, in_parts: Callable[[Callable[[int, int], Any], int], list[Any]]
) -> Array:
    """Gini coefficient of the lines of all who have an account, by world; a frozen or closed one is a line of 0.

    It is 0 without any line.

    With n accounts and lines of S fen in all, n_b accounts and S_b fen in bin b, and a_b accounts in the bins below:

        G' = (sum_b S_b (2 a_b + n_b + 1) - (n + 1) S) / (n S)

    which takes each line as the mean of its bin, in whole numbers but for the one division. The exact coefficient is

        G = sum_ij |x_i - x_j| / (2 n S)

    Two lines in different bins add to both the same, since the order of the bins is theirs. Two in one bin add nothing to
    G', and to G at most the bin's width, which is at most WIDEST of its lower edge; of the n_b^2 ordered pairs at most half
    lie at opposite ends. With n_b x lower edge <= S_b therefore

        0 <= G - G' <= WIDEST / 4 x sum_b (n_b / n) (S_b / S) <= 1 / 128,

    and at most 1 / 1280 where accounts and fen are spread evenly over ten bins. `in_parts` calls what it is given for
    parts of everybody, as an engine does.
    """
    kind = status.dtype.type
    opened, left = kind(OPEN), kind(LEFT)

    def tally(start: int, stop: int) -> tuple[Array, Array, int]:
        many, total = np.zeros(BINS, np.int64), np.zeros(BINS, np.int64)
        return many, total, int(fill_bins(limit[start:stop], status[start:stop], opened, left, many, total))

    found = np.empty((len(bases) - 1, 4), np.int64)
    if len(found) == 1:
        parts = in_parts(tally, len(limit))
        counts, sums, here = parts[0]
        for many, total, some in parts[1:]:
            counts, sums, here = counts + many, sums + total, here + some
        weigh(counts, sums, here, found[0])
    else:
        weigh_worlds(limit, status, bases, opened, left, found)
    whole = found.tolist()
    return np.array([((up << 32) + low - (n + 1) * lines) / (n * lines) if lines else 0.0 for up, low, lines, n in whole])


@njit(cache=True, nogil=True)
def weigh(counts: Any, sums: Any, here: Any, found: Any) -> None:
    """sum_b S_b (2 a_b + n_b + 1) as upper x 2^32 + lower, all lines, and accounts; bin 0 gets who is in no other."""
    counts[0] = here - counts[1:].sum()
    below, total, high, low = np.int64(0), np.int64(0), np.int64(0), np.int64(0)
    for b in range(BINS):
        if counts[b] == 0:
            continue
        times = 2 * below + counts[b] + 1
        high += (sums[b] >> 32) * times
        low += (sums[b] & 0xFFFFFFFF) * times
        high += low >> 32
        low &= 0xFFFFFFFF
        below += counts[b]
        total += sums[b]
    found[0], found[1], found[2], found[3] = high, low, total, here


@njit(cache=True, nogil=True)
def fill_bins(limit: Any, status: Any, opened: Any, left: Any, counts: Any, sums: Any) -> Any:
    """Count and add up open lines by bin; gives how many have an account. Of bin 0 only the sum is right."""
    here = np.int64(0)
    for k in range(len(limit)):
        line = np.int64(limit[k]) * np.int64(status[k] == opened)
        at = max(np.int64(0), (np.float64(line).view(np.int64) >> STEP_BITS) - BIAS)
        counts[at] += 1
        sums[at] += line
        here += np.int64(status[k] != left)
    return here


@njit(cache=True, nogil=True)
def weigh_worlds(limit: Any, status: Any, bases: Any, opened: Any, left: Any, found: Any) -> None:
    """`fill_bins` and `weigh` of each world."""
    counts, sums = np.zeros(BINS, np.int64), np.zeros(BINS, np.int64)
    for w in range(len(found)):
        start, stop = bases[w], bases[w + 1]
        counts[:], sums[:] = 0, 0
        here = fill_bins(limit[start:stop], status[start:stop], opened, left, counts, sums)
        weigh(counts, sums, here, found[w])
