"""The issues of a port in Home Assistant's repairs: the id of each is its topic and the id of the entry."""

from collections.abc import Mapping

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir

from ..const import DOMAIN
from .state import Port


@callback
def async_raise(
    port: Port,
    topic: str,
    key: str,
    placeholders: Mapping[str, str],
    data: Mapping[str, str | None],
    *,
    is_fixable: bool = True,
    is_persistent: bool = True,
    url: str | None = None,
) -> None:
    """Raise an issue, or replace the one with this topic; `key` is that of its texts, and of its fix flow.

    The fix flow has the placeholders of the texts, and `data`.
    """
    placeholders = {**placeholders, "port": port.name}
    ir.async_create_issue(
        port.hass,
        DOMAIN,
        f"{topic}_{port.entry.entry_id}",
        data={"entry_id": port.entry.entry_id, "condition": key, **data, **placeholders},
        is_fixable=is_fixable,
        is_persistent=is_persistent,
        learn_more_url=url,
        severity=ir.IssueSeverity.WARNING,
        translation_key=key,
        translation_placeholders=placeholders,
    )


@callback
def async_withdraw(port: Port, topic: str) -> None:
    """Delete an issue, if there is one."""
    ir.async_delete_issue(port.hass, DOMAIN, f"{topic}_{port.entry.entry_id}")


def issues_of(hass: HomeAssistant, entry_id: str) -> dict[str, ir.IssueEntry]:
    """Return the issues of an entry by topic."""
    end = f"_{entry_id}"
    return {
        issue_id.removesuffix(end): issue
        for (domain, issue_id), issue in ir.async_get(hass).issues.items()
        if domain == DOMAIN and issue_id.endswith(end)
    }


@callback
def async_delete_issues(hass: HomeAssistant, entry_id: str) -> None:
    """Delete all issues of an entry."""
    for topic in issues_of(hass, entry_id):
        ir.async_delete_issue(hass, DOMAIN, f"{topic}_{entry_id}")
