"""Thrift's compact protocol, as far as finding and changing a few values of an encoded struct needs it.

Encoding: https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
"""

from collections.abc import Iterator
from typing import Final

INTEGERS: Final = frozenset({4, 5, 6})  # i16, i32, i64: zigzag varints all
BINARY: Final = 8
LISTS: Final = frozenset({9, 10})  # list, set
MAP: Final = 11
# true and false: a field of a struct says which by its type, an element of a list takes a byte.
TRUTH: Final = frozenset({1, 2})
# These, byte, double, uuid.
_WIDTHS: Final = {1: 0, 2: 0, 3: 1, 7: 8, 13: 16}
_VARINT_BYTES: Final = 10

INTEGER: Final = 6
LIST: Final = 9
STRUCT: Final = 12


class ThriftError(ValueError):
    """The bytes are no struct of the compact protocol, or not of the expected shape."""


class ForbiddenField(ThriftError):
    """A struct holds a field that must not be there."""


def fields(buffer: bytes, at: int = 0) -> Iterator[tuple[int, int, int, int]]:
    """The fields of the struct at `at`: (id, type, where the value starts, where it ends); ThriftError, IndexError."""
    field = 0
    while buffer[at]:
        field, kind, start = read_field_header(buffer, at, field)
        at = skip(buffer, start, kind)
        yield field, kind, start, at


def read_field_header(buffer: bytes, at: int, previous: int) -> tuple[int, int, int]:
    """The field at `at` after the field `previous` of a struct: id, type, where the value starts."""
    header = buffer[at]
    if header >> 4:
        return previous + (header >> 4), header & 15, at + 1
    raw, start = varint(buffer, at + 1)
    return _signed(raw), header, start


def list_of_structs(buffer: bytes, at: int, kind: int = LIST) -> tuple[int, int]:
    """The length of the list of structs at `at`, and where its first element starts; ThriftError for other values."""
    if kind not in LISTS:
        raise ThriftError(f"a list was expected, not type {kind}")
    count, element, at = list_start(buffer, at)
    if element != STRUCT and count:
        raise ThriftError(f"a list of structs was expected, not of type {element}")
    return count, at


def list_header(count: int) -> bytes:
    """The start of a list of `count` structs."""
    return bytes([count << 4 | STRUCT]) if count < 15 else bytes([0xF0 | STRUCT]) + encode_varint(count)


def field_header(previous: int, field: int, kind: int) -> bytes:
    """The start of a field in a struct, after the field `previous` (0 before the first)."""
    delta = field - previous
    return bytes([delta << 4 | kind]) if 0 < delta < 16 else bytes([kind]) + encode_integer(field)


def skip(buffer: bytes, at: int, kind: int) -> int:
    """Where the value of a field ends that starts at `at`."""
    if kind in INTEGERS:
        while buffer[at] >= 0x80:
            at += 1
        return at + 1
    if kind == BINARY:
        length, at = varint(buffer, at)
        return at + length
    if kind == STRUCT:
        return _skip_struct(buffer, at)
    if kind in LISTS:
        count, element, at = list_start(buffer, at)
        return _skip_elements(buffer, at, count, element)
    if kind == MAP:
        return _skip_map(buffer, at)
    if kind in _WIDTHS:
        return at + _WIDTHS[kind]
    raise ThriftError(f"type {kind} is not one of the compact protocol")


def _skip_struct(buffer: bytes, at: int) -> int:
    """Most fields of footers are small integers: a call for each would double the time."""
    while header := buffer[at]:
        at += 1
        if header < 16:
            at = skip(buffer, at, INTEGER)
        kind = header & 15
        if kind in INTEGERS:
            while buffer[at] >= 0x80:
                at += 1
            at += 1
        else:
            at = skip(buffer, at, kind)
    return at + 1


def _skip_elements(buffer: bytes, at: int, count: int, element: int) -> int:
    if element in _WIDTHS:
        return at + count * max(_WIDTHS[element], 1)
    if element in INTEGERS:
        for _ in range(count):
            while buffer[at] >= 0x80:
                at += 1
            at += 1
        return at
    for _ in range(count):
        at = skip(buffer, at, element)
    return at


def _skip_map(buffer: bytes, at: int) -> int:
    count, at = varint(buffer, at)
    if not count:
        return at
    key, value = buffer[at] >> 4, buffer[at] & 15
    at += 1
    for _ in range(count):
        at = _skip_elements(buffer, _skip_elements(buffer, at, 1, key), 1, value)
    return at


def list_start(buffer: bytes, at: int) -> tuple[int, int, int]:
    """The length of the list at `at`, the type of its elements, and where the first one starts."""
    header = buffer[at]
    count = header >> 4
    at += 1
    if count == 15:
        count, at = varint(buffer, at)
    if count > len(buffer) - at:  # an element takes a byte at least
        raise ThriftError("a list is longer than what holds it")
    return count, header & 15, at


def varint(buffer: bytes, at: int) -> tuple[int, int]:
    """The unsigned number at `at` (at most 64 bits), and where it ends."""
    if buffer[at] < 0x80:
        return buffer[at], at + 1
    value = shift = 0
    for _ in range(_VARINT_BYTES):
        byte = buffer[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise ThriftError("a number of more than 64 bits")


def integer(buffer: bytes, at: int) -> int:
    """The signed number (i16, i32 or i64) at `at`."""
    return _signed(varint(buffer, at)[0])


def encode_varint(value: int) -> bytes:
    """An unsigned number."""
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def encode_integer(value: int) -> bytes:
    """A signed number, zigzag."""
    return encode_varint(value << 1 if value >= 0 else (-value << 1) - 1)


def _signed(raw: int) -> int:
    return raw >> 1 ^ -(raw & 1)
