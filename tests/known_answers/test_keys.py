"""A client's draws are the client's: keyed by the id in the file, whatever row it stands in."""

import numpy as np
import pandas as pd
import pytest

from zerolimit.basics.errors import BadInput
from zerolimit.portfolio.keys import keys_of, refuse_shared
from zerolimit.portfolio.portfolio import read_portfolio
from zerolimit.vocabulary.draws import WORLD


def test_a_key_is_the_first_bytes_of_a_hash_that_everybody_has() -> None:
    """The numbers are those of `printf %s TEXT | b2sum -l 64`."""
    wanted = [0xF6FC42039FBA3776, 0x0BAE4FCBD2FA25D2, 0x26D4DAE5C7933A99]
    assert keys_of(["1", "A17", "客户7"]).tolist() == wanted


def test_the_text_of_an_id_makes_the_key_and_not_the_row() -> None:
    texts, numbers = ["7", "12", "3"], [7, 12, 3]
    as_text, as_number = (
        read_portfolio(pd.DataFrame({"id": ids, "limit": [9_000.0, 8_000.0, 7_000.0]})) for ids in (texts, numbers)
    )
    assert as_text.ids.tolist() == as_number.ids.tolist() == texts
    assert as_text.keys.tolist() == as_number.keys.tolist() == keys_of(texts).tolist()
    assert read_portfolio(pd.DataFrame({"limit": [9_000.0]})).keys is None


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ([5, 9, 5], "portfolio: id 'a' (row 1) and id 'c' (row 3) have the same key 0000000000000005"),
        ([5, WORLD, 6], "portfolio: id 'b' (row 2) has the key of the world's draws"),
    ],
)
def test_a_key_that_is_not_the_clients_alone_is_refused_by_name(keys: list[int], says: str) -> None:
    with pytest.raises(BadInput) as refused:
        refuse_shared(np.array(keys, np.uint64), ["a", "b", "c"])
    assert str(refused.value).startswith(says)
    refuse_shared(np.array([5, 6, WORLD + 1], np.uint64), ["a", "b", "c"])
