"""Voices of other programs, and our own, as voices to speak with, to export, or to train on."""

from models.importing.assembly import Imported, Judges
from models.importing.report import Fate, Line, Report
from models.importing.sources import load_voice_from
from models.importing.warm_start import WarmStart

__all__ = ["Fate", "Imported", "Judges", "Line", "Report", "WarmStart", "load_voice_from"]
