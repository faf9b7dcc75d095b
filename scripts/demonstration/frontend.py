"""The frontend of Home Assistant in a browser without a screen, as someone sits in front of it."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
import re
import shutil
from typing import Any, Final

import playwright.sync_api
from playwright.sync_api import Error, Page, sync_playwright

from .client import OWNER, PASSWORD
from .errors import DemonstrationError

BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE: Final = 40.0
"""Seconds that something may take to appear: the first page is slow on a small machine."""
WIDTH: Final = 1200
HEIGHT: Final = 900
PHONE: Final = (390, 844)
_TRIES: Final = 10
_TRY_LIMIT: Final = 4000
"""Milliseconds after which something that has had no effect is done again."""
_HAS_VALUE: Final = "([element, text]) => element.value === text"
_COMMAND: Final = "command => document.querySelector('home-assistant').hass.callWS(command)"
_REQUEST: Final = "([method, path, body]) => document.querySelector('home-assistant').hass.callApi(method, path, body)"
_CUT_TEXTS: Final = """root => {
  const found = [];
  const look = element => {
    const own = [...element.childNodes].filter(node => node.nodeType === 3 && node.data.trim());
    const cut = getComputedStyle(element).overflowX !== "visible" && element.scrollWidth > element.clientWidth + 1;
    const out = element.getBoundingClientRect().right > innerWidth + 1 && element.offsetParent;
    if (own.length && (cut || out)) found.push(own.map(node => node.data.trim()).join(" "));
    for (const child of [...element.children, ...(element.shadowRoot?.children ?? [])]) look(child);
  };
  look(root);
  return found;
}"""
_HAS_COLOUR: Final = """canvas => {
  const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  for (let i = 0; i < pixels.length; i += 4)
    if (pixels[i + 3] > 100 && Math.abs(pixels[i] - pixels[i + 2]) > 40) return true;
  return false;
}"""


@contextmanager
def open_browser(screenshots: Path) -> Iterator[Browser]:
    """Open a browser and close it in the end; it keeps what was seen in a folder."""
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        raise DemonstrationError("there is no Chromium: scripts/setup browser installs it")
    screenshots.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as running:
        browser = running.chromium.launch(executable_path=program, args=list(ARGUMENTS))
        try:
            yield Browser(browser, screenshots)
        finally:
            browser.close()


class Browser:
    """A browser without a screen."""

    def __init__(self, browser: playwright.sync_api.Browser, screenshots: Path) -> None:
        self._browser = browser
        self._screenshots = screenshots

    def log_in(self, url: str) -> Frontend:
        """Open a Home Assistant in a tab of its own, and log in."""
        context = self._browser.new_context(
            viewport={"width": WIDTH, "height": HEIGHT},
            locale="en-GB",
            timezone_id="Europe/Amsterdam",
            reduced_motion="reduce",
        )
        context.set_default_timeout(PATIENCE * 1000)
        frontend = Frontend(context.new_page(), url, self._screenshots)
        frontend.log_in()
        return frontend


class Frontend:
    """A tab of a browser in which Home Assistant is open."""

    def __init__(self, page: Page, url: str, screenshots: Path) -> None:
        self._page = page
        self._url = url
        self._screenshots = screenshots
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def log_in(self) -> None:
        """Log in through the form."""
        self._page.goto(self._url)
        self._page.locator("input[name=username]").fill(OWNER)
        self._page.locator("input[name=password]").fill(PASSWORD)
        self._page.locator("input[name=password]").press("Enter")
        self._wait_for_page()

    def open(self, path: str) -> None:
        """Open a page of Home Assistant."""
        self._page.goto(self._url + path)
        self._wait_for_page()

    def see(self, text: str | re.Pattern[str], *, within: str = "home-assistant") -> None:
        """Wait until a text can be seen."""
        self._page.locator(within).get_by_text(text).first.wait_for()

    def see_element(self, selector: str) -> None:
        """Wait until an element can be seen, shadow roots or not."""
        self._page.locator(selector).first.wait_for()

    def text(self, selector: str) -> str:
        """Return what is written in an element."""
        return self._page.locator(selector).first.inner_text()

    def click(self, text: str) -> None:
        """Click on a link, a row or a choice."""
        self._page.get_by_text(text, exact=True).first.click()

    def open_by(self, text: str, selector: str) -> None:
        """Click on a row until what it opens is there: a list that is drawn anew may swallow a click."""
        for _ in range(_TRIES):
            with suppress(Error):
                self._page.get_by_text(text, exact=True).first.click(timeout=_TRY_LIMIT)
            with suppress(Error):
                self._page.locator(selector).first.wait_for(state="attached", timeout=_TRY_LIMIT)
                return
        raise AssertionError(f"{text} opens no {selector}")

    def click_element(self, selector: str) -> None:
        """Click on an element."""
        self._page.locator(selector).first.click()

    def click_through(self, *selectors: str, to: str) -> None:
        """Click on one element after the other until what they lead to is there.

        A form that is drawn anew meanwhile swallows a click, or closes a list: then it begins again.
        """
        for _ in range(_TRIES):
            with suppress(Error):
                for selector in selectors:
                    self._page.locator(selector).first.click(timeout=_TRY_LIMIT)
                self._page.locator(to).first.wait_for(timeout=_TRY_LIMIT)
                return
        raise AssertionError(f"{selectors} do not lead to {to}")

    def press(self, name: str, *, within: str) -> None:
        """Press a button that is there, and is enabled."""
        self._page.locator(within).get_by_role("button", name=name).first.click()

    def fill(self, selector: str, text: str) -> None:
        """Write into a field."""
        self._page.locator(selector).first.fill(text)

    def fill_selector(self, selector: str, text: str) -> None:
        """Write into the field of a form until the form has taken it: a list that arrives late draws the field anew."""
        element = self._page.locator(selector).first
        for _ in range(_TRIES):
            self.fill(f"{selector} input", text)
            with suppress(Error):
                self._page.wait_for_function(_HAS_VALUE, arg=[element.element_handle(), text], timeout=_TRY_LIMIT)
                return
        raise AssertionError(f"{selector} does not take what is written")

    def see_chart(self, card: str) -> None:
        """Wait until a chart has been drawn: something in it has a colour, where axes and letters are grey."""
        canvas = self._page.locator(f"{card} canvas").first
        canvas.wait_for()
        self._page.wait_for_function(_HAS_COLOUR, arg=canvas.element_handle(), polling=200)

    @contextmanager
    def sized(self, width: int, height: int) -> Iterator[None]:
        """Have a window of another size for a while."""
        self.resize((width, height))
        try:
            yield
        finally:
            self.resize()

    def command(self, name: str, **arguments: object) -> Any:  # noqa: ANN401 - every command has its own answer
        """Give Home Assistant a command of its websocket, as the page itself does, and return the result."""
        return self._page.evaluate(_COMMAND, {"type": name, **arguments})

    def request(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:  # noqa: ANN401
        """Call the REST API, as the page itself does."""
        return self._page.evaluate(_REQUEST, [method, path, body])

    def choose_language(self, language: str) -> None:
        """Choose the language of the owner; it is that of the pages that are opened from now on."""
        self.command("frontend/set_user_data", key="language", value={"language": language})
        self._page.evaluate("language => localStorage.setItem('selectedLanguage', JSON.stringify(language))", language)

    def resize(self, size: tuple[int, int] = (WIDTH, HEIGHT)) -> None:
        """Look at it on a screen of another size."""
        self._page.set_viewport_size({"width": size[0], "height": size[1]})

    def cut_texts(self, selector: str) -> list[str]:
        """Return the texts in an element that do not fit: cut off, or beyond the edge of the screen."""
        found: list[str] = self._page.locator(selector).first.evaluate(_CUT_TEXTS)
        return found

    def screenshot(self, name: str, of: str | None = None) -> None:
        """Keep what can be seen, or an element of it, when all that moves has come to rest."""
        self._page.evaluate("document.fonts.ready")
        shown = self._page if of is None else self._page.locator(of).first
        shown.screenshot(path=self._screenshots / f"{name}.png", animations="disabled")

    def _wait_for_page(self) -> None:
        self._page.locator("home-assistant-main").wait_for(state="attached")
        self._page.locator("#ha-launch-screen").wait_for(state="detached")
