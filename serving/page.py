"""The page on which voices are tried: one self-contained document that asks nobody but this server."""

import html
import re
from dataclasses import dataclass
from pathlib import Path

from data.report.web_page import json_for_script, render_page
from serving.settings import ServingSettings
from serving.voice_list import VoiceList

_HERE = Path(__file__).parent / "web"


@dataclass(frozen=True)
class Page:
    """An HTML document, and the headers it is sent with."""

    content: str
    headers: dict[str, str]


def make_page(voices: VoiceList, settings: ServingSettings) -> Page:
    """The page of these voices."""
    about = {"voices": [one.described() for one in voices], "maxCharacters": settings.max_characters}
    content = render_page(
        _HERE / "page.html.jinja",
        styles=[_HERE / "page.css"],
        scripts=[_HERE / "spectrogram.js", _HERE / "page.js"],
        about=json_for_script(about),
    )
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]+)"', content)
    # frame-ancestors has an effect in a header only.
    headers = {
        "Content-Security-Policy": f"{html.unescape(policy)}; frame-ancestors 'none'",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-cache",
    }
    return Page(content.encode("utf-8", "backslashreplace").decode(), headers)
