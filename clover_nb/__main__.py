"""``python -m clover_nb``, where no ``clover-nb`` is on the path."""

from __future__ import annotations

import sys

from clover_nb.cli import main

sys.exit(main())
