"""Keeps credentials out of what users and logs get to see."""

import logging
import re

_URL_CREDENTIALS = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*://)[^/\s@]+@", re.IGNORECASE)
_NAMED_SECRETS = re.compile(
    r"(?P<name>\b(?:[\w-]*(?:password|passwd|secret|token|api[_-]?key|authorization|credential)s?))"
    r"(?P<between>[\"']?\s*[=:]\s*)(?:bearer\s+)?(?:\"[^\"]*\"|'[^']*'|[^\s,;&\"']+)",
    re.IGNORECASE,
)
_TOKENS = re.compile(r"\bdd_[\w-]{20,}")


def redact(text: str) -> str:
    """Replace credentials in addresses, `name=value` secrets and API tokens by asterisks."""
    text = _URL_CREDENTIALS.sub(r"\g<scheme>***@", text)
    text = _TOKENS.sub("***", text)
    return _NAMED_SECRETS.sub(r"\g<name>\g<between>***", text)


class RedactingFormatter(logging.Formatter):
    """Formats a log record, its traceback included, without credentials."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as text."""
        return redact(super().format(record))
