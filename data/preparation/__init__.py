"""Preparation of a corpus: every row examined, and its audio cached."""

from data.preparation.examination import PreparedClip
from data.preparation.preparation import Preparation, prepare

__all__ = ["Preparation", "PreparedClip", "prepare"]
