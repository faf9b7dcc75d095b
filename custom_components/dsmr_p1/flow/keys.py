"""The entered keys of an encrypted port: parsed, tried on received telegrams, and swapped if necessary."""

from collections.abc import Mapping, Sequence

from ..const import CONF_ADDITIONAL_KEY, CONF_DECRYPTION_KEY
from ..p1 import Authentication, AuthenticationError, DecryptionError, KeyFormatError, Keys, fits, parse_key
from ..p1.wire.frames import EncryptedFrame


def try_keys(
    entered: Mapping[str, str], frames: Sequence[EncryptedFrame], *, must_verify: bool
) -> tuple[dict[str, str], Keys | None, dict[str, str]]:
    """Parse the entered keys, and try them on telegrams: as entered, then swapped.

    `must_verify`: a tag has verified on this port before, so telegrams without a verified tag are rejected.

    Returns the texts to store or to show again, the keys (None if the texts are invalid), and the errors by field.
    """
    texts = {key: text for key in (CONF_DECRYPTION_KEY, CONF_ADDITIONAL_KEY) if (text := entered.get(key, "").strip())}
    errors: dict[str, str] = {}
    parsed: dict[str, bytes] = {}
    for name, text in {CONF_DECRYPTION_KEY: "", **texts}.items():
        try:
            parsed[name] = parse_key(text)
        except KeyFormatError:
            errors[name] = "invalid_key"
    if errors:
        return texts, None, errors
    keys = Keys(parsed[CONF_DECRYPTION_KEY], parsed.get(CONF_ADDITIONAL_KEY))
    error = _error_of(keys, frames, must_verify=must_verify)
    if error == "wrong_key" and keys.additional_key is not None:
        swapped = Keys(keys.additional_key, keys.decryption_key)
        swapped_error = _error_of(swapped, frames, must_verify=must_verify)
        if swapped_error != "wrong_key":
            keys, error = swapped, swapped_error
    if error is not None:
        errors = {CONF_DECRYPTION_KEY if error == "wrong_key" else CONF_ADDITIONAL_KEY: error}
    kept = {CONF_DECRYPTION_KEY: keys.decryption_key, CONF_ADDITIONAL_KEY: keys.additional_key}
    return {name: key.hex().upper() for name, key in kept.items() if key is not None}, keys, errors


def _error_of(keys: Keys, frames: Sequence[EncryptedFrame], *, must_verify: bool) -> str | None:
    """Return the error of the keys: None if they decrypt one of the telegrams, or if there is none to try."""
    error = None
    for frame in frames:
        try:
            authentication = fits(frame, keys)
        except DecryptionError:
            error = error or "wrong_key"
        except AuthenticationError:
            error = "wrong_additional_key"
        else:
            if authentication is not Authentication.NOT_VERIFIED or not must_verify:
                return None
            error = "wrong_additional_key"
    return error
