"""Languages that write 1.234,5 and 14:30: a table each. A further one is a file like dutch.py, and a line here."""

from text.continental.dutch import DUTCH
from text.continental.german import GERMAN

TABLES = {table.code: table for table in (DUTCH, GERMAN)}
