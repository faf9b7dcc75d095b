"""Commands to a running meter, one line each: what people, technicians and time do to meters and cables."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from .faults import FAULTS
from .mbus import MEDIA, Slot, SlotState
from .meter import SimulatedMeter


@dataclass(frozen=True, slots=True)
class Command:
    """A command: what follows its name, what it does, and the function that does it and returns an answer."""

    name: str
    arguments: str
    description: str
    obey: Callable[[SimulatedMeter, list[str]], str]


def execute(meter: SimulatedMeter, line: str) -> str:
    """Obey one line; raise ValueError with a message for the user if that cannot be done."""
    name, *arguments = line.split()
    with meter.lock:
        if name in FAULTS:
            return _switch_fault(meter, name, arguments)
        if name not in COMMANDS:
            raise ValueError(f"there is no command {name!r}; try 'help'")
        return COMMANDS[name].obey(meter, arguments)


def _switch_fault(meter: SimulatedMeter, name: str, arguments: list[str]) -> str:
    match arguments:
        case ["off"]:
            meter.faults.disable(name)
            return f"{name} is off"
        case []:
            meter.faults.enable(name)
        case [amount]:
            meter.faults.enable(name, _number(amount))
        case _:
            raise ValueError(f"usage: {name} [AMOUNT | off]")
    return f"{name} is on"


def _unplug(meter: SimulatedMeter, arguments: list[str]) -> str:
    meter.unplug(_number(arguments[0]) if arguments else None)
    return "unplugged"


def _replug(meter: SimulatedMeter, arguments: list[str]) -> str:
    meter.replug(arguments[0] if arguments else None)
    return f"plugged in at {meter.port.path}"


def _silence(meter: SimulatedMeter, arguments: list[str]) -> str:
    seconds = _number(_only(arguments, "SECONDS"))
    meter.silence(seconds)
    return f"silent for {seconds:g} s"


def _clock(meter: SimulatedMeter, arguments: list[str]) -> str:
    clock = meter.builder.clock
    match _only(arguments, "SECONDS | frozen | default | right"):
        case "frozen":
            clock.frozen_at = meter.builder.household.now
        case "default":
            clock.is_set = False
        case "right":
            clock.offset, clock.frozen_at, clock.is_set = 0, None, True
        case seconds:
            clock.offset = int(_number(seconds))
    return "the clock is set" if clock.is_set else "the clock was never set"


def _replace(meter: SimulatedMeter, arguments: list[str]) -> str:
    which = arguments[0] if arguments else "main"
    value = round(1000 * _number(arguments[1])) if len(arguments) > 1 else 0
    builder = meter.builder
    if which == "main":
        builder.household.replace_meter(value)
        builder.identifier = f"{builder.identifier[:-5]}{(int(builder.identifier[-5:]) + 4711) % 100_000:05d}"
        return f"the main meter is now {builder.identifier}"
    return _change_slot(meter, which, lambda slot: slot.replace_meter(builder.household, value))


def _register(meter: SimulatedMeter, arguments: list[str]) -> str:
    return _change_slot(
        meter, _only(arguments, "KIND | CHANNEL"), lambda slot: slot.register_meter(meter.builder.household)
    )


def _unregister(meter: SimulatedMeter, arguments: list[str]) -> str:
    return _change_slot(meter, _only(arguments, "KIND | CHANNEL"), lambda slot: slot.with_state(SlotState.UNREGISTERED))


def _change_slot(meter: SimulatedMeter, which: str, change: Callable[[Slot], Slot]) -> str:
    """Change the slot of a channel, or the first slot of a kind."""
    slots = list(meter.builder.slots)
    for index, slot in enumerate(slots):
        if which in {str(slot.channel), slot.medium.kind}:
            slots[index] = change(slot)
            meter.builder.slots = tuple(slots)
            return f"M-Bus channel {slot.channel} ({slot.medium.kind}) is now {slots[index].identifier}"
    raise ValueError(f"there is no M-Bus meter {which!r}; name a channel or one of {', '.join(MEDIA)}")


def _upgrade(meter: SimulatedMeter, arguments: list[str]) -> str:
    meter.upgrade(_only(arguments, "MODEL"))
    return f"the meter is now a {meter.builder.model.name}"


def _text(meter: SimulatedMeter, arguments: list[str]) -> str:
    meter.builder.text = " ".join(arguments).encode("latin-1", "replace")
    return "the text is set"


def _speed(meter: SimulatedMeter, arguments: list[str]) -> str:
    meter.speed = _number(_only(arguments, "SECONDS_PER_SECOND"))
    return f"{meter.speed:g} s pass in a second"


def _period(meter: SimulatedMeter, arguments: list[str]) -> str:
    meter.period = _number(_only(arguments, "SECONDS"))
    return f"a telegram every {meter.period:g} s"


def _in(meter: SimulatedMeter, arguments: list[str]) -> str:
    if len(arguments) < 2:
        raise ValueError("usage: in SECONDS COMMAND")
    meter.schedule(_number(arguments[0]), lambda: execute(meter, " ".join(arguments[1:])))
    return "scheduled"


def _status(meter: SimulatedMeter, _: list[str]) -> str:
    reader = meter.port.reader_settings() or "a reader" if meter.port.reader_present() else "nobody"
    port = f"{meter.port.path} read by {reader}" if meter.port.is_plugged else "unplugged"
    return f"{port}; {meter.port.sent} bytes read, {meter.port.lost} lost; faults: {meter.faults.active or 'none'}"


def _help(_: SimulatedMeter, __: list[str]) -> str:
    rows = [(f"{command.name} {command.arguments}", command.description) for command in COMMANDS.values()]
    rows += [(f"{fault.name} [AMOUNT | off]", fault.description) for fault in FAULTS.values()]
    return "\n".join(f"{usage.strip():<40} {description}" for usage, description in rows)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{text!r} is no number") from None


def _only(arguments: list[str], usage: str) -> str:
    if len(arguments) != 1:
        raise ValueError(f"one argument is needed: {usage}")
    return arguments[0]


COMMANDS: Final = {
    command.name: command
    for command in (
        Command("unplug", "[SECONDS]", "pull the cable, for a while or until replug", _unplug),
        Command("replug", "[PATH]", "put it back, perhaps under another path", _replug),
        Command("silence", "SECONDS", "send nothing for a while; 0 ends it", _silence),
        Command("clock", "SECONDS | frozen | default | right", "set the clock of the meter wrong, or right", _clock),
        Command("replace", "main | KIND | CHANNEL [VALUE]", "hang a new meter that starts at a value", _replace),
        Command("register", "KIND | CHANNEL", "put a meter behind an unregistered slot", _register),
        Command("unregister", "KIND | CHANNEL", "take it away", _unregister),
        Command("upgrade", "MODEL", "become another model, line settings included", _upgrade),
        Command("text", "[WORDS]", "send a text message to the consumer", _text),
        Command("speed", "SECONDS_PER_SECOND", "how fast time passes in the household", _speed),
        Command("period", "SECONDS", "the real time between two telegrams", _period),
        Command("in", "SECONDS COMMAND", "obey a command when that time has passed in the household", _in),
        Command("status", "", "tell how it goes", _status),
        Command("help", "", "tell what can be said", _help),
    )
}
