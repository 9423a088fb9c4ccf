"""The reference of all settings is that of the schema."""

import re
import tomllib
from pathlib import Path

from configs.reference import settings_reference

HOUSE = Path(__file__).resolve().parents[2]


def test_the_page_of_all_settings_is_what_the_schema_says() -> None:
    page = (HOUSE / "docs" / "settings.md").read_text(encoding="utf-8")
    assert page == settings_reference(), "run: python -m configs > docs/settings.md"


def test_each_default_on_the_page_is_a_value_that_a_settings_file_can_have() -> None:
    defaults = re.findall(r"^\| `(\w+)` \| `([^`]+)` \|", settings_reference(), re.MULTILINE)
    values = {key: tomllib.loads(f"value = {written}")["value"] for key, written in defaults}
    assert (values["freeze"], values["batch_size"], values["hold"]) == ({}, 64, "memory")
