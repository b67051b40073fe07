"""Philox 4x32-10 against the published known answers (Random123, file kat_vectors), and draws against their plain form."""

import math

import numpy as np
import pytest

from zerolimit.engine.philox import draw_words, philox
from zerolimit.parameters.scenario import load_scenario
from zerolimit.rules.rule import exponential, normal
from zerolimit.run.simulation import Simulation
from zerolimit.vocabulary.draws import BIRTH, PURPOSES, bits, lifelong, philox_reference, uniform, unit

FULL = 0xFFFFFFFF
VECTORS = [
    ((0, 0), (0, 0, 0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((FULL, FULL), (FULL, FULL, FULL, FULL), (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0xA4093822, 0x299F31D0),
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


def compiled_words(key: tuple[int, int], counter: tuple[int, int, int, int]) -> tuple[int, ...]:
    """One counter through the compiled generator: its words are (borrower, month, block, generation)."""
    out = np.empty(1, np.uint32)
    borrower, month, block, generation = counter
    rows, generations = np.array([borrower], np.int64), np.array([generation], np.uint32)
    words = []
    for lane in range(4):
        draw_words(np.uint32(key[0]), np.uint32(key[1]), rows, generations, np.uint32(month), np.uint32(block), lane, out)
        words.append(int(out[0]))
    return tuple(words)


@pytest.mark.parametrize(("key", "counter", "answer"), VECTORS, ids=["zeros", "ones", "pi"])
def test_philox_gives_the_published_answers(
    key: tuple[int, int], counter: tuple[int, int, int, int], answer: tuple[int, int, int, int]
) -> None:
    assert philox_reference(key, counter) == answer
    assert compiled_words(key, counter) == answer


def test_compiled_and_plain_philox_agree_on_other_counters() -> None:
    counters = [philox_reference((k, 7), (k, 1, 2, 3)) for k in range(50)]
    for k, counter in enumerate(counters):
        assert compiled_words((k, FULL - k), counter) == philox_reference((k, FULL - k), counter)


def test_a_helper_of_loops_is_still_a_plain_function() -> None:
    words = [np.uint32(word) for word in (0, 0, 0, 0, 0, 0)]
    with np.errstate(over="ignore"):
        assert tuple(int(word) for word in philox(*words)) == VECTORS[0][2]


@pytest.mark.parametrize("seed", [0, 1, 2**32 + 5, 2**64 - 1])
def test_engines_and_plain_python_make_the_same_draws(seed: int) -> None:
    simulation = Simulation(load_scenario("defaults", borrowers=8), seed, engine="objects")
    rows = np.arange(8)
    for purpose in PURPOSES:
        drawn = simulation.engine.uniforms(purpose, rows, 11)
        assert drawn.tolist() == [uniform(seed, row, 0, 11, purpose) for row in range(8)]
        words = simulation.engine.words(purpose, rows, 11)
        assert words.tolist() == [bits(seed, row, 0, 11, purpose) for row in range(8)]


def test_a_draw_depends_on_each_part_of_its_key_and_lifelong_ones_not_on_the_month() -> None:
    start = (5, 3, 0, 2)
    others = [(6, 3, 0, 2), (5, 4, 0, 2), (5, 3, 1, 2), (5, 3, 0, 1)]
    for purpose in ("u_pay", "u_habit", "u_arrival"):
        assert not lifelong(purpose)
        assert bits(*start, purpose) not in {bits(*other, purpose) for other in others}
    assert lifelong("u_lottery")
    assert bits(5, 3, 0, 2, "u_lottery") == bits(5, 3, 0, 9, "u_lottery") == bits(5, 3, 0, BIRTH, "u_lottery")


def test_purposes_have_numbers_of_their_own() -> None:
    assert len(set(PURPOSES.values())) == len(PURPOSES)


def test_uniform_numbers_lie_strictly_between_0_and_1() -> None:
    assert unit(0) == 2.0**-25
    assert unit(FULL) == 1.0 - 2.0**-25


QUANTILES = {
    0.5: 0.0,
    0.75: 0.6744897501960817,
    0.9: 1.2815515655446004,
    0.975: 1.959963984540054,
    0.99: 2.3263478740408408,
    0.999: 3.090232306167813,
    0.9999: 3.719016485455709,
    0.999999: 4.753424308822899,
}
"""Standard normal quantiles, from tables."""


def test_normal_quantiles() -> None:
    for u, z in QUANTILES.items():
        assert normal(u) == pytest.approx(z, abs=1e-4)
        assert normal(1.0 - u) == pytest.approx(-z, abs=1e-4)


def test_normal_draws_have_mean_0_variance_1_and_rise_with_u() -> None:
    u = (np.arange(100_000) + 0.5) / 100_000
    z = np.array([normal(x) for x in u])
    assert abs(z.mean()) < 1e-6
    assert z.var() == pytest.approx(1.0, abs=1e-3)
    assert (np.diff(z) > -1e-9).all()


@pytest.mark.parametrize("x", [-8.0, -3.3, -0.5, 0.0, 1e-9, 0.7, 2.0, 8.0])
def test_exponential(x: float) -> None:
    assert exponential(x) == pytest.approx(math.exp(x), rel=2e-12)
