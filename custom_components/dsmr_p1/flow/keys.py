"""The keys of an encrypted port as people enter them: read, tried on telegrams that were heard, and put in order."""

from collections.abc import Mapping, Sequence

from ..const import CONF_ADDITIONAL_KEY, CONF_DECRYPTION_KEY
from ..p1 import Authentication, AuthenticationError, DecryptionError, KeyFormatError, Keys, fits, parse_key
from ..p1.frames import EncryptedFrame


def try_keys(
    entered: Mapping[str, str], frames: Sequence[EncryptedFrame], *, must_verify: bool
) -> tuple[dict[str, str], Keys | None, dict[str, str]]:
    """Read keys as they were entered, and try them on telegrams: as they are, then in the other order.

    `must_verify` tells that a tag has verified on this port before: telegrams without are not believed any more.

    Gives the texts to keep or to show again, the keys, None where the texts are none, and the errors by field.
    """
    texts = {key: text for key in (CONF_DECRYPTION_KEY, CONF_ADDITIONAL_KEY) if (text := entered.get(key, "").strip())}
    errors: dict[str, str] = {}
    parsed: dict[str, bytes] = {}
    for name, text in texts.items():
        try:
            parsed[name] = parse_key(text)
        except KeyFormatError:
            errors[name] = "invalid_key"
    if CONF_DECRYPTION_KEY not in texts:
        errors[CONF_DECRYPTION_KEY] = "invalid_key"
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
    kept = {CONF_DECRYPTION_KEY: keys.decryption_key.hex().upper()}
    if keys.additional_key is not None:
        kept[CONF_ADDITIONAL_KEY] = keys.additional_key.hex().upper()
    return kept, keys, errors


def _error_of(keys: Keys, frames: Sequence[EncryptedFrame], *, must_verify: bool) -> str | None:
    """Return what is wrong with keys: None where they open one of the telegrams, or where there is none to try."""
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
