"""How long the trash keeps what operations removed: until then each can be undone."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID, uuid4

from catalog_app.store.commit import durable
from catalog_app.store.commit.area import Area
from catalog_app.store.commit.area_of import area_of
from catalog_app.store.commit.records import Record
from catalog_app.store.errors import StoreError
from catalog_app.store.filesystem import Root

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Purged:
    """What a purge deleted: whose trash, how many files, and the bytes that came free."""

    operations: list[UUID]
    files: int
    bytes: int


def purge(
    root: Root, *, older_than_ns: int | None = None, operation_ids: Collection[UUID | str] | None = None
) -> Purged:
    """Delete the trash of the operations before a moment (ns, UTC), or of the named ones; they can no longer be undone.

    It is an operation of its own in the journal: one that a crash interrupts is finished by `recover`. Stamps of the
    journal that come from a clock set wrong make operations younger, never older. Raises StoreError for an unknown
    operation, ValueError unless exactly one of the two is given. A bucket's root must be `StoreRoot.guarded`.
    """
    if (older_than_ns is None) == (operation_ids is None):
        raise ValueError("name either a moment or operations")
    area = area_of(root)
    with durable.explained(f"cannot purge the store {root}"), area.exclusive() as held:
        area.finish_interrupted()
        records = sorted(area.final_records(), key=lambda record: record.sequence)
        wanted = _older(records, older_than_ns or 0) if operation_ids is None else _named(records, operation_ids)
        usage = area.trash_usage()
        chosen = [record for record in wanted if not record.purges and record.purged_at is None]
        chosen = [record for record in chosen if record.files_before or record.operation_id in usage]
        if not chosen:
            return Purged([], 0, 0)
        held()
        return _purge(area, chosen)


def _purge(area: Area, chosen: list[Record]) -> Purged:
    record = Record(
        operation_id=str(uuid4()),
        kind="purge",
        directory="",
        created_at=datetime.now(UTC).isoformat(),
        state="prepared",
        sequence=area.next_sequence(),
        purges=[one.operation_id for one in chosen],
    )
    area.save_pending(record)
    deleted = [area.empty_trash(operation_id) for operation_id in record.purges]
    area.finish(record, "committed")
    return Purged(
        [UUID(operation_id) for operation_id in record.purges],
        sum(files for files, _ in deleted),
        sum(freed for _, freed in deleted),
    )


def trash_size(root: Root) -> int:
    """Bytes that a purge of everything would free."""
    return sum(area_of(root).trash_usage().values())


def _named(records: list[Record], operation_ids: Collection[UUID | str]) -> list[Record]:
    known = {record.operation_id: record for record in records}
    wanted = [str(UUID(str(one))) for one in operation_ids]
    if unknown := [one for one in wanted if one not in known]:
        raise StoreError(f"operation {unknown[0]} is unknown here: nothing was purged")
    return [known[one] for one in wanted]


def _older(records: list[Record], moment_ns: int) -> list[Record]:
    """Records surely made before a moment, whatever the clock did: so were all before them in the journal.

    An operation is as young as its own stamp and every earlier one say. A stamp of the future tells nothing: such a
    record is as young as the next one after it.
    """
    now_ns = _ns(datetime.now(UTC))
    stamps = [_ns(datetime.fromisoformat(record.created_at)) for record in records]
    youngest, ages = 0, []
    for stamp in stamps:
        youngest = max(youngest, stamp) if stamp <= now_ns else youngest
        ages.append(youngest if stamp <= now_ns else None)
    following: int | None = None
    for index in range(len(ages) - 1, -1, -1):
        ages[index] = following if ages[index] is None else ages[index]
        following = ages[index]
    return [record for record, age in zip(records, ages, strict=True) if age is not None and age < moment_ns]


def _ns(moment: datetime) -> int:
    delta = moment - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * 10**9 + delta.microseconds * 1_000
