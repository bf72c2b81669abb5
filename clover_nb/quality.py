"""What is missing, doubtful or twice in a table of customers, and a safe way to take it elsewhere.

All functions take a table as from ``clover.customers.list()`` and leave it as it is.
"""

from __future__ import annotations

import csv
import datetime as dt
import re
import unicodedata
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from rapidfuzz import fuzz, process, utils

from clover_nb import addresses, validation
from clover_nb.dtypes import TEXT_DTYPE
from clover_nb.errors import ValidationError
from clover_nb.files import check_path, replace_file
from clover_nb.frames import prepare_customers

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

_ADDRESS: Final = ("line1", "city", "state", "postal_code", "country")
_ADDRESS_COLUMNS: Final = tuple(f"shipping_{part}" for part in _ADDRESS)
_COMPARED: Final = ("name", "email", "phone", "shipping_line1", "shipping_postal_code")
_COLUMNS: Final = ("card_count", "card_expiry", *_COMPARED, *_ADDRESS_COLUMNS)
_CHECKED: Final = ("US", "CA")  # where states and postal codes are known well enough
_EXAMPLES: Final = 3
# Names and streets that differ by a letter or two have at least this much in common, of 100.
_ALIKE: Final = 80
# How many neighbours each customer is compared with among those who share something, sorted by
# name: in a group of ten thousand (a placeholder for a phone, say) not everyone with everyone.
_NEIGHBOURS: Final = 20
_SHORTEST_PHONE: Final = 7  # digits
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def report(table: pd.DataFrame, today: dt.date | None = None) -> pd.DataFrame:
    """What is missing and what is doubtful, one line a kind of finding.

    Args:
        table: Customers, as from ``clover.customers.list()``.
        today: The day that cards expire by; by default today.

    Returns:
        A DataFrame indexed by ``finding``, with the columns ``customers`` (how many), ``share`` (of
        all, from 0 to 1) and ``examples`` (the first ids). Findings that nobody has are left out.

    Example:
        >>> clover = clover_nb.connect("local", seed=1)
        >>> found = clover_nb.quality.report(clover.customers.list())
        >>> int(found.loc["address: city missing", "customers"])
        2
    """
    table, today = prepare_customers(table, *_COLUMNS), validation.check_day("today", today)
    found = [
        (kind, table.index[mask], mask.sum())
        for kind, mask in _find_flaws(table, today)
        if mask.any()
    ]
    lines = {
        "customers": [int(many) for _, _, many in found],
        "share": [many / len(table) for _, _, many in found],
        "examples": [", ".join(map(str, ids[:_EXAMPLES])) for _, ids, _ in found],
    }
    return pd.DataFrame(lines, index=pd.Index([kind for kind, _, _ in found], name="finding"))


def _find_flaws(table: pd.DataFrame, today: dt.date) -> Iterator[tuple[str, Any]]:
    """Each kind of finding, and who has it."""
    for kind in ("email", "name", "phone"):
        yield f"no {kind}", _is_missing(table[kind]).to_numpy()
    yield "no address", ~_has_address(table).to_numpy()
    yield "no card on file", (_fill_texts(table["card_count"]).isin(("", "0", "0.0"))).to_numpy()
    this_month, soon = (f"{day.year}-{day.month:02}" for day in (today, _months_after(today, 2)))
    expiry = _fill_texts(table["card_expiry"]).replace("", "9999-12")
    yield "newest card expired", (expiry < this_month).to_numpy()
    within = (expiry >= this_month) & (expiry <= soon)
    yield "newest card expires within three months", within.to_numpy()
    doubts = doubtful_addresses(table)
    for problem, own in doubts.groupby("problem", sort=True):
        yield f"address: {problem}", table.index.isin(own.index)
    twins = duplicates(table)
    yield "probably twice in the list", table.index.isin([*twins["id"], *twins["other_id"]])


def doubtful_addresses(table: pd.DataFrame) -> pd.DataFrame:
    """Addresses in the United States and Canada that can't be right as they are.

    Args:
        table: Customers, as from ``clover.customers.list()``.

    Returns:
        A DataFrame indexed by the customer ``id``, in the order of the table, with one line a
        problem: ``problem`` (such as ``"state missing"`` or ``"postal code doesn't fit"``) and
        ``message``, a sentence about it. An address that isn't given at all is none of them.

    Example:
        >>> clover = clover_nb.connect("local", seed=1)
        >>> doubtful = clover_nb.quality.doubtful_addresses(clover.customers.list())
        >>> doubtful["message"].iloc[0]
        '60601 is not a ZIP code of the state TX.'
    """
    table = prepare_customers(table, *_ADDRESS_COLUMNS)
    parts = pd.DataFrame({part: _fill_texts(table[f"shipping_{part}"]) for part in _ADDRESS})
    parts["country"] = parts["country"].str.upper().replace("", "US")  # D: as Clover fills it in
    place = np.arange(len(parts))
    chosen = (_has_address(table) & parts["country"].isin(_CHECKED)).to_numpy()
    parts, place = parts[chosen], place[chosen]
    # Of the street and the city it only matters whether they are there, so few addresses differ.
    for part in ("line1", "city"):
        parts[part] = parts[part].where(parts[part] == "", "given")
    kinds = parts.drop_duplicates()
    found = [
        (*address, finding.part, finding.message)
        for address in kinds.itertuples(index=False, name=None)
        for finding in addresses.check(dict(zip(_ADDRESS, address, strict=True)))
    ]
    problems = pd.DataFrame(found, columns=[*_ADDRESS, "part", "message"], dtype=TEXT_DTYPE)
    lines = parts.rename_axis("id").reset_index().assign(place=place)
    lines = lines.merge(problems, on=list(_ADDRESS))
    given = [row[row["part"]] for row in lines.to_dict("records")]
    what = pd.Series(given, dtype=TEXT_DTYPE).ne("").map({True: " doesn't fit", False: " missing"})
    what = what.astype(TEXT_DTYPE)  # pandas 2 doesn't know it of an empty one
    lines["problem"] = lines["part"].str.replace("line1", "street").str.replace("_", " ") + what
    lines = lines.sort_values("place", kind="stable")
    return lines.set_index("id")[["problem", "message"]]


def duplicates(table: pd.DataFrame) -> pd.DataFrame:
    """Pairs of records that are probably the same person.

    Two records are a pair when they share the email address; or the phone (digits alone) and have
    names that are much alike; or the postal code and house number, with names and streets that are
    much alike. Letters' case, accents and the order of a name's parts don't matter.

    Args:
        table: Customers, as from ``clover.customers.list()``.

    Returns:
        A DataFrame with one line a pair, the surest first: ``id`` and ``other_id`` in the order of
        the table, ``name`` and ``other_name``, ``why`` (of ``email``, ``phone`` and ``place``,
        joined by commas) and ``score``: how alike the names are, from 0 to 100; where the email
        address is shared, from 90.

    Example:
        >>> clover = clover_nb.connect("local", seed=1)
        >>> pairs = clover_nb.quality.duplicates(clover.customers.list())
        >>> pairs[["name", "other_name", "why"]].iloc[0].to_list()
        ['Isha Kapoor', 'I. Kapoor', 'email']
    """
    table = prepare_customers(table, *_COMPARED).reset_index(names="id")
    names = _simplify_texts(table["name"])
    emails = _fill_texts(table["email"]).str.strip().str.casefold()
    phones = _fill_texts(table["phone"]).str.replace(r"\D", "", regex=True)
    phones = phones.where(phones.str.len() >= _SHORTEST_PHONE, "")
    streets = _simplify_texts(table["shipping_line1"])
    numbers = streets.str.extract(r"^(\d+)", expand=False).fillna("")
    codes = _fill_texts(table["shipping_postal_code"]).str.replace(" ", "")
    places = (codes + " " + numbers).where((codes != "") & (numbers != ""), "")

    by_email = _find_pairs(emails, names).assign(why="email")
    by_phone = _find_pairs(phones, names).assign(why="phone")
    by_place = _find_pairs(places, names).assign(why="place")
    # Not by its parts in order: St and Street don't stand at one place in the alphabet.
    by_place = by_place[_score_likeness(streets, by_place, fuzz.ratio) >= _ALIKE]
    pairs = pd.concat([by_email, by_phone, by_place], ignore_index=True)
    alike, same_email = (
        _score_likeness(names, pairs, fuzz.token_sort_ratio),
        pairs["why"] == "email",
    )
    pairs["score"] = np.where(same_email, 90 + alike / 10, alike)
    pairs = pairs[same_email | (alike >= _ALIKE)]
    pairs = pairs.groupby(["one", "other"], as_index=False).agg({"why": ", ".join, "score": "max"})
    pairs = pairs.sort_values(
        ["score", "one", "other"], ascending=[False, True, True], ignore_index=True
    )
    one, other = (table.iloc[pairs[side]] for side in ("one", "other"))
    return pd.DataFrame(
        {
            "id": one["id"].array,
            "other_id": other["id"].array,
            "name": one["name"].astype(TEXT_DTYPE).array,
            "other_name": other["name"].astype(TEXT_DTYPE).array,
            "why": pairs["why"].astype(TEXT_DTYPE),
            "score": pairs["score"].round().astype("int64"),
        }
    )


def save_csv(table: pd.DataFrame, path: str | os.PathLike[str]) -> None:
    """Write a table as CSV that a spreadsheet shows as it is, and never runs.

    A text that begins with ``=``, ``+``, ``-``, ``@`` (wide ones too), a tab or a new line would be
    taken for a formula (or a number) by spreadsheets; it gets an apostrophe in front, as they mark
    text, in headings too. Lists are written with blanks between their items. The encoding is UTF-8
    with the mark by which Excel recognises it; half an emoji, which has no encoding, is replaced.

    Other signs that are no text, such as the line break of a word processor, become blanks.

    Args:
        table: Any table; its index is written too.
        path: The file. It is written whole, or stays as it is.

    Raises:
        ValidationError: It is no table, or the file can't be written.

    Example:
        >>> table = pd.DataFrame({"name": ["=1+1"]}, index=pd.Index(["A1"], name="id"))
        >>> clover_nb.quality.save_csv(table, "customers.csv")
        >>> print(Path("customers.csv").read_text().splitlines()[1])
        "A1","'=1+1"
    """
    if not isinstance(table, pd.DataFrame | pd.Series):
        raise ValidationError(
            f"table must be a DataFrame, not a {type(table).__name__}.", field="table"
        )
    table = pd.DataFrame(table)  # a column alone too, such as of value_counts
    index = table.index.to_frame(index=False)
    names = ["index" if name is None else name for name in table.index.names]
    parts = [part.iloc[:, n] for part in (index, table) for n in range(part.shape[1])]
    columns = {
        place: part.array
        if pd.api.types.is_numeric_dtype(part)
        else [_neutralize_cell(value) for value in part.array]
        for place, part in enumerate(parts)
    }
    safe = pd.DataFrame(columns)
    safe.columns = pd.Index([_neutralize_cell(str(name)) for name in (*names, *table.columns)])
    # Texts are quoted: with a lone carriage return in one, its rest would be a line of its own.
    with replace_file(check_path(path)) as part:
        safe.to_csv(part, index=False, encoding="utf-8-sig", quoting=csv.QUOTE_NONNUMERIC)


def _neutralize_cell(value: Any) -> Any:  # noqa: ANN401  whatever a cell has
    if isinstance(value, list | tuple | np.ndarray):
        value = " ".join(map(str, value))
    if not isinstance(value, str):
        return value
    text = _CONTROL.sub(" ", _SURROGATE.sub("\ufffd", value))
    return f"'{text}" if text.startswith(_FORMULA) else text


def _fill_texts(column: pd.Series[Any]) -> pd.Series[str]:
    """A column of any dtype as texts, empty where there is nothing."""
    return column.astype(TEXT_DTYPE).fillna("")


def _is_missing(column: pd.Series[str]) -> pd.Series[bool]:
    return _fill_texts(column).str.strip() == ""


def _has_address(table: pd.DataFrame) -> pd.Series[bool]:
    parts = [~_is_missing(table[f"shipping_{part}"]) for part in _ADDRESS if part != "country"]
    return pd.concat(parts, axis=1).any(axis=1)


def _months_after(day: dt.date, months: int) -> dt.date:
    count = day.year * 12 + day.month - 1 + months
    return dt.date(count // 12, count % 12 + 1, 1)


def _simplify_texts(column: pd.Series[str]) -> pd.Series[str]:
    """Texts without case, accents and punctuation; each that comes often is made once."""
    texts = _fill_texts(column).astype("category")
    plain = [
        utils.default_process(
            "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
        )
        for text in texts.cat.categories
    ]
    return pd.Series(np.array(plain, dtype=object)[texts.cat.codes], dtype=TEXT_DTYPE)


def _find_pairs(keys: pd.Series[str], names: pd.Series[str]) -> pd.DataFrame:
    """Positions of those who share a key: neighbours, when they are sorted by key and name."""
    known = pd.DataFrame({"key": keys.array, "name": names.array})
    known = known[known["key"] != ""].sort_values(["key", "name"], kind="stable")
    key, position = known["key"].to_numpy(), known.index.to_numpy()
    found = []
    for step in range(1, _NEIGHBOURS + 1):
        same = key[step:] == key[:-step]
        if not same.any():
            break
        found.append(np.column_stack([position[:-step][same], position[step:][same]]))
    both = np.sort(np.concatenate([np.empty((0, 2), int), *found]), axis=1)
    return pd.DataFrame(both, columns=["one", "other"])


def _score_likeness(texts: pd.Series[str], pairs: pd.DataFrame, scorer: Any) -> Any:  # noqa: ANN401  an array
    """How much alike the texts of each pair are, from 0 to 100; 0 where one is empty."""
    one, other = (texts.iloc[pairs[side]].to_numpy(dtype=object) for side in ("one", "other"))
    alike = process.cpdist(one, other, scorer=scorer).astype(float)
    alike[(one == "") | (other == "")] = 0
    return alike
