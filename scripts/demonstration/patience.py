"""Waiting for what only asking can tell."""

import asyncio
from collections.abc import Awaitable, Callable


async def until(is_so: Callable[[], Awaitable[bool]], limit: float, poll: float = 0.25) -> bool:
    """Ask again and again, `poll` seconds apart, until it is so; return whether that was within `limit` seconds."""
    try:
        async with asyncio.timeout(limit):
            while True:
                if await is_so():
                    return True
                await asyncio.sleep(poll)
    except TimeoutError:
        return False
