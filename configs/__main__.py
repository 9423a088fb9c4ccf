"""Prints the settings reference as Markdown: `python -m configs > docs/settings.md`."""

from configs.reference import settings_reference

print(settings_reference(), end="")
