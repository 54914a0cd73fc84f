"""Which area a root has."""

from catalog_app.store.commit.area import Area
from catalog_app.store.commit.local_area import LocalArea
from catalog_app.store.commit.s3_area import BucketArea
from catalog_app.store.filesystem import Root, StoreRoot


def area_of(root: Root) -> Area:
    """The area of a local directory or of a bucket's prefix."""
    store = StoreRoot.at(root)
    return LocalArea(store) if store.is_local else BucketArea(store)
