"""The report of a prepared corpus: an HTML page with players, JSON, and a table for the terminal."""

from data.report.page import write_report
from data.report.table import summary

__all__ = ["summary", "write_report"]
