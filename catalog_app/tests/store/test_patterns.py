"""What an expression finds in a struct is what taking it apart finds, for any struct."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog_app.store.parquet import thrift_compact as thrift
from catalog_app.store.parquet.patterns import Forbid, Found, Patterns, Place, Struct
from catalog_app.store.parquet.thrift_compact import ForbiddenField, ThriftError
from catalog_app.tests.store.thrift_structs import I64, list_value, struct_value, structs, text_value

# Everything down to the second level, so that all kinds of values are found.
ALL = Struct("outer", dict.fromkeys(range(1, 41), Struct("inner", {}, others=True)), others=True)
SOME = Struct("outer", {1: True, 2: Struct("inner", {3: True, 4: True}), 3: True, 30: Struct("item", {3: True})})


def _placed(places: Sequence[Place]) -> tuple[Place, ...]:
    return tuple(places)


def _fresh(wanted: Struct, content: bytes) -> Found[tuple[Place, ...]]:
    """The struct, taken apart by patterns that have met nothing."""
    return Patterns(wanted, _placed).take_apart(content, 0)


def _tolerant(wanted: Struct, content: bytes) -> Found[tuple[Place, ...]] | None:
    try:
        return _fresh(wanted, content)
    except ThriftError:  # an inner struct is expected where there is another value
        return None


def _plain(found: Found[tuple[Place, ...]]) -> tuple[object, ...]:
    return found.meaning, tuple(map(tuple, found.spans)), found.end


def _learn(wanted: Struct, content: bytes) -> Patterns[tuple[Place, ...]]:
    """Patterns that made an expression of a struct."""
    patterns = Patterns(wanted, _placed)
    for _ in range(2):
        patterns.take_apart(content, 0)
    return patterns


@given(structs(), structs())
def test_having_met_one_struct_changes_nothing_about_another(met: bytes, other: bytes) -> None:
    for wanted in (Struct("outer", {}, others=True), Struct("outer", {}), SOME, ALL):
        if _tolerant(wanted, met) is None or (expected := _tolerant(wanted, other)) is None:
            continue
        patterns = _learn(wanted, met)
        for content in (other, met, other, other):
            again = expected if content is other else _fresh(wanted, met)
            assert _plain(patterns.take_apart(content + b"rest", 0)) == _plain(again)


@given(st.lists(I64, min_size=1, max_size=20), st.binary(max_size=20), st.data())
def test_other_values_of_equal_fields_are_found_by_the_expression(
    numbers: list[int], content: bytes, data: st.DataObject
) -> None:
    def encoded(change: int, replaced: bytes) -> bytes:
        items = [struct_value([(3, 6, thrift.encode_integer(one // 2 + change))]) for one in numbers]
        inner = struct_value([(3, 6, thrift.encode_integer(change)), (4, 8, text_value(replaced)), (5, 7, b"\0" * 8)])
        return struct_value([(1, 1, b""), (2, 12, inner), (3, 5, b"\2"), (30, 9, list_value(12, items))])

    patterns = _learn(SOME, encoded(0, content))
    changed = encoded(
        data.draw(st.integers(-(2**61), 2**61)), data.draw(st.binary(min_size=len(content), max_size=len(content)))
    )
    found = patterns.take_apart(changed, 0)
    assert _plain(found) == _plain(_fresh(SOME, changed))
    assert patterns._misses == 2  # the expression found it
    items = [
        thrift.integer(changed, span[0]) for place, span in zip(found.meaning, found.spans, strict=True) if place.items
    ]
    assert items == [one // 2 + thrift.integer(changed, found.spans[1][0]) for one in numbers]


@given(st.binary(max_size=60))
def test_arbitrary_bytes_end_in_an_answer_or_a_refusal(content: bytes) -> None:
    try:
        found = _fresh(Struct("any", {}, others=True), content)
    except (ThriftError, IndexError):
        return
    assert 0 < found.end <= len(content)


def test_forbidden_fields_are_named() -> None:
    content = struct_value([(1, 6, b"\0"), (7, 8, text_value(b"x"))])
    for fields, others in (
        ({1: False, 7: Forbid("belongs elsewhere")}, False),
        ({1: False}, Forbid("belongs elsewhere")),
    ):
        with pytest.raises(ForbiddenField, match="field 7 of Chunk belongs elsewhere"):
            _fresh(Struct("Chunk", fields, others), content)


@pytest.mark.parametrize(
    ("kind", "value"), [(6, b"\0"), (9, list_value(6, [b"\0"]))], ids=["integer as struct", "integers as structs"]
)
def test_values_of_another_shape_are_refused(kind: int, value: bytes) -> None:
    with pytest.raises(ThriftError, match="expected"):
        _fresh(Struct("Outer", {1: Struct("Inner", {})}), struct_value([(1, kind, value)]))


def test_a_list_longer_than_its_bytes_is_refused() -> None:
    with pytest.raises(ThriftError, match="longer"):
        _fresh(SOME, b"\x19" + b"\xf1" + thrift.encode_varint(2**62))
