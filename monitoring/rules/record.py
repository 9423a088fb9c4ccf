"""Whether the curves that are judged are whole."""

from monitoring.finding import Finding
from monitoring.run import Run

MOST_NAMED = 5


def lines_damaged(run: Run) -> Finding | None:
    """Lines of metrics.jsonl that could not be read; one that was cut off by a crash makes one."""
    if not run.damaged:
        return None
    lines = [str(line) for line in run.damaged[:MOST_NAMED]]
    more = f" and {len(run.damaged) - MOST_NAMED} more" if len(run.damaged) > MOST_NAMED else ""
    which = f"Line {lines[0]}" if len(run.damaged) == 1 else f"{len(run.damaged)} lines ({', '.join(lines)}{more})"
    return Finding(
        "lines_damaged",
        "notice",
        f"{which} of metrics.jsonl cannot be read and {'is' if len(run.damaged) == 1 else 'are'} left out of all that "
        "is said and drawn: a crash cuts lines off, and a full disk, so look whether there is room on it.",
    )
