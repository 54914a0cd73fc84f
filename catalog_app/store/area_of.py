"""Which area a root has."""

from catalog_app.store.area import Area
from catalog_app.store.filesystem import Root, StoreRoot
from catalog_app.store.local_area import LocalArea
from catalog_app.store.s3_area import BucketArea


def area_of(root: Root) -> Area:
    """The area of a local directory or of a bucket's prefix."""
    store = StoreRoot.at(root)
    return LocalArea(store) if store.is_local else BucketArea(store)
