"""What a form is for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from clover_nb.errors import CloverError
from clover_nb.forms.actions import Done
from clover_nb.forms.values import Difference

Typed = dict[str, str]


@dataclass(frozen=True)
class Job:
    """What a form is for; the functions know of no widget.

    Attributes:
        title: The heading.
        submit: The button's text.
        busy: The button's text while it works.
        problems: What is wrong with what was typed, by field. As in the following, the first
            argument is the customer's row, or ``None`` for a new one.
        changes: What will change.
        act: Does the change. Its last argument says that doubts were overruled.
        shown: What the fields hold for a customer, before anything is typed.
        ticks: What must be agreed to: a sentence by name.
        done: What is said when it was done.
    """

    title: str
    submit: str
    busy: str
    problems: Callable[[Any, Typed], Mapping[str, CloverError]]
    changes: Callable[[Any, Typed], Iterable[Difference]]
    act: Callable[[Any, Typed, bool], Done]
    shown: Callable[[pd.Series[Any]], Mapping[str, str]] = lambda _: {}
    ticks: Mapping[str, str] = field(default_factory=dict)
    done: str = "Saved"
