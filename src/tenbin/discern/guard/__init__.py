"""2. The guard: whether the answer kept for one text may serve another, told by their words alone.

Likeness of meaning cannot see that a year, a name or a `not` has changed; the guard looks for just that. Pure: both
texts in, what differs out. English and Japanese.
"""

from tenbin.core.agreement import Agreement, Difference, Kind
from tenbin.discern.guard.comparison import check

__all__ = ["Agreement", "Difference", "Kind", "check"]
