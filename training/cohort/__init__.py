"""Many nodules at once: where they come from, a map of them by t-SNE, and the image behind each."""

from .alike import COUNT, Alike, alike
from .cohort import BY, Cohort, CohortError, Nodule
from .embed import MIN_NODULES, Step, embed
from .load import load_cohort, loading
from .opening import read_nodule

__all__ = [
    "BY",
    "COUNT",
    "MIN_NODULES",
    "Alike",
    "Cohort",
    "CohortError",
    "Nodule",
    "Step",
    "alike",
    "embed",
    "load_cohort",
    "loading",
    "read_nodule",
]
