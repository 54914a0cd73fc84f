"""Many rows at once: one prepared statement, no model objects.

Django's bulk methods build an object and an expression for each value, which takes longer than the database does.
Values are what fields hold in Python; columns that are not named get their field's default on insert.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from operator import attrgetter
from typing import Any

from django.db import connection, models

type Row = Sequence[Any]


def insert(
    model: type[models.Model],
    names: Sequence[str],
    rows: Iterable[Row],
    *,
    unique: Sequence[str],
    update: Sequence[str] = (),
) -> None:
    """Insert rows of the fields `names`; where `unique` is taken, `update` these fields, or leave the row alone."""
    given = [_field(model, name) for name in names]
    rest = [field for field in model._meta.concrete_fields if field not in given and not field.primary_key]
    defaults = tuple(field.get_db_prep_save(field.get_default(), connection) for field in rest)
    columns = ", ".join(_column(field) for field in (*given, *rest))
    marks = ", ".join(["%s"] * (len(given) + len(rest)))
    target = ", ".join(_column(_field(model, name)) for name in unique)
    changes = ", ".join(f"{name} = excluded.{name}" for name in (_column(_field(model, one)) for one in update))
    action = f"DO UPDATE SET {changes}" if changes else "DO NOTHING"
    _execute(
        f"INSERT INTO {_table(model)} ({columns}) VALUES ({marks}) ON CONFLICT ({target}) {action}",  # noqa: S608 - names of our models
        (values + defaults for values in _values(given, rows)),
    )


def update(model: type[models.Model], names: Sequence[str], rows: Iterable[Row]) -> None:
    """Set the fields `names` of rows; each row's last value is the primary key."""
    fields = [_field(model, name) for name in names]
    key = model._meta.pk
    changes = ", ".join(f"{_column(field)} = %s" for field in fields)
    _execute(
        f"UPDATE {_table(model)} SET {changes} WHERE {_column(key)} = %s",  # noqa: S608
        _values([*fields, key], rows),
    )


def _execute(statement: str, rows: Iterable[tuple[Any, ...]]) -> None:
    parameters = list(rows)
    if parameters:
        with connection.cursor() as cursor:
            cursor.executemany(statement, parameters)


def _values(fields: Sequence[models.Field[Any, Any]], rows: Iterable[Row]) -> Iterable[tuple[Any, ...]]:
    found = ((position, _preparation(field)) for position, field in enumerate(fields))
    needed = [(position, prepare) for position, prepare in found if prepare]
    for row in rows:
        values = list(row)
        for position, prepare in needed:
            if values[position] is not None:
                values[position] = prepare(values[position])
        yield tuple(values)


def _preparation(field: models.Field[Any, Any]) -> Callable[[Any], Any] | None:
    """How a value that is not null becomes what the database takes; None where it is that already."""
    target = field.target_field if isinstance(field, models.ForeignKey) else field
    if isinstance(target, models.UUIDField):
        return None if connection.features.has_native_uuid_field else attrgetter("hex")
    if isinstance(target, models.DateTimeField):
        return cache(lambda value: target.get_db_prep_save(value, connection))
    if isinstance(target, models.JSONField | models.DecimalField):
        return lambda value: target.get_db_prep_save(value, connection)
    return None


def _field(model: type[models.Model], name: str) -> models.Field[Any, Any]:
    field = model._meta.get_field(name)
    if not isinstance(field, models.Field):
        raise TypeError(f"{name} is no column of {model.__name__}")
    return field


def _table(model: type[models.Model]) -> str:
    return connection.ops.quote_name(model._meta.db_table)


def _column(field: models.Field[Any, Any]) -> str:
    return connection.ops.quote_name(field.column or field.name)
