"""Errors: what is wrong with a port, from whatever opening or reading it raises."""

import errno
import socket

import pytest

from custom_components.dsmr_p1.p1 import PortBusyError, PortError, PortFault
from custom_components.dsmr_p1.p1.errors import fault_of


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (OSError(errno.ENOENT, "No such file or directory"), PortFault.GONE),
        (PermissionError(errno.EACCES, "Permission denied"), PortFault.NO_PERMISSION),
        (ConnectionRefusedError(errno.ECONNREFUSED, "refused"), PortFault.REFUSED),
        (OSError("Multiple exceptions: [Errno 111] Connect call failed ('::1', 23), ..."), PortFault.REFUSED),
        (OSError(errno.EHOSTUNREACH, "No route to host"), PortFault.UNREACHABLE),
        (TimeoutError(), PortFault.UNREACHABLE),
        (socket.gaierror(-2, "Name or service not known"), PortFault.UNKNOWN_HOST),
        (OSError(errno.EINVAL, "Invalid argument"), PortFault.OTHER),
        (ValueError("bad URL"), PortFault.OTHER),
    ],
)
def test_fault(error: Exception, fault: PortFault) -> None:
    assert fault_of(error) is fault


def test_every_error_of_a_port_has_a_fault() -> None:
    assert PortError().fault is PortFault.OTHER
    assert PortBusyError("busy").fault is PortFault.BUSY
