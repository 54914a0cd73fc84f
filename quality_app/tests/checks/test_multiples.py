"""Multiples are told without a division, and never wrongly."""

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from catalog_app.store.schema import INT64_MAX
from quality_app.checks.multiples import all_multiples
from quality_app.checks.narrow import narrowed

STEPS = st.one_of(
    st.integers(0, 16).map(lambda digits: 10**digits),
    st.sampled_from([25 * 10**14, 3 * 10**11, 2**40, 2**62, INT64_MAX]),
    st.integers(1, INT64_MAX),
)
INT128 = st.integers(-(2**127), 2**127 - 1)


@given(st.lists(st.integers(-(2**63), INT64_MAX), max_size=5), STEPS, st.booleans())
def test_words(values: list[int], step: int, exact: bool) -> None:
    values = [value // step * step for value in values] if exact else values
    values = [value for value in values if value >= -(2**63)]
    known = all_multiples(pl.Series(values, dtype=pl.Int64), step)
    assert known == all(value % step == 0 for value in values)


@given(st.lists(INT128, max_size=5), STEPS, st.booleans())
def test_wide_values_are_never_called_multiples_wrongly(values: list[int], step: int, exact: bool) -> None:
    values = [value // step * step for value in values] if exact else values
    values = [value for value in values if value >= -(2**127)]
    if all_multiples(pl.Series(values, dtype=pl.Int128), step):
        assert all(value % step == 0 for value in values)


@given(st.lists(st.integers(-(10**8), 10**8), max_size=5), st.integers(0, 8))
def test_usual_sizes_are_told_at_once(whole: list[int], decimals: int) -> None:
    values = pl.Series([number * 10**16 for number in whole], dtype=pl.Int128)
    assert all_multiples(values, 10 ** (16 - decimals))


@given(st.lists(st.one_of(INT128, st.integers(-(2**63) - 2, -(2**63) + 2), st.none()), max_size=5))
def test_what_fits_64_bits_is_kept(values: list[int | None]) -> None:
    kept = narrowed(pl.Series(values, dtype=pl.Int128)).to_list()
    assert kept == [value if value is not None and -(2**63) <= value <= INT64_MAX else None for value in values]
