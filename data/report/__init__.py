"""The report of a prepared corpus: a page to look at and listen to, the same for programs, and a table to print."""

from data.report.page import write_report
from data.report.table import summary

__all__ = ["summary", "write_report"]
