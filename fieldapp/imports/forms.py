"""The two forms: a file, and how its columns are to be read."""

from __future__ import annotations

from collections.abc import Mapping as Fields
from typing import Any

from wtforms import FileField, IntegerField
from wtforms.validators import InputRequired, ValidationError

from fieldapp.forms import Form
from fieldapp.imports.columns import FIELDS, MONEY, NOT_IMPORTED, UNITS, YEARLY, Mapping
from fieldapp.languages import lazy


class UploadForm(Form):
    file = FileField(lazy("Excel 或 CSV 文件"))

    def validate_file(self, field: Any) -> None:
        if not field.data or not getattr(field.data, "filename", ""):
            raise ValidationError(lazy("请先选一个文件。"))


class ConfirmForm(Form):
    """Which preview was looked at."""

    version = IntegerField(validators=[InputRequired()])


def chosen_columns(
    fields: Fields[str, str], mapping: Mapping
) -> tuple[dict[int, str], dict[int, str], dict[int, int]]:
    """(fields, units, years) by column out of the mapping form; what is not on offer is left as it was."""
    columns: dict[int, str] = {}
    units: dict[int, str] = {}
    years: dict[int, int] = {}
    for column in mapping.columns:
        name = fields.get(f"field-{column}")
        if name is not None and (name in FIELDS or name == NOT_IMPORTED):
            columns[column] = name
        unit = fields.get(f"unit-{column}", "")
        if unit in UNITS:
            units[column] = unit
        year = fields.get(f"year-{column}", "")
        if len(year) == 4 and year.isascii() and year.isdigit():
            years[column] = int(year)
    return columns, units, years


def mapping_rows(mapping: Mapping, this_year: int) -> list[dict[str, Any]]:
    """The mapping form, a row for each column of the sheet: heading, field, and unit and year where they matter."""
    rows = []
    doubled = set(mapping.doubled())
    for column, heading in sorted(mapping.headers.items()):
        name = mapping.columns[column]
        year = mapping.years.get(column)
        years = sorted({*range(this_year, this_year - 7, -1), *([year] if year else [])}, reverse=True)
        rows.append(
            {
                "column": column,
                "heading": heading,
                "letters": _letters(column),
                "field": name,
                "sure": mapping.sure.get(column, True),
                "doubled": name in doubled,
                "unit": mapping.units.get(column, "万元") if name in MONEY else "",
                "year": year if name in YEARLY else None,
                "years": years,
            }
        )
    return rows


def _letters(column: int) -> str:
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
