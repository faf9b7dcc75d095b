"""The set-up dialog as a household sees it, in five languages, on desktop and phone, and with something wrong."""

from collections.abc import Iterator
import re
import socket

import pytest

from demonstration.frontend import HEIGHT, PHONE, WIDTH, Frontend

from .conftest import NetworkMeter, meter, texts
from .test_frontend import DIALOG, FORM, PORT, open_address_field, text_of

LANGUAGES = ("en", "nl", "de", "fr", "lb")
SCREENS = {"desktop": (WIDTH, HEIGHT), "phone": PHONE}


@pytest.fixture(scope="module")
def network_meter() -> Iterator[NetworkMeter]:
    with meter("--model", "emucs", "--mbus", "gas,water", "--seed", "9") as found:
        yield found


@pytest.fixture
def in_english(frontend: Frontend) -> Iterator[Frontend]:
    yield frontend
    frontend.resize()
    frontend.choose_language("en")
    frontend.open("/config/integrations/dashboard")


@pytest.fixture
def refusing() -> str:
    """An address where nothing listens."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{one.getsockname()[1]}"


@pytest.fixture
def silent() -> Iterator[str]:
    """An address that takes connections and sends nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


def ask_for_port(frontend: Frontend, language: str) -> None:
    """Open the first form with the port field as a text field."""
    frontend.open("/config/integrations/dashboard/add?domain=dsmr_p1")
    frontend.click_element("dialog-box ha-button[slot=primaryAction]")
    frontend.see(texts(language)["config"]["step"]["user"]["title"])
    open_address_field(frontend)


def submit(frontend: Frontend, address: str, field: str = PORT) -> None:
    frontend.fill_selector(field, address)
    frontend.click_element(f"{DIALOG} ha-button[slot=primaryAction]")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("screen", SCREENS)
def test_from_a_wrong_port_to_the_meter(
    in_english: Frontend, network_meter: NetworkMeter, refusing: str, language: str, screen: str
) -> None:
    frontend, words = in_english, texts(language)
    config = words["config"]
    frontend.resize(SCREENS[screen])
    frontend.choose_language(language)
    ask_for_port(frontend, language)
    frontend.screenshot(f"{language}_{screen}_port")
    assert frontend.cut_texts(DIALOG) == []
    submit(frontend, refusing)
    frontend.see(text_of(config["error"]["refused"]), within=FORM)
    frontend.screenshot(f"{language}_{screen}_refused")
    assert frontend.cut_texts(DIALOG) == []
    # What was typed once can be corrected as text.
    submit(frontend, network_meter.url, f"{FORM} ha-selector-text")
    frontend.see(config["step"]["confirm"]["title"])
    # Home Assistant itself speaks English.
    frontend.see(re.compile(words["selector"]["meter_kind"]["options"]["water"]), within=FORM)
    frontend.screenshot(f"{language}_{screen}_confirm")
    assert frontend.cut_texts(DIALOG) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_device_on_a_phone(in_english: Frontend, language: str) -> None:
    frontend = in_english
    frontend.resize(PHONE)
    frontend.choose_language(language)
    frontend.open("/config/integrations/integration/dsmr_p1")
    frontend.click("Electricity meter")
    frontend.see_element("ha-device-entities-card")
    frontend.screenshot(f"{language}_phone_device")


def test_a_silent_reader(in_english: Frontend, silent: str) -> None:
    frontend, config = in_english, texts("en")["config"]
    frontend.resize(PHONE)
    ask_for_port(frontend, "en")
    submit(frontend, silent)
    frontend.see(text_of(config["error"]["silent_network"]), within=FORM)
    frontend.screenshot("en_phone_silent")


def test_a_name_that_nobody_knows(in_english: Frontend) -> None:
    frontend, config = in_english, texts("en")["config"]
    ask_for_port(frontend, "en")
    submit(frontend, "no-such-reader.invalid:23")
    frontend.see(text_of(config["error"]["unknown_host"]), within=FORM)
    frontend.screenshot("en_desktop_unknown_host")
