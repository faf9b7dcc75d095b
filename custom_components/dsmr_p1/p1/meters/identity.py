"""Identities: tell a meter from another one in its slot."""

from ..catalog import Role
from .detection import Meter


def identity_of(meter: Meter, system_title: bytes | None) -> str | None:
    """Return the identifier of a meter, and the system title if it is an encrypted main meter; None without both."""
    title = None if system_title is None or meter.profile.role is not Role.MAIN else system_title.hex()
    return "\n".join(filter(None, (meter.profile.equipment_identifier, title))) or None


def is_another(before: str | None, now: str | None) -> bool:
    """Whether two identities are of different meters: a part that one of them lacks is no difference."""
    if before is None or now is None:
        return False
    return any(one != other for one, other in zip(before.split("\n"), now.split("\n"), strict=False))
