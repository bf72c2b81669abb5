"""The dtypes of columns that pandas has no short name for, or not in each of its versions."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

#: Text, where what is missing is NaN. pandas 3 has it as "str", which for pandas 2 is `object`.
TEXT_DTYPE: Final = pd.StringDtype(na_value=np.nan)
