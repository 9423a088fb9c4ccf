"""A corpus made ready: every row looked at and decided upon, and its sound in a cache."""

from data.preparation.examination import PreparedClip
from data.preparation.preparation import Preparation, prepare

__all__ = ["Preparation", "PreparedClip", "prepare"]
