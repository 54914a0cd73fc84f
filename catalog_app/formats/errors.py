"""What can go wrong with a file from outside or an export."""


class FormatError(Exception):
    """A file that cannot be used: `what` is wrong, `where` it is, and what to do (`action`). Nothing was written."""

    def __init__(self, what: str, where: str = "", action: str = "") -> None:
        self.what = what
        self.where = where
        self.action = action
        place = f"{where}: " if where else ""
        super().__init__(f"{place}{what}. {action}".strip())
