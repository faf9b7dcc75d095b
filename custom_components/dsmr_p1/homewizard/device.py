"""A HomeWizard P1 meter on the network: its address, and the request for its last telegram.

Source: HomeWizard's documentation of its local interface (api-documentation.homewizard.com), "Telegram" of version 1,
which is plain HTTP and has to be switched on in HomeWizard's app, and of version 2, which is HTTPS and needs a token.
"""

from typing import Final, NamedTuple
from urllib.parse import unquote, urlsplit

from yarl import URL

SCHEME: Final = "homewizard://"
USUAL_PORTS: Final = (80, 443)
"""The port numbers of version 1, which is HTTP, and of version 2, which is HTTPS."""


class Device(NamedTuple):
    """A device on the network: its host, the port number if it is not the usual one, and the token if there is one."""

    host: str
    number: int | None
    token: str | None

    @classmethod
    def of(cls, url: str) -> Device:
        """Return the device of a URL: `homewizard://192.168.1.20` or `homewizard://:TOKEN@192.168.1.20`.

        Raises ValueError if the URL has no host or no valid port number.
        """
        parts = urlsplit(url)
        if not parts.hostname:
            raise ValueError("no host")
        token = unquote(parts.password or parts.username or "")
        return cls(parts.hostname, parts.port, token or None)

    @property
    def port(self) -> int:
        """The port number, which is that of HTTPS with a token."""
        return self.number or USUAL_PORTS[self.token is not None]

    @property
    def address(self) -> URL:
        """The address of the last telegram, which has no token in it."""
        scheme, path = ("http", "/api/v1/telegram") if self.token is None else ("https", "/api/telegram")
        return URL.build(scheme=scheme, host=self.host, port=self.port, path=path)

    @property
    def headers(self) -> dict[str, str]:
        """The headers of a request."""
        headers = {"Accept": "text/plain"}
        if self.token is not None:
            headers |= {"Authorization": f"Bearer {self.token}", "X-Api-Version": "2"}
        return headers
