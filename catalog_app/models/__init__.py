from catalog_app.models.dataset import DataFile, Dataset, Instrument, Store
from catalog_app.models.job import Job, JobLine
from catalog_app.models.operation import DatasetLease, StoreOperation
from catalog_app.models.run import RunFile
from catalog_app.models.token import ApiToken
from catalog_app.models.transfer import Export, Import, Upload

__all__ = [
    "ApiToken",
    "DataFile",
    "Dataset",
    "DatasetLease",
    "Export",
    "Import",
    "Instrument",
    "Job",
    "JobLine",
    "RunFile",
    "Store",
    "StoreOperation",
    "Upload",
]
