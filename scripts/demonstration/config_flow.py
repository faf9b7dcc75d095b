"""Setting the integration up as an owner does: through its config flow."""

import asyncio
from typing import Any, Final

from .client import FLOWS, Client
from .errors import DemonstrationError
from .home import DOMAIN
from .houses import House

LISTEN_LIMIT: Final = 120.0
"""Seconds in which listening must come to an end: meters of ten seconds at settings that have to be found."""
POLL: Final = 0.2


async def add_entry(client: Client, house: House) -> str:
    """Go through the flow for the port of a house, and return the id of the config entry."""
    step = await client.request("POST", FLOWS, {"handler": DOMAIN})
    path = f"{FLOWS}/{step['flow_id']}"
    answers: dict[str, dict[str, Any]] = {
        "user": {"port": house.port, "bridge_type": "auto"},
        "keys": {
            name: key
            for name, key in (("decryption_key", house.decryption_key), ("additional_key", house.additional_key))
            if key
        },
        "confirm": {},
    }
    while step["type"] == "form":
        name = step["step_id"]
        if step.get("errors"):
            raise DemonstrationError(f"{house.port} is refused: {', '.join(step['errors'].values())}")
        if name not in answers:
            raise DemonstrationError(f"{house.port}: the config flow asks for {name!r}")
        if name == "keys" and not answers[name]:
            raise DemonstrationError(f"{house.port} is encrypted: give its key with --decryption-key")
        step = await listen(client, path, await client.request("POST", path, answers.pop(name)))
    return entry_of(step, house.port)


def entry_of(step: dict[str, Any], what: str) -> str:
    """Return the id of the config entry that the last step of a flow has made."""
    if step["type"] != "create_entry":
        raise DemonstrationError(f"{what} cannot be set up: {step.get('reason') or step.get('errors') or step}")
    entry_id: str = step["result"]["entry_id"]
    return entry_id


async def listen(client: Client, path: str, step: dict[str, Any]) -> dict[str, Any]:
    """Wait until a step is more than progress."""
    try:
        async with asyncio.timeout(LISTEN_LIMIT):
            while step["type"] in {"progress", "progress_done"}:
                await asyncio.sleep(POLL)
                step = await client.request("GET", path)
    except TimeoutError:
        raise DemonstrationError("listening does not end") from None
    return step
