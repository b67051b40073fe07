"""Keyed random draws: a number is a function of what it is for, (seed, borrower, generation, month, purpose).

Philox 4x32-10 (Salmon et al. 2011) gives four 32-bit words for one counter; a purpose is a (block, lane) of it. No
state: any engine, order, number of threads or machines sees the same draws, and a mechanism that is switched off
leaves every other draw as it was.

The seed, 64 bits, is Philox's key. The counter's four words of 32 bits are

    c0  the borrower's key, bits 0 to 31
    c1  the month since the set-up: month 0 of the results is warm_up_months (BIRTH: a draw for life)
    c2  bits 0 to 15 the block; bits 16 to 31 the borrower's key, bits 32 to 47
    c3  bits 0 to 15 the generation; bits 16 to 31 the borrower's key, bits 48 to 63

A borrower's key is the row of the slot, whose bits 32 to 63 are 0, or, where a portfolio has ids, a 64-bit hash of the
client's id (portfolio/keys.py): then a client's draws are the same in whatever row. Blocks are a few dozen, generations
are stored in 15 bits, so no two draws share a counter. WORLD, 2^32 - 1, is no row, and a client with this key is refused.
"""

from typing import Any

BIRTH = 0xFFFF_FFFF
"""The month of draws that a borrower keeps for life."""
WORLD = 0xFFFF_FFFF
"""The borrower's key of draws that belong to the world."""
DRAW_BITS = 16
"""Bits of the counter's words for block and generation; the borrower's key has those above."""

PURPOSES: dict[str, int] = {
    "u_income": 0,
    "u_bill": 1,
    "u_work": 2,
    "u_project": 3,
    "u_pay": 4,
    "u_early": 5,
    "u_bridge": 6,
    "u_apply": 7,
    "u_menu": 8,
    "u_look": 9,
    "u_appeal": 10,
    "u_need": 12,
    "u_habit": 13,
    "u_size": 14,
    "u_fear": 15,
    "u_term": 16,
    "u_leave": 17,
    "u_other": 18,
    "u_complain": 19,
    "u_arrival": 24,
    "u_arrival_low": 25,
    "u_desk": 26,
    "u_desk_low": 27,
    "u_lottery": 32,
    "u_lottery_low": 33,
    "u_born_segment": 36,
    "u_born_sector": 37,
    "u_born_age": 38,
    "u_born_strategy": 39,
    "u_born_income": 40,
    "u_born_recorded": 41,
    "u_born_propensity": 42,
    "u_born_signal": 43,
    "u_born_cash": 44,
    "u_born_review": 45,
    "u_born_tenure": 46,
    "u_born_limit": 47,
    "u_born_use": 48,
    "u_born_balance": 49,
    "u_born_months": 50,
    "u_born_late": 51,
    "u_born_frequency": 52,
    "u_born_idle": 53,
    "u_born_other": 54,
    "u_born_vacant": 55,
    "u_born_use_type": 56,
    "u_born_product": 57,
    "u_born_wish": 58,
    "u_arrive": 60,
    "u_macro": 64,
    "u_regime": 65,
    "u_sector_0": 68,
    "u_sector_1": 69,
    "u_sector_2": 70,
    "u_sector_3": 71,
}
"""Purpose -> fixed number, 4 x block + lane. Never renumber one: add new numbers, and no other draw moves."""

LIFELONG_FROM, LIFELONG_TO = 32, 60
"""Purposes in this range are drawn once for a borrower (month = BIRTH), the others every month."""


def lifelong(purpose: str) -> bool:
    """Whether the draw is kept for life, not redrawn each month."""
    return LIFELONG_FROM <= PURPOSES[purpose] < LIFELONG_TO


def philox_reference(key: tuple[int, int], counter: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    """Philox 4x32-10 in whole numbers of plain Python. The compiled one must agree (tests/known_answers)."""
    k0, k1 = key
    c0, c1, c2, c3 = counter
    low = 0xFFFF_FFFF
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = (p1 >> 32) ^ c1 ^ k0, p1 & low, (p0 >> 32) ^ c3 ^ k1, p0 & low
        k0, k1 = (k0 + 0x9E3779B9) & low, (k1 + 0xBB67AE85) & low
    return c0, c1, c2, c3


def counter(borrower: int, generation: int, month: int, purpose: str) -> tuple[int, int, int, int]:
    """The counter of a draw; `borrower` is the borrower's key, 64 bits."""
    when = BIRTH if lifelong(purpose) else month
    low, middle, high = borrower & 0xFFFF_FFFF, borrower >> 32 & 0xFFFF, borrower >> 48
    return low, when, PURPOSES[purpose] // 4 | middle << DRAW_BITS, generation | high << DRAW_BITS


def bits(seed: int, borrower: int, generation: int, month: int, purpose: str) -> int:
    """The 32 random bits of one draw, in plain Python; `borrower` is the borrower's key."""
    key = (seed & 0xFFFF_FFFF, seed >> 32 & 0xFFFF_FFFF)
    return philox_reference(key, counter(borrower, generation, month, purpose))[PURPOSES[purpose] % 4]


def unit(word: int) -> float:
    """A number in (0, 1) from the top 24 bits: (k + 1/2) / 2^24, exact in float64."""
    return ((word >> 8) + 0.5) * (1.0 / 16_777_216.0)


def uniform(seed: int, borrower: int, generation: int, month: int, purpose: str) -> float:
    """One keyed draw in (0, 1), in plain Python."""
    return unit(bits(seed, borrower, generation, month, purpose))


def fresh_seed() -> int:
    """A seed nobody chose, for seed=None; it is recorded with the run."""
    import secrets

    return secrets.randbits(48)


def as_seed(seed: Any) -> int:
    """A whole number in [0, 2^64) or a clear error."""
    from zerolimit.basics.errors import BadInput

    if isinstance(seed, bool) or not hasattr(seed, "__index__"):
        raise BadInput(f"seed must be a whole number from 0 to 2^64 - 1, not {seed!r}")
    value = int(seed.__index__())
    if not 0 <= value < 2**64:
        raise BadInput(f"seed must lie from 0 to 2^64 - 1, not {value}")
    return value
