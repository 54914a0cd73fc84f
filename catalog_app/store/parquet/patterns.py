"""Structs of the compact protocol that are found again and again with the same fields, at the speed of `re`.

A footer holds a struct per row group, all of nearly the same fields. Once taken apart in Python, such a struct makes a
regular expression: its headers and lengths as they are, integers and contents of any value. What matches has the same
fields at places that the expression tells, some twenty times as fast; what does not is taken apart as the first was.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from catalog_app.store.parquet import thrift_compact as thrift

_VARINT: Final = rb"[\x80-\xff]{0,9}+[\x00-\x7f]"
_KEPT: Final = 8
# Making an expression of a struct that is larger than any real one would take minutes.
_EXPRESSION_BYTES: Final = 1 << 18


class Forbid(NamedTuple):
    """A field that must not be there, and why."""

    reason: str


class Struct(NamedTuple):
    """What is wanted of a struct, by field id: True gives the place of an integer, text or truth value, False passes
    over it, a Struct goes for a struct or each struct of a list. `others` is for fields that are not named.
    """

    name: str
    fields: "Mapping[int, Wanted]"
    others: "Wanted" = False


type Wanted = bool | Struct | Forbid
type _Path = tuple[int, ...]


class Place(NamedTuple):
    """A wanted value: the field ids that lead to it, the positions in the lists on the way, and its type."""

    fields: tuple[int, ...]
    items: tuple[int, ...]
    kind: int


class Found[T](NamedTuple):
    """A struct taken apart: where each wanted value starts and ends, what these values mean, where the struct ends."""

    spans: Sequence[tuple[int, int]]
    meaning: T
    end: int


@dataclass(slots=True)
class Patterns[T]:
    """Takes structs of one kind apart, and remembers what it met. `interpret` is asked once for structs of equal
    fields what their wanted values mean, which come in the order of their bytes.
    """

    wanted: Struct
    interpret: Callable[[Sequence[Place]], T]
    _known: list[tuple[re.Pattern[bytes], T]] = field(default_factory=list)
    _misses: int = 0

    def take_apart(self, buffer: bytes, at: int) -> Found[T]:
        """The struct at `at`; ThriftError (IndexError, RecursionError) where it is none, or has a forbidden field."""
        for number, (expression, meaning) in enumerate(self._known):
            if match := expression.match(buffer, at):
                if number:
                    self._remember(expression, meaning)
                return Found(match.regs[1:], meaning, match.end())
        walk = _Walk(buffer)
        end = walk.struct(at, self.wanted, (), ())
        if end > len(buffer):
            raise thrift.ThriftError("it ends within a value")
        meaning = self.interpret(walk.places)
        self._misses += 1
        # Making an expression takes as long as taking some fifty structs apart: twice as rare each time.
        if self._misses & (self._misses - 1) == 0 and self._misses > 1:
            pattern = b"".join(walk.expression)
            if len(pattern) <= _EXPRESSION_BYTES:
                self._remember(re.compile(pattern, re.DOTALL), meaning)
        return Found(walk.spans, meaning, end)

    def _remember(self, expression: re.Pattern[bytes], meaning: T) -> None:
        """Put it first. The list is never changed, since threads read it."""
        others = [one for one in self._known if one[0] is not expression]
        self._known = [(expression, meaning), *others[: _KEPT - 1]]


class _Walk:
    """Takes one struct apart, value by value."""

    def __init__(self, buffer: bytes) -> None:
        self.places: list[Place] = []
        self.spans: list[tuple[int, int]] = []
        self.expression: list[bytes] = []
        self._buffer = buffer

    def struct(self, at: int, wanted: Struct, fields: _Path, items: _Path) -> int:
        buffer, number = self._buffer, 0
        while buffer[at]:
            start = at
            number, kind, at = thrift.read_field_header(buffer, at, number)
            self._same(start, at)
            what = wanted.fields.get(number, wanted.others)
            if isinstance(what, Forbid):
                raise thrift.ForbiddenField(f"field {number} of {wanted.name} {what.reason}")
            at = self._value(at, kind, what, (*fields, number), items)
        self._same(at, at + 1)
        return at + 1

    def _value(self, at: int, kind: int, wanted: bool | Struct, fields: _Path, items: _Path) -> int:
        if kind == thrift.STRUCT:
            return self.struct(at, wanted if isinstance(wanted, Struct) else _ANYTHING, fields, items)
        if kind in thrift.LISTS:
            return self._list(at, wanted, fields, items)
        if isinstance(wanted, Struct):
            raise thrift.ThriftError(f"a {wanted.name} was expected, not type {kind}")
        if kind in thrift.INTEGERS:
            end = thrift.skip(self._buffer, at, kind)
            return self._any(at, end, _VARINT, wanted, Place(fields, items, kind))
        if kind == thrift.BINARY:
            length, start = thrift.varint(self._buffer, at)
            self._same(at, start)
            return self._any(start, start + length, b".{%d}" % length, wanted, Place(fields, items, kind))
        end = thrift.skip(self._buffer, at, kind)
        if kind == thrift.MAP:  # its length says nothing of what is in it
            self._same(at, end)
            return end
        return self._any(at, end, b".{%d}" % (end - at), wanted, Place(fields, items, kind))

    def _list(self, at: int, wanted: bool | Struct, fields: _Path, items: _Path) -> int:
        count, element, start = thrift.list_start(self._buffer, at)
        self._same(at, start)
        if isinstance(wanted, Struct) and element != thrift.STRUCT and count:
            raise thrift.ThriftError(f"a list of {wanted.name} was expected, not of type {element}")
        at = start
        for number in range(count):
            if element in thrift.TRUTH:  # in a list they take a byte each
                at = self._any(at, at + 1, b".", False, Place(fields, items, element))
            else:
                inner = wanted if isinstance(wanted, Struct) else False
                at = self._value(at, element, inner, fields, (*items, number))
        return at

    def _any(self, start: int, end: int, expression: bytes, wanted: bool, place: Place) -> int:
        self.expression.append(b"(" + expression + b")" if wanted else expression)
        if wanted:
            self.places.append(place)
            self.spans.append((start, end))
        return end

    def _same(self, start: int, end: int) -> None:
        self.expression.append(re.escape(self._buffer[start:end]))


_ANYTHING: Final = Struct("struct", {})
