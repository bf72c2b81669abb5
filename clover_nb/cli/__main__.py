"""``python -m clover_nb.cli``."""

import sys

from clover_nb.cli import main

sys.exit(main())
