"""Encoded structs: walked to their end, or refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog_app.store.parquet import thrift_compact as thrift
from catalog_app.store.parquet.thrift_compact import ThriftError
from catalog_app.tests.store.thrift_structs import I64, struct_value, structs


@given(structs())
def test_any_struct_is_walked_to_its_end(content: bytes) -> None:
    assert thrift.skip(content + b"rest", 0, thrift.STRUCT) == len(content)
    found = list(thrift.fields(content))
    assert struct_value([(field, kind, content[start:end]) for field, kind, start, end in found]) == content


@given(I64)
def test_integers_round_trip(value: int) -> None:
    encoded = thrift.encode_integer(value)
    assert thrift.integer(encoded, 0) == value
    assert thrift.skip(encoded, 0, thrift.INTEGER) == len(encoded)


@given(structs(), st.data())
def test_bytes_that_end_early_are_refused(content: bytes, data: st.DataObject) -> None:
    short = content[: data.draw(st.integers(0, len(content) - 1))]
    with pytest.raises((IndexError, ThriftError)):
        # A value may seem to reach beyond the end: the next field then has no header.
        list(thrift.fields(short))


@given(st.binary(max_size=60))
def test_arbitrary_bytes_end_in_an_answer_or_a_refusal(content: bytes) -> None:
    try:
        end = thrift.skip(content, 0, thrift.STRUCT)
    except (ThriftError, IndexError):
        return
    assert 0 < end <= len(content)


def test_numbers_and_types_that_do_not_exist_are_refused() -> None:
    with pytest.raises(ThriftError, match="64 bits"):
        thrift.varint(b"\xff" * 11, 0)
    with pytest.raises(ThriftError, match="type 14"):
        thrift.skip(b"\x1e\0\0", 0, thrift.STRUCT)
