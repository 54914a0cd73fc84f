"""A database of many datasets, without their files: pages are served from the index alone."""

from itertools import islice
from random import Random
from typing import Any

from benchmarks import desk
from benchmarks.inputs.frames import START_NS
from benchmarks.inputs.many_files import FILES_PER_DATASET, bar_type_of, dataset_names
from benchmarks.work import Workspace

_BATCH = 500


def index(workspace: Workspace) -> None:
    """`index_datasets` datasets of one store, two files each, with scores, gaps and sizes; and a trader."""
    home = workspace.path("index")
    desk.start(home)
    from django.contrib.auth.models import Group, User

    from catalog_app.models import DataFile, Dataset, Instrument, Store

    store = Store.objects.create(name="many", root=str(home / "catalog"))
    names = list(islice(dataset_names(), workspace.sizes.index_datasets))
    instruments = {instrument_id: Instrument(store=store, **_instrument(instrument_id)) for instrument_id, _ in names}
    Instrument.objects.bulk_create(instruments.values(), batch_size=_BATCH)
    random = Random(workspace.sizes.seed)
    datasets = [
        Dataset(store=store, definition=instruments[instrument_id], **_dataset(random, instrument_id, timeframe))
        for instrument_id, timeframe in names
    ]
    Dataset.objects.bulk_create(datasets, batch_size=_BATCH)
    DataFile.objects.bulk_create(
        [
            DataFile(store=store, dataset=dataset, path=f"{dataset.path}/{number}.parquet", size_bytes=1, mtime_ns=1)
            for dataset in datasets
            for number in range(FILES_PER_DATASET)
        ],
        batch_size=_BATCH,
    )
    trader = User.objects.create_user("trader")
    trader.groups.set(Group.objects.filter(name="Trader"))


def _instrument(instrument_id: str) -> dict[str, Any]:
    symbol, venue = instrument_id.split(".")
    return {
        "instrument_id": instrument_id,
        "symbol": symbol,
        "venue": venue,
        "is_defined": True,
        "instrument_class": "equity",
        "asset_class": "EQUITY",
        "price_precision": 2,
        "size_precision": 0,
    }


def _dataset(random: Random, instrument_id: str, timeframe: str) -> dict[str, Any]:
    from catalog_app.services.index_totals import moment

    bar_type = bar_type_of(instrument_id, timeframe)
    start_ns = START_NS + random.randrange(10**17)
    end_ns = start_ns + random.randrange(10**17)
    return {
        "path": f"data/{'bar' if timeframe else 'quote_tick'}/{bar_type or instrument_id}",
        "venue": instrument_id.split(".")[1],
        "instrument_id": instrument_id,
        "data_type": "bar" if timeframe else "quote",
        "timeframe": timeframe,
        "bar_type": bar_type or "",
        "dialect": "v1-16",
        "start_ns": start_ns,
        "end_ns": end_ns,
        "start_date": moment(start_ns),
        "end_date": moment(end_ns),
        "record_count": random.randrange(10**8),
        "size_bytes": random.randrange(10**9),
        "file_count": FILES_PER_DATASET,
        "price_precision": 2,
        "size_precision": 0,
        "quality_score": f"{random.random():.4f}",
        "open_gap_count": random.randrange(50),
    }
