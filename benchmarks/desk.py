"""The desk's index in this process: Django with a database of its own."""

import os
from pathlib import Path

_OWN = ("DATABASE_URL", "REDIS_URL", "NAUTILUS_PATH", "DEBUG", "ALLOWED_HOSTS")


def start(home: Path) -> None:
    """Set Django up with SQLite below `home`, migrated; the installation's own settings are not looked at."""
    for name in _OWN:
        os.environ.pop(name, None)
        os.environ.pop(f"{name}_FILE", None)
    os.environ |= {
        "ENV_FILE": "",
        "DATACATALOG_HOME": str(home),
        "DJANGO_SETTINGS_MODULE": "benchmarks.settings",
        "LOG_LEVEL": "ERROR",
    }
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0, interactive=False)
