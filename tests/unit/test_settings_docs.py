"""The generated page of the settings is the one that is in the repository."""

from pathlib import Path

import pytest

from tenants.settings.catalog import entries
from tenants.settings.docs import settings_page

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"


def test_the_page_is_fresh():
    assert PAGE.read_text() == settings_page(), "run `make docs`"


@pytest.mark.parametrize("name", entries())
def test_every_setting_has_one_row_with_its_meaning(name):
    rows = [row for row in settings_page().splitlines() if row.startswith(f"| `{name}` |")]
    assert len(rows) == 1
    assert entries()[name].description in rows[0]


def test_every_row_has_as_many_cells_as_the_head():
    rows = [row for row in settings_page().splitlines() if row.startswith("|")]
    assert {row.replace("\\|", "").count("|") for row in rows} == {7}
