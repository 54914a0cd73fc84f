"""Long work as jobs.

A job is a row; the row is the truth. The broker only rings a doorbell that carries
the row's id, so a doorbell that is lost, doubled or late does no harm:

- `enqueue` writes the row and rings once the transaction has committed.
- A runner claims the row by compare-and-swap and fences each later write with its claim.
- A heartbeat keeps the claim alive. `reap` gives the job of a dead runner to the next
  one (at most `max_attempts` runs), and rings again for rows whose doorbell was lost.

So a handler runs at least once per accepted attempt and never twice at a time under
one claim. A handler must leave the world unchanged until its last step, and make that
step atomic (`store.journal`), guarded by `leases.assert_held`.
"""

from catalog_app.services.errors import JobCancelled, JobFailed, JobLost
from catalog_app.services.jobs.progress import Progress
from catalog_app.services.jobs.queue import enqueue, request_cancel, retry
from catalog_app.services.jobs.reaper import reap
from catalog_app.services.jobs.registry import handler
from catalog_app.services.jobs.runner import run_inline, run_job

__all__ = [
    "JobCancelled",
    "JobFailed",
    "JobLost",
    "Progress",
    "enqueue",
    "handler",
    "reap",
    "request_cancel",
    "retry",
    "run_inline",
    "run_job",
]
