"""Changing integers of encoded structs: everything else stays byte for byte."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog_app.store.parquet import thrift_compact as thrift
from catalog_app.store.parquet.thrift_compact import Forbid, ForbiddenField, Rules, ThriftError

I64 = st.integers(-(2**63), 2**63 - 1)


def _text(content: bytes) -> bytes:
    return thrift.encode_varint(len(content)) + content


def _list(element: int, items: list[bytes]) -> bytes:
    header = bytes([len(items) << 4 | element]) if len(items) < 15 else bytes([0xF0 | element, len(items)])
    return header + b"".join(items)


def _struct(values: list[tuple[int, int, bytes]]) -> bytes:
    out, previous = b"", 0
    for field, kind, value in values:
        out += thrift.field_header(previous, field, kind) + value
        previous = field
    return out + b"\0"


@st.composite
def structs(draw: st.DrawFn, depth: int = 2) -> bytes:
    """An encoded struct of any fields and types."""
    ids = draw(st.lists(st.integers(1, 40), unique=True, max_size=6).map(sorted))
    return _struct([(number, *draw(values(depth))) for number in ids])


@st.composite
def values(draw: st.DrawFn, depth: int) -> tuple[int, bytes]:
    """A field's type and encoded value."""
    kind = draw(st.sampled_from([1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13] if depth else [1, 2, 3, 6, 7, 8]))
    simple = {
        1: st.just(b""),
        2: st.just(b""),
        3: st.binary(min_size=1, max_size=1),
        7: st.binary(min_size=8, max_size=8),
        8: st.binary(max_size=200).map(_text),
        13: st.binary(min_size=16, max_size=16),
    }
    if kind in simple:
        return kind, draw(simple[kind])
    if kind in {4, 5, 6}:
        return kind, thrift.encode_integer(draw(I64))
    if kind == 11:
        pairs = draw(st.lists(st.tuples(st.binary(max_size=3), structs(depth - 1)), max_size=3))
        body = b"".join(_text(key) + value for key, value in pairs)
        return kind, (thrift.encode_varint(len(pairs)) + bytes([8 << 4 | 12]) + body if pairs else b"\0")
    if kind == 9:
        elements = draw(
            st.sampled_from([(1, st.just(b"\1")), (6, I64.map(thrift.encode_integer)), (12, structs(depth - 1))])
        )
        return kind, _list(elements[0], draw(st.lists(elements[1], max_size=20)))
    return 12, draw(structs(depth - 1))


@given(structs())
def test_any_struct_is_walked_to_its_end(content: bytes) -> None:
    assert thrift.skip(content + b"rest", 0, thrift.STRUCT) == len(content)
    found = list(thrift.fields(content))
    assert _struct([(field, kind, content[start:end]) for field, kind, start, end in found]) == content


@given(structs())
def test_what_is_kept_is_kept_byte_for_byte(content: bytes) -> None:
    out = bytearray()
    rules = Rules("Any", dict.fromkeys(range(1, 41)))

    assert thrift.rewrite(content + b"rest", 0, rules, out) == len(content)
    assert out == content


@given(structs(), I64, st.lists(I64, max_size=20), structs())
def test_named_integers_change_and_nothing_else(before: bytes, number: int, numbers: list[int], after: bytes) -> None:
    def encoded(change: int) -> bytes:
        items = [_struct([(3, 6, thrift.encode_integer(one // 2 + change))]) for one in numbers]
        fields = [
            (1, 12, before),
            (2, 6, thrift.encode_integer(number // 2 + change)),
            (30, 9, _list(12, items)),
            (31, 12, after),
        ]
        return _struct(fields)

    def change(value: int) -> int:
        return value + 1_000_000

    out = bytearray()
    rules = Rules("Outer", {1: None, 2: change, 30: Rules("Inner", {3: change}), 31: None})
    assert thrift.rewrite(encoded(0), 0, rules, out) == len(encoded(0))
    assert out == encoded(1_000_000)


@given(I64)
def test_integers_round_trip(value: int) -> None:
    encoded = thrift.encode_integer(value)
    assert thrift.integer(encoded, 0) == value
    assert thrift.skip(encoded, 0, thrift.INTEGER) == len(encoded)


@given(structs(), st.data())
def test_bytes_that_end_early_are_refused(content: bytes, data: st.DataObject) -> None:
    short = content[: data.draw(st.integers(0, len(content) - 1))]
    with pytest.raises(IndexError):
        # A value may seem to reach beyond the end: the next field then has no header.
        list(thrift.fields(short))


@given(st.binary(max_size=60))
def test_arbitrary_bytes_end_in_an_answer_or_a_refusal(content: bytes) -> None:
    try:
        end = thrift.skip(content, 0, thrift.STRUCT)
    except (ThriftError, IndexError):
        return
    assert 0 < end <= len(content)


def test_unknown_and_forbidden_fields_are_named() -> None:
    content = _struct([(1, 6, b"\0"), (7, 8, _text(b"x"))])

    with pytest.raises(ForbiddenField, match="field 7 of Chunk is not known"):
        thrift.rewrite(content, 0, Rules("Chunk", {1: None}), bytearray())
    with pytest.raises(ForbiddenField, match="field 7 of Chunk belongs elsewhere"):
        thrift.rewrite(content, 0, Rules("Chunk", {1: None, 7: Forbid("belongs elsewhere")}), bytearray())


@pytest.mark.parametrize(
    ("rule", "kind", "value"),
    [(abs, 8, _text(b"x")), (Rules("Inner", {}), 6, b"\0"), (Rules("Inner", {}), 9, _list(6, [b"\0"]))],
    ids=["text as integer", "integer as struct", "integers as structs"],
)
def test_values_of_another_shape_are_refused(rule: thrift.Rule, kind: int, value: bytes) -> None:
    with pytest.raises(ThriftError, match="expected"):
        thrift.rewrite(_struct([(1, kind, value)]), 0, Rules("Outer", {1: rule}), bytearray())


def test_numbers_and_types_that_do_not_exist_are_refused() -> None:
    with pytest.raises(ThriftError, match="64 bits"):
        thrift.varint(b"\xff" * 11, 0)
    with pytest.raises(ThriftError, match="type 14"):
        thrift.skip(b"\x1e\0\0", 0, thrift.STRUCT)
