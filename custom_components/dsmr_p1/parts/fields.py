"""The fields of forms, as the flows and the parts use them."""

from collections.abc import Mapping

from homeassistant.helpers.selector import (
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
)


def number(low: int, high: int | None = None, unit: str | None = None, *, is_whole: bool = True) -> NumberSelector:
    """Return a box for a number, without an upper limit if none is given."""
    config = NumberSelectorConfig(min=low, step=1 if is_whole else "any", mode=NumberSelectorMode.BOX)
    if high is not None:
        config["max"] = high
    if unit is not None:
        config["unit_of_measurement"] = unit
    return NumberSelector(config)


def one_of(labels: Mapping[str, str], mode: SelectSelectorMode = SelectSelectorMode.LIST) -> SelectSelector:
    """Return a list of labels by value, one of which is chosen."""
    options = [SelectOptionDict(value=value, label=label) for value, label in labels.items()]
    return SelectSelector(SelectSelectorConfig(options=options, mode=mode))


def one_translated(key: str, *values: str) -> SelectSelector:
    """Return a list of values, one of which is chosen; their labels are translated under a key."""
    config = SelectSelectorConfig(options=list(values), translation_key=key, mode=SelectSelectorMode.LIST)
    return SelectSelector(config)
