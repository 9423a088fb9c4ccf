"""A real browser for the pages, where there is one."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--mute-audio",
    "--autoplay-policy=no-user-gesture-required",
)


@contextmanager
def browser(profile: Path) -> Iterator[Any]:
    """A selenium driver of Chromium, which notes what it logs and asks for; the test is skipped where there is none."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium drives the browser")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None or shutil.which("chromedriver") is None:
        pytest.skip("there is no chromium with a chromedriver")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in (*_FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
    try:
        driver.set_script_timeout(20)
        yield driver
    finally:
        driver.quit()


@contextmanager
def phone(driver: Any, theme: str) -> Iterator[None]:
    """Show pages as a phone does that is 360 pixels wide and prefers a light or a dark theme."""
    size = {"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    media = {"features": [{"name": "prefers-color-scheme", "value": theme}]}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    try:
        yield
    finally:
        driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def foreign_content(driver: Any) -> tuple[object, list[str]]:
    """Put a script, a picture and a request from elsewhere into a page.

    Returns:
        What the script left, None where it did not run, and by which rules the page refused.
    """
    value, refused = driver.execute_async_script(
        """const done = arguments[0];
        const refused = [];
        document.addEventListener("securitypolicyviolation", event => refused.push(event.effectiveDirective));
        const script = document.createElement("script");
        script.textContent = "window.foreign = 1";
        const picture = document.createElement("img");
        picture.src = "https://example.invalid/picture.png";
        document.body.append(script, picture);
        fetch("https://example.invalid/").catch(() => setTimeout(() => {
            script.remove(); picture.remove(); done([window.foreign ?? null, refused.sort()]);
        }, 50));"""
    )
    return value, refused
