"""Requests and plans go through JSON unchanged, and wrong ones are refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from catalog_app.store.maintenance import (
    Archive,
    Consolidate,
    Deduplicate,
    DeleteRange,
    Recompress,
    RenameFiles,
    Request,
    SortRows,
    SplitOverlaps,
    plan,
    plan_from_json,
    request_from_json,
)
from catalog_app.tests.store.maintenance.builders import DIRECTORY, put_file

REQUESTS = [
    Consolidate(target_rows=5),
    Consolidate(target_bytes=1_000_000, start_ns=0, end_ns=2**63 - 1),
    Consolidate(period="week", end_ns=3),
    Deduplicate(),
    Deduplicate(4, 5),
    SortRows(),
    SplitOverlaps(),
    Recompress(),
    Recompress("snappy", 5_000),
    RenameFiles(),
    DeleteRange(2, 2),
    Archive("s3://bucket/x", 1),
]


@pytest.mark.parametrize("request_", REQUESTS, ids=str)
def test_requests_come_back_equal(request_: Request) -> None:
    assert request_from_json(json.loads(json.dumps(request_.to_json()))) == request_


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({}, "unknown operation None"),
        ({"kind": "vacuum"}, "unknown operation 'vacuum'"),
        ({"kind": "consolidate"}, "give one of"),
        ({"kind": "consolidate", "targetRows": 1, "period": "day"}, "give one of"),
        ({"kind": "consolidate", "targetRows": 0}, "at least 1"),
        ({"kind": "consolidate", "targetRows": True}, "whole number"),
        ({"kind": "consolidate", "targetRows": "9"}, "whole number"),
        ({"kind": "consolidate", "targetBytes": 1.5}, "whole number"),
        ({"kind": "consolidate", "period": "decade"}, "period must be"),
        ({"kind": "consolidate", "period": 1}, "must be text"),
        ({"kind": "consolidate", "period": "day", "startNs": 2, "endNs": 1}, "ends before"),
        ({"kind": "sort_rows", "startNs": 2}, "takes no startNs"),
        ({"kind": "recompress", "compression": "lzma"}, "compression must be"),
        ({"kind": "recompress", "rowGroupRows": 7}, "row groups must be"),
        ({"kind": "delete_range", "startNs": 2}, "missing"),
        ({"kind": "delete_range", "startNs": 2, "endNs": 1}, "ends before"),
        ({"kind": "archive"}, "missing"),
        ({"kind": "archive", "targetRoot": " "}, "name the store"),
    ],
)
def test_wrong_requests_are_refused(values: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        request_from_json(values)


@pytest.mark.parametrize("request_", [Consolidate(target_rows=100), DeleteRange(2, 2), SortRows()], ids=str)
def test_plans_come_back_equal(tmp_path: Path, request_: Request) -> None:
    put_file(tmp_path, [(1, 1), (3, 1), (2, 1)])
    put_file(tmp_path, [(7, 1), (9, 1)], name="part-0.parquet")
    one = plan(tmp_path, DIRECTORY, request_)
    values = json.loads(json.dumps(one.to_json()))
    assert plan_from_json(values) == one
    assert values["isNoop"] is False
    assert values["filesBefore"][0].keys() == {"path", "rows", "sizeBytes", "startNs", "endNs", "mtimeNs"}


def test_what_is_no_plan_is_refused() -> None:
    with pytest.raises(ValueError, match="no plan"):
        plan_from_json({"kind": "sort_rows"})
