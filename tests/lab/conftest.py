"""What the laboratory's tests share: one laboratory for all of them."""

import os
import signal

import pytest

from lab.clients import Clients
from lab.laboratory import Laboratory
from lab.plain_forwarding import PlainForwarding
from lab.stage import Stage


def pytest_configure(config):
    def interrupt(*_):
        raise KeyboardInterrupt  # pytest then runs the fixtures' ends, as it does for Ctrl-C
    signal.signal(signal.SIGTERM, interrupt)
    # Started in the background of a shell, SIGINT is ignored, and children inherit that; some tests send it.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items):
    if os.geteuid() != 0:
        for item in items:
            item.add_marker(pytest.mark.skip(reason="the laboratory needs root (network namespaces)"))


@pytest.fixture(scope="session")
def lab():
    with Laboratory() as laboratory:
        yield laboratory


@pytest.fixture(scope="session")
def clients(lab):
    return Clients(lab)


@pytest.fixture(scope="module")
def plain(lab):
    """Everything is let through, for the length of one test file."""
    with PlainForwarding(lab.gateway):
        yield


@pytest.fixture(scope="module")
def stage():
    """A laboratory with a running gateway, of its own for each test file."""
    with Laboratory() as laboratory, Stage(laboratory) as running:
        yield running


@pytest.fixture
def reloaded(stage):
    """A function that reloads with a change; the first configuration is back afterwards."""
    def reload(change):
        assert stage.gateway.reload(change), stage.gateway.messages()
    yield reload
    assert stage.gateway.reload(), stage.gateway.messages()


@pytest.fixture
def restarted(stage):
    """A function that restarts with a change; the first configuration is back afterwards."""
    yield stage.gateway.restart
    stage.gateway.restart()
