"""The generated page of the settings is the one that is in the repository."""

from pathlib import Path

import pytest

from tenants.settings.catalog import entries
from tenants.settings.docs import settings_page
from tests.invented import Invented

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


def test_a_new_setting_has_its_row_in_a_section_of_its_own():
    added = [line for line in settings_page(Invented).splitlines() if line not in settings_page().splitlines()]
    assert added[0] == "## Sky"
    assert added[1].startswith("| `MOON_PHASE` | number | `1` | free: at most 14 | Phase of the moon.")
    assert len(added) == 2
