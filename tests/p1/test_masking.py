"""Masking: nothing that may be private stays legible, and nothing that is nobody's secret is lost."""

import pytest

from custom_components.dsmr_p1.p1.masking import masked_line

IDENTIFIER = "E0005001590012345"
HEXADECIMAL = IDENTIFIER.encode().hex().upper()


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("/ISK5\\2M550T-1012", None),
        ("", None),
        ("!12aF", None),
        ("(00012.345)", None),
        ("1-0:1.8.1*255(000100.000*kWh)", None),
        ("1-0:1.8.1(000100.000kWh)", None),
        ("0-1:24.2.1(240311084503W)(00012.345*m3)", None),
        ("1-0:99.97.0(1)(0-0:96.7.19)(240311084503W)(0000000240*s)", None),
        ("0-0:96.14.0(0002)", None),
        # An identifier, which is left to be replaced; what stands behind it is not.
        (f"0-0:96.1.1({HEXADECIMAL})", None),
        (f"0-0:96.1.1({HEXADECIMAL}", None),
        (f"0-0:96.1.1(4530)({IDENTIFIER})", "0-0:96.1.1(4530)(X0000000000000000)"),
        # In a form that is not known there.
        (f"0-0:96.1.1 ({HEXADECIMAL})", f"0-0:96.1.1 ({'0' * len(HEXADECIMAL)})"),
        # Objects that nobody knows: what is clearly a quantity may be seen.
        ("1-0:199.1.3(00012.5*m)", None),
        ("1-0:199.1.2(AB-12345678)", "1-0:199.1.2(XX-00000000)"),
        (f"1-0:199.1.2({HEXADECIMAL})", f"1-0:199.1.2({'5' * len(HEXADECIMAL)})"),
        # The reference was damaged, or lost.
        (f"0-0:96.7.21({HEXADECIMAL})", f"0-0:96.7.21({'5' * len(HEXADECIMAL)})"),
        (f"6.1.1({IDENTIFIER})", "0.0.0(X0000000000000000)"),
        (HEXADECIMAL[5:] + ")", None),
        (f"1-0:1.8.1(000100.000*kWh)0-0:96.1.1({IDENTIFIER})", None),
        (f"999-0:96.1.1({IDENTIFIER})", "000-0:00.0.0(X0000000000000000)"),
        ("nonsense 4711", "XXXXXXXX 0000"),
    ],
)
def test_what_is_masked(line: str, shown: str | None) -> None:
    masked = masked_line(line)
    assert len(masked) == len(line)
    if shown is not None:
        assert masked == shown
    elif IDENTIFIER in line or line.startswith(HEXADECIMAL[5:]):
        assert IDENTIFIER not in masked
        assert HEXADECIMAL[5:] not in masked
    else:
        assert masked == line
