"""The reference of all settings is that of the schema."""

from pathlib import Path

from configs.reference import settings_reference

HOUSE = Path(__file__).resolve().parents[2]


def test_the_page_of_all_settings_is_what_the_schema_says() -> None:
    page = (HOUSE / "docs" / "settings.md").read_text(encoding="utf-8")
    assert page == settings_reference(), "run: python -m configs > docs/settings.md"
