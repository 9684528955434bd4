"""The browser that other tests look at pages with tells what is wrong with a page."""

from pathlib import Path

import pytest
from browser import Browser

HEAD = '<!doctype html><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
STRICT = (
    "<meta http-equiv='Content-Security-Policy' content=\"default-src 'none'; style-src 'unsafe-inline'\">"
)


@pytest.fixture
def page(tmp_path: Path) -> Path:
    return tmp_path / "page.html"


def test_a_good_page(browser: Browser, page: Path) -> None:
    """A page without faults tells nothing, asks for nothing else, and is as wide as its window."""
    page.write_text(f"{HEAD}{STRICT}<title>t</title><p>Grüße</p><p>two</p>", "utf-8")
    with browser.open(page, width=375, height=700) as opened:
        assert opened.messages == []
        assert opened.requests == [page.as_uri()]
        assert (opened.scroll_width, opened.count("p"), opened.texts("p")) == (375, 2, ["Grüße", "two"])
        assert opened.screenshot().startswith(b"\x89PNG")


def test_what_the_policy_refuses_is_told(browser: Browser, page: Path) -> None:
    """A script that the Content-Security-Policy refuses is told, and so is a picture from elsewhere."""
    page.write_text(f"{HEAD}{STRICT}<img src='http://127.0.0.1:9/a.png'><script>document.title = 1</script>")
    with browser.open(page) as opened:
        told = "\n".join(opened.messages)
        assert "http://127.0.0.1:9/a.png" in told
        assert "inline script" in told
        assert opened.evaluate("document.title") != "1"


@pytest.mark.parametrize("code", ["console.error('oh')", "nothing.at_all", "throw new Error('oh')"])
def test_errors_of_scripts_are_told(code: str, browser: Browser, page: Path) -> None:
    """What a script prints or stumbles over is told."""
    page.write_text(f"{HEAD}<script>{code}</script>")
    with browser.open(page) as opened:
        assert len(opened.messages) == 1


def test_a_page_that_is_too_wide_is_told(browser: Browser, page: Path) -> None:
    """A page wider than its window says how wide it is."""
    page.write_text(f"{HEAD}<div style='width: 500px'>wide</div>")
    with browser.open(page, width=375) as opened:
        assert opened.scroll_width > 375


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_themes(theme: str, browser: Browser, page: Path) -> None:
    """A page is shown in the theme that is asked for."""
    page.write_text(HEAD)
    with browser.open(page, theme="dark" if theme == "dark" else "light") as opened:
        assert opened.evaluate("matchMedia('(prefers-color-scheme: dark)').matches") is (theme == "dark")
