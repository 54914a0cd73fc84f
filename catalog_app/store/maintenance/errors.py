"""What only maintenance can find wrong."""

from catalog_app.store.errors import StoreError


class VerificationFailed(StoreError):
    """What was written is not exactly what was announced. Nothing was changed."""
