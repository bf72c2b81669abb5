"""What the commands exit with."""

from __future__ import annotations

from typing import Final

DONE: Final = 0
ERROR: Final = 1
#: Something would be changed, or rows failed or are left.
CHANGES: Final = 2
#: As shells say it of Ctrl-C.
INTERRUPTED: Final = 130
