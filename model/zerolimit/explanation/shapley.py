"""Values of cooperative games in whole numbers: Shapley, Owen, but-for, alone, interactions.

A game is an array with one whole number (or an array of them) for each coalition: `worlds[c]`, where bit p of c says
whether player p is in. Values come scaled, so that they stay whole and sum exactly: k! x Shapley, and so on.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import factorial, lcm

import numpy as np
from numpy.typing import NDArray

Whole = NDArray[np.int64]


def players_of(worlds: Whole) -> int:
    """How many players a game has."""
    return len(worlds).bit_length() - 1


def size(coalition: int) -> int:
    """How many players are in."""
    return coalition.bit_count()


def shapley(worlds: Whole) -> Whole:
    """k! x the Shapley value of each player: sum over S of |S|! (k - |S| - 1)! (v(S + p) - v(S)); shape (k, ...)."""
    k = players_of(worlds)
    found = np.zeros((k, *worlds.shape[1:]), np.int64)
    for p in range(k):
        for coalition in range(len(worlds)):
            if not coalition >> p & 1:
                weight = factorial(size(coalition)) * factorial(k - size(coalition) - 1)
                found[p] += weight * (worlds[coalition | 1 << p] - worlds[coalition])
    return found


def owen_scale(groups: Sequence[Sequence[int]]) -> int:
    """What Owen values are multiplied by to be whole."""
    return factorial(len(groups)) * lcm(*(factorial(len(group)) for group in groups))


def owen(worlds: Whole, groups: Sequence[Sequence[int]]) -> Whole:
    """owen_scale x the Owen value of each player, the players of a group coming one after the other (Owen 1977)."""
    k, m, scale = players_of(worlds), len(groups), owen_scale(groups)
    found = np.zeros((k, *worlds.shape[1:]), np.int64)
    masks = [sum(1 << p for p in group) for group in groups]
    for own, group in enumerate(groups):
        others = [mask for g, mask in enumerate(masks) if g != own]
        for chosen in range(1 << len(others)):
            outside = sum(mask for g, mask in enumerate(others) if chosen >> g & 1)
            between = factorial(size(chosen)) * factorial(m - size(chosen) - 1)
            for p in group:
                mates = [q for q in group if q != p]
                for some in range(1 << len(mates)):
                    inside = sum(1 << q for j, q in enumerate(mates) if some >> j & 1)
                    within = factorial(size(some)) * factorial(len(group) - size(some) - 1)
                    weight = scale * between * within // (factorial(m) * factorial(len(group)))
                    found[p] += weight * (worlds[outside | inside | 1 << p] - worlds[outside | inside])
    return found


def but_for(worlds: Whole) -> Whole:
    """v(N) - v(N without p), for each player."""
    full = len(worlds) - 1
    return np.stack([worlds[full] - worlds[full ^ 1 << p] for p in range(players_of(worlds))])


def alone(worlds: Whole) -> Whole:
    """v({p}) - v(nobody), for each player."""
    return np.stack([worlds[1 << p] - worlds[0] for p in range(players_of(worlds))])


def interactions(worlds: Whole) -> Whole:
    """(k - 1)! x the Shapley interaction of each pair (Grabisch and Roubens 1999); shape (k, k, ...), zero diagonal."""
    k = players_of(worlds)
    found = np.zeros((k, k, *worlds.shape[1:]), np.int64)
    for p in range(k):
        for q in range(p):
            for coalition in range(len(worlds)):
                if coalition >> p & 1 or coalition >> q & 1:
                    continue
                weight = factorial(size(coalition)) * factorial(k - size(coalition) - 2)
                both = worlds[coalition | 1 << p | 1 << q] - worlds[coalition | 1 << p] - worlds[coalition | 1 << q]
                found[p, q] += weight * (both + worlds[coalition])
            found[q, p] = found[p, q]
    return found
