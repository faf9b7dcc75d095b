"""Waiting for what only asking can tell."""

import asyncio
from collections.abc import Awaitable, Callable


async def until(is_so: Callable[[], Awaitable[bool]], poll: float) -> None:
    """Ask again and again, `poll` seconds apart, until it is so; the caller sets the limit."""
    while True:
        if await is_so():
            return
        await asyncio.sleep(poll)
