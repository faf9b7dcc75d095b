"""The captures, and telegrams made for one test.

A capture in `tests/telegrams` is what a meter of that make and standard sends, byte for byte, with invented identifiers
and values. The second opinion about check sums and envelopes is the simulator's, which shares no code with the core.
"""

from collections.abc import Iterable
import csv
from pathlib import Path
from typing import Final

from custom_components.dsmr_p1.p1 import CosemValue, Decoder, Keys, Meter, PortMemory, Reading, Rejected
from simulator import encrypt, seal

TELEGRAMS: Final = Path(__file__).parent.parent / "telegrams"
CAPTURES: Final = tuple(sorted(path.name for path in TELEGRAMS.iterdir()))

DECRYPTION_KEY: Final = bytes.fromhex("5A1E3C7096B8D2F40123456789ABCDEF")
ADDITIONAL_KEY: Final = bytes.fromhex("C3B2A190817263544536271809FAEBDC")

DSMR22: Final = "iskra_mt382_dsmr22.telegram"
DSMR30: Final = "iskra_mt382_dsmr30.telegram"
DSMR42: Final = "kaifa_ma304_dsmr42.telegram"
DSMR5: Final = "iskra_am550_dsmr50_3phase.telegram"
EMUCS: Final = "fluvius_siconia_emucs_gas_water.telegram"
ACE4000: Final = "itron_ace4000.telegram"
EASYMETER: Final = "easymeter_q3d.telegram"
SMARTY: Final = "sagemcom_t210_smarty_encrypted.bin"
AUSTRIA: Final = "sagemcom_t210_austria_encrypted.bin"

# The main meter of a DSMR 5 telegram with as little as makes it one.
MINIMAL: Final = ("1-3:0.2.8(50)", "0-0:1.0.0(240311084500W)", "1-0:1.8.1(000100.000*kWh)", "1-0:1.8.2(000200.000*kWh)")


def load(name: str) -> bytes:
    """Return the bytes of a capture."""
    return (TELEGRAMS / name).read_bytes()


def specification(name: str) -> list[dict[str, str]]:
    """Return a table of the specification."""
    with (Path(__file__).parent / f"specification_{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def keys_of(name: str) -> Keys | None:
    """Return the keys that open a capture; None for plain ones."""
    if not name.endswith(".bin"):
        return None
    return Keys(DECRYPTION_KEY, ADDITIONAL_KEY if "austria" in name else None)


def telegram(*lines: str, identification: str = "TST5\\TEST", has_crc: bool = True) -> bytes:
    """Return a telegram of these lines."""
    body = "".join(f"{line}\r\n" for line in (f"/{identification}", "", *lines)).encode("latin-1") + b"!"
    return seal(body) if has_crc else body + b"\r\n"


def decode(
    octets: bytes | Iterable[bytes], keys: Keys | None = None, memory: PortMemory | None = None
) -> list[Reading | Rejected]:
    """Return what a fresh decoder makes of bytes, or of pieces of bytes, and of the end after them."""
    decoder = Decoder(keys, memory)
    pieces = [octets] if isinstance(octets, bytes) else octets
    return [*(event for piece in pieces for event in decoder.feed(piece)), *decoder.finish()]


def read(octets: bytes, keys: Keys | None = None) -> Reading:
    """Return the one telegram that the bytes are."""
    [event] = decode(octets, keys)
    assert isinstance(event, Reading)
    return event


def read_capture(name: str) -> Reading:
    """Return the one telegram of a capture."""
    return read(load(name), keys_of(name))


def meters(reading: Reading) -> dict[str, Meter]:
    """Return the meters by slot."""
    return {meter.profile.slot: meter for meter in reading.meters}


def channels(octets: bytes, slot: str = "electricity") -> dict[str, CosemValue]:
    """Return the channels of a meter in the one telegram that the bytes are."""
    return meters(read(octets))[slot].channels


def types(reading: Reading) -> dict[str, str]:
    """Return the type of each registered meter by slot, the port apart."""
    return {
        meter.profile.slot: meter.profile.type_id
        for meter in reading.meters
        if meter.profile.registered and meter.profile.slot != "p1"
    }


def following(octets: bytes, keys: Keys) -> bytes:
    """Return the encrypted telegram that follows another one, with the same content."""
    memory = PortMemory()
    [reading] = decode(octets, keys, memory)
    assert isinstance(reading, Reading)
    assert reading.system_title is not None
    [counter] = memory.frame_counters.values()
    additional = {} if keys.additional_key is None else {"authentication_key": keys.additional_key}
    return encrypt(
        seal(reading.telegram.text),
        decryption_key=keys.decryption_key,
        system_title=reading.system_title,
        frame_counter=counter + 1,
        **additional,
    )
