"""Which datasets can be held against each other: the same instrument elsewhere, at other venues, in other forms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Case, Count, Q, QuerySet, Value, When
from django.db.models.functions import Replace

from catalog_app.models import Dataset
from catalog_app.models.dataset import DataType, IndexState
from catalog_app.store.bar_type import parse_bar_type
from quality_app.reconcile.series import PRICE_KINDS
from quality_app.services.context import interval_of

MOST_FOUND = 60
MOST_INSTRUMENTS = 20
_SEPARATORS = "/-_"
_BARE = Replace(Replace(Replace("instrument_id", Value("/")), Value("-")), Value("_"))
_NO_LENGTH = 2**62
# Datasets with fewer rows are offered, not proposed.
_TOO_FEW = 100
_BY_PRICE_TYPE = {"BID": "bid", "ASK": "ask", "MID": "mid"}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A dataset that can be a source, and the price that suits it."""

    dataset: Dataset
    is_other_venue: bool
    label: str
    price: str
    prices: tuple[str, ...]
    interval_ns: int | None


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a reconciliation of an instrument could be: sources, which are chosen at first, and the bars' length."""

    instrument_id: str
    candidates: list[Candidate]
    chosen: list[int]
    interval_ns: int | None

    @property
    def is_one_price(self) -> bool:
        """Whether the chosen sources should show the same price: all bids, all last prices …"""
        chosen = [self.candidates[at] for at in self.chosen]
        return len({_nature(candidate.dataset, candidate.price) for candidate in chosen}) == 1


def find_instruments(words: str) -> list[tuple[str, int]]:
    """Return ids of instruments that have comparable data and match words, each with its number of such datasets."""
    rows = _comparable().filter(Q(instrument_id__icontains=words) | Q(path__icontains=words) if words else Q())
    counted = rows.order_by().values_list("instrument_id").annotate(number=Count("pk"))
    # Those with something to compare first.
    alone = Case(When(number__lt=2, then=1), default=0)
    return list(counted.order_by(alone, "instrument_id")[:MOST_INSTRUMENTS])


def propose(instrument_id: str) -> Proposal:
    """Return candidates for an instrument: in all stores, at other venues by its symbol or its currencies."""
    key = _key(instrument_id)
    rows = _comparable().annotate(key=_BARE).filter(key__startswith=f"{key.rpartition('.')[0]}.")
    found = sorted(rows.select_related("store", "definition")[: 10 * MOST_FOUND], key=lambda row: _rank(row, key))
    found = found[:MOST_FOUND]
    chosen = _chosen(found)
    price_type = next((_price_type(found[at]) for at in chosen if found[at].data_type == DataType.BAR), "")
    candidates = [_candidate(row, instrument_id, price_type) for row in found]
    return Proposal(instrument_id, candidates, chosen, common_interval([found[at] for at in chosen]))


def common_interval(datasets: Sequence[Dataset]) -> int | None:
    """Return the length of bars that all sources can be brought to: the longest; None compares rows as they are."""
    intervals = [interval_of(dataset) for dataset in datasets if dataset.data_type == DataType.BAR]
    if not intervals or None in intervals:
        return None
    return max(interval for interval in intervals if interval is not None)


def label_of(dataset: Dataset) -> str:
    """Return a dataset in a few words: instrument, form, store."""
    # Bars that NautilusTrader built itself stand beside those of a vendor.
    built = " internal" if "-INTERNAL" in dataset.bar_type else ""
    return f"{dataset.instrument_id} {dataset.label}{built} · {dataset.store.name}"[:80]


def _comparable() -> QuerySet[Dataset]:
    rows = Dataset.objects.filter(data_type__in=PRICE_KINDS, state=IndexState.OK, record_count__gt=0)
    return rows.exclude(instrument_id="")


def _key(instrument_id: str) -> str:
    """An instrument id without the separators that venues set differently: BTC-USDT.OKX is BTCUSDT.OKX."""
    for separator in _SEPARATORS:
        instrument_id = instrument_id.replace(separator, "")
    return instrument_id


def _rank(dataset: Dataset, key: str) -> tuple[bool, str, int, int, str, str]:
    """The instrument itself first; bars before ticks, short ones before long ones."""
    kind = list(PRICE_KINDS).index(dataset.data_type)
    interval = interval_of(dataset) or _NO_LENGTH
    is_other = _key(dataset.instrument_id) != key
    return is_other, dataset.instrument_id, kind, interval, dataset.timeframe, dataset.store.name


def _chosen(found: Sequence[Dataset]) -> list[int]:
    """What most sources have in the same form, short bars first; of a single store, bars and what they come from."""
    groups: dict[tuple[str, str], list[int]] = {}
    for at, dataset in enumerate(found):
        if (dataset.record_count or 0) >= _TOO_FEW:
            groups.setdefault((dataset.data_type, dataset.timeframe), []).append(at)
    largest = max(groups.values(), key=len, default=[])
    if len(largest) > 1:
        return largest[:3]
    bars = [at for at, row in enumerate(found) if row.data_type == DataType.BAR and interval_of(row)]
    wanted = DataType.TRADE if bars and _price_type(found[bars[0]]) == "LAST" else DataType.QUOTE
    ticks = [at for at, row in enumerate(found) if row.data_type in {DataType.QUOTE, DataType.TRADE}]
    ticks.sort(key=lambda at: found[at].data_type != wanted)
    if bars and ticks:
        return [bars[0], ticks[0]]
    return _joinable(found, bars)


def _joinable(found: Sequence[Dataset], bars: list[int]) -> list[int]:
    """The shortest bars and the next longer ones of the same price that they can be joined to."""
    for at in bars[1:]:
        short, long = interval_of(found[bars[0]]), interval_of(found[at])
        same = _price_type(found[at]) == _price_type(found[bars[0]])
        if short and long and long > short and long % short == 0 and same:
            return [bars[0], at]
    return []


def _candidate(dataset: Dataset, instrument_id: str, price_type: str) -> Candidate:
    prices = PRICE_KINDS[dataset.data_type]
    price = _BY_PRICE_TYPE.get(price_type, prices[0])
    is_same = _key(dataset.instrument_id) == _key(instrument_id)
    return Candidate(
        dataset=dataset,
        is_other_venue=not is_same,
        label=label_of(dataset),
        price=price if price in prices else prices[0],
        prices=prices,
        interval_ns=interval_of(dataset),
    )


def _nature(dataset: Dataset, price: str) -> str:
    return _price_type(dataset).lower() if dataset.data_type == DataType.BAR else price


def _price_type(dataset: Dataset) -> str:
    try:
        return parse_bar_type(dataset.bar_type).price_type
    except ValueError:
        return ""
