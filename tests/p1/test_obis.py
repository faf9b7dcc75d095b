"""OBIS reference codes: what is one, what is none, and that both directions agree."""

import pytest

from custom_components.dsmr_p1.p1 import Obis


@pytest.mark.parametrize(
    ("text", "obis", "printed"),
    [
        ("1-0:1.8.1", Obis(1, 0, 1, 8, 1), "1-0:1.8.1"),
        ("0-2:24.2.1", Obis(0, 2, 24, 2, 1), "0-2:24.2.1"),
        ("1-0:1.8.0*255", Obis(1, 0, 1, 8, 0), "1-0:1.8.0"),
        ("1-0:1.8.0*1", Obis(1, 0, 1, 8, 0, 1), "1-0:1.8.0*1"),
        ("1-0:1.8.0*0", Obis(1, 0, 1, 8, 0, 0), "1-0:1.8.0*0"),
        ("1-0:99:97.0", Obis(1, 0, 99, 97, 0), "1-0:99.97.0"),
        ("0-0:96.1.0.255", Obis(0, 0, 96, 1, 0), "0-0:96.1.0"),
        ("255-255:255.255.255*254", Obis(255, 255, 255, 255, 255, 254), "255-255:255.255.255*254"),
    ],
)
def test_a_reference(text: str, obis: Obis, printed: str) -> None:
    assert Obis.parse(text) == obis
    assert str(obis) == printed
    assert Obis.parse(printed) == obis


def test_value_group_b_is_the_mbus_channel() -> None:
    assert Obis.parse("0-12:24.1.0").b == 12
    assert Obis.parse("1-0:1.8.0").b == 0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1-0",
        "1-0:1.8",
        "1.8.0",
        "1-0:1.8.1*",
        " 1-0:1.8.1",
        "1-0:1.8.1 ",
        "1-0:1.8.1\n",
        "a-0:1.8.1",
        "1-0:1.8.1*25x",
        "1000-0:1.8.1",
        "256-0:1.8.1",
        "1-256:1.8.1",
        "1-0:256.8.1",
        "1-0:1.256.1",
        "1-0:1.8.256",
        "1-0:1.8.1*256",
    ],
)
def test_no_reference(text: str) -> None:
    with pytest.raises(ValueError, match=r"not an OBIS reference|a value group is above 255"):
        Obis.parse(text)


def test_a_digit_of_another_script_is_none() -> None:
    with pytest.raises(ValueError, match="not an OBIS reference"):
        Obis.parse("1-0:1.8.٣")
