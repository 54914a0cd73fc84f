"""Encoded structs of Thrift's compact protocol, made for tests."""

from hypothesis import strategies as st

from catalog_app.store.parquet import thrift_compact as thrift

I64 = st.integers(-(2**63), 2**63 - 1)


def text_value(content: bytes) -> bytes:
    """A text or bytes."""
    return thrift.encode_varint(len(content)) + content


def list_value(element: int, items: list[bytes]) -> bytes:
    """A list of encoded elements."""
    header = bytes([len(items) << 4 | element]) if len(items) < 15 else bytes([0xF0 | element, len(items)])
    return header + b"".join(items)


def struct_value(values: list[tuple[int, int, bytes]]) -> bytes:
    """A struct of (field id, type, encoded value)."""
    out, previous = b"", 0
    for field, kind, value in values:
        out += thrift.field_header(previous, field, kind) + value
        previous = field
    return out + b"\0"


@st.composite
def structs(draw: st.DrawFn, depth: int = 2) -> bytes:
    """An encoded struct of any fields and types."""
    ids = draw(st.lists(st.integers(1, 40), unique=True, max_size=6).map(sorted))
    return struct_value([(number, *draw(values(depth))) for number in ids])


@st.composite
def values(draw: st.DrawFn, depth: int) -> tuple[int, bytes]:
    """A field's type and encoded value."""
    kind = draw(st.sampled_from([1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13] if depth else [1, 2, 3, 6, 7, 8]))
    simple = {
        1: st.just(b""),
        2: st.just(b""),
        3: st.binary(min_size=1, max_size=1),
        7: st.binary(min_size=8, max_size=8),
        8: st.binary(max_size=200).map(text_value),
        13: st.binary(min_size=16, max_size=16),
    }
    if kind in simple:
        return kind, draw(simple[kind])
    if kind in {4, 5, 6}:
        return kind, thrift.encode_integer(draw(I64))
    if kind == 11:
        pairs = draw(st.lists(st.tuples(st.binary(max_size=3), structs(depth - 1)), max_size=3))
        body = b"".join(text_value(key) + value for key, value in pairs)
        return kind, (thrift.encode_varint(len(pairs)) + bytes([8 << 4 | 12]) + body if pairs else b"\0")
    if kind == 9:
        elements = draw(
            st.sampled_from([(1, st.just(b"\1")), (6, I64.map(thrift.encode_integer)), (12, structs(depth - 1))])
        )
        return kind, list_value(elements[0], draw(st.lists(elements[1], max_size=20)))
    return 12, draw(structs(depth - 1))
