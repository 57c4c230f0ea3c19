"""Answers that come part by part, for as long as somebody reads them."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

from starlette.responses import Response
from starlette.types import Receive, Scope, Send


class Streamed(Response):
    """An answer in parts. Starlette's own needs anyio's event loop, which takes 45 ms of a session to import.

    Args:
        parts: the body.
        media_type: of the body.
        headers: more of them.
    """

    def __init__(self, parts: AsyncGenerator[bytes], media_type: str, headers: Mapping[str, str] | None = None) -> None:
        self._parts = parts
        self.status_code = 200
        self.media_type = media_type
        self.background = None
        self.init_headers(headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - it is ASGI's
        """Send the parts until there are no more, or until the reader goes away."""
        try:
            async with asyncio.TaskGroup() as group:
                body = group.create_task(self._send(send), name="answer: body")
                reader = group.create_task(_gone(receive), name="answer: reader")
                await asyncio.wait({body, reader}, return_when=asyncio.FIRST_COMPLETED)
                body.cancel()
                reader.cancel()
        except* OSError:
            pass  # the reader is gone
        except* Exception as problems:  # noqa: BLE001 - the one problem of the body goes on as it is
            raise problems.exceptions[0] from None

    async def _send(self, send: Send) -> None:
        async with aclosing(self._parts) as parts:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            async for part in parts:
                await send({"type": "http.response.body", "body": part, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _gone(receive: Receive) -> None:
    """Wait until the reader is gone."""
    while (await receive())["type"] != "http.disconnect":
        pass
