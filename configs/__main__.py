"""The reference of all settings as Markdown: `python -m configs > docs/settings.md`."""

from configs.reference import settings_reference

print(settings_reference(), end="")
