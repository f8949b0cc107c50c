"""The two exceptions that are not bugs. Everything else that leaves a job is one, and keeps its traceback."""


class UserError(Exception):
    """Something the user can mend: a bad value, file or machine. Shown inline, never as a traceback.

    what: one sentence, "expected …, got …" where that fits.
    remedy: what to do about it; may be empty.
    """

    def __init__(self, what: str, remedy: str = "") -> None:
        super().__init__(what, remedy)
        self.what = what
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.what} ({self.remedy})" if self.remedy else self.what


class Cancelled(Exception):
    """Raised by `JobContext.check` once the job was asked to stop; ends it quietly."""
