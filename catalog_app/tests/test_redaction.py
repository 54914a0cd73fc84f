"""Credentials do not reach users or logs."""

import pytest

from catalog_app.services.redaction import redact


@pytest.mark.parametrize(
    "text",
    [
        "redis://:hunter2@localhost:6379/0 refused",
        "postgres://desk:hunter2@db/desk",
        "password=hunter2",
        "PASSWORD: hunter2, host: db",
        "{'api_key': 'hunter2'}",
        '{"secret": "hunter2 with spaces"}',
        "BINANCE_API_SECRET=hunter2",
        "Authorization: Bearer hunter2",
        "token dd_hunter2hunter2hunter2hunter2",
    ],
)
def test_secrets_are_replaced(text):
    assert "hunter2" not in redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "line 5: high 1.2 is below low 1.3",
        "data/bar/GBPUSD.SIM-1-MINUTE-BID-EXTERNAL: 12:30:00 UTC",
        "https://example.org/path?x=1 answered 404",
    ],
)
def test_plain_text_stays(text):
    assert redact(text) == text
