"""tools/install-packages and tests/run, apart from the laboratory.

The installer runs on a copy of /usr/sbin in a mount namespace of its own, with a dpkg that knows no
package and an apt-get that only looks around.
"""

import importlib.machinery
import importlib.util
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

import pytest

from lab.laboratory import TESTS
from lab.processes import wait_for

ROOT = TESTS.parent
POLICY = "/usr/sbin/policy-rc.d"

_APT_GET = """\
#!/bin/sh
echo "$@" >>{folder}/calls
case "$*" in *install*) ;; *) exit 0 ;; esac
/usr/sbin/policy-rc.d; echo "policy $?" >>{folder}/calls
{then}
"""

# Afterwards the namespace's own /usr/sbin is gone: what is left of the policy is said first.
_RUN = """\
mount --bind {folder}/sbin /usr/sbin
{tool} {groups}
echo "exit $?"
if [ -e /usr/sbin/policy-rc.d ]; then cat /usr/sbin/policy-rc.d; fi
ls /usr/sbin | grep policy-rc.d
"""


@pytest.fixture
def folder():
    path = pathlib.Path(tempfile.mkdtemp(prefix="sallyport-tools-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


def _command(path, text):
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def _install(folder, *, installed, then="exit 0", policy=None, groups="lab"):
    """Starts the installer; `installed` says whether dpkg has everything, `then` ends apt-get."""
    shutil.copytree("/usr/sbin", folder / "sbin", symlinks=True)
    (folder / "sbin/policy-rc.d").unlink(missing_ok=True)
    if policy is not None:
        _command(folder / "sbin/policy-rc.d", policy)
    _command(folder / "bin/apt-get", _APT_GET.format(folder=folder, then=then))
    if not installed:
        _command(folder / "bin/dpkg-query", "#!/bin/sh\nexit 1\n")
    (folder / "calls").touch()
    script = _RUN.format(folder=folder, tool=ROOT / "tools/install-packages", groups=groups)
    return subprocess.Popen(["unshare", "--mount", "sh", "-c", script], text=True, start_new_session=True,
                            env={**os.environ, "PATH": f"{folder}/bin:{os.environ['PATH']}"},
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def _calls(folder):
    return (folder / "calls").read_text().splitlines()


def test_nothing_is_called_when_dpkg_has_every_package(folder):
    out, _ = _install(folder, installed=True, groups="lab test build").communicate(timeout=20)
    assert out == "exit 0\n"
    assert _calls(folder) == []


def test_missing_packages_are_installed_while_a_policy_forbids_services(folder):
    out, _ = _install(folder, installed=False).communicate(timeout=20)
    assert out.splitlines()[1:] == ["exit 0"]
    update, install, policy = _calls(folder)
    assert "update" in update
    assert install.split()[-3:] == ["squid-openssl", "systemd", "tcpdump"]
    assert policy == "policy 101"


def test_an_existing_policy_is_put_back_after_a_failure(folder):
    own = "#!/bin/sh\nexit 7\n"
    out, problems = _install(folder, installed=False, then="echo broken; exit 100", policy=own).communicate(
        timeout=20)
    assert "policy 101" in _calls(folder)
    assert out.partition("exit 1\n")[2] == own + "policy-rc.d\n"
    assert "broken" in problems and "apt-get failed (exit 100)" in problems


@pytest.mark.parametrize("policy", [None, "#!/bin/sh\nexit 7\n"])
def test_the_policy_is_as_before_after_an_interrupt(folder, policy):
    installer = _install(folder, installed=False, then="sleep 20", policy=policy)
    assert wait_for(lambda: "policy 101" in _calls(folder), seconds=10)
    tool = subprocess.run(["pgrep", "-g", str(installer.pid), "-f", "tools/install-packages lab$"],
                          capture_output=True, text=True).stdout.split()
    sleeping = subprocess.run(["pgrep", "-g", str(installer.pid), "-x", "sleep"], capture_output=True,
                              text=True).stdout.split()
    for pid in tool + sleeping:  # what a terminal does, except for the shell that reports afterwards
        os.kill(int(pid), signal.SIGINT)
    out, _ = installer.communicate(timeout=20)
    assert "exit 130\n" in out
    assert out.partition("exit 130\n")[2] == ("" if policy is None else policy + "policy-rc.d\n")


def test_without_root_it_says_what_to_do(folder):
    for part in ("tools", "packaging/packages"):
        shutil.copytree(ROOT / part, folder / part)
    _command(folder / "bin/dpkg-query", "#!/bin/sh\nexit 1\n")
    done = subprocess.run(["setpriv", "--reuid", "65534", "--clear-groups", "tools/install-packages", "build"],
                          cwd=folder, capture_output=True, text=True,
                          env={"PATH": f"{folder}/bin:{os.environ['PATH']}"})
    assert done.returncode == 1
    assert "missing: gcc iproute2" in done.stderr
    assert "run as root: tools/install-packages build" in done.stderr


@pytest.mark.parametrize("groups", ["", "nothing", "../packages/lab"])
def test_a_group_that_is_none_is_wrong_usage(groups):
    done = subprocess.run([ROOT / "tools/install-packages", *groups.split()], capture_output=True, text=True)
    assert done.returncode == 2
    assert "groups: bench build lab lint test" in done.stderr


# the runner's count

@pytest.fixture(scope="module")
def runner():
    loader = importlib.machinery.SourceFileLoader("runner", str(TESTS / "run"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("runner", loader))
    loader.exec_module(module)
    return module


def _program(result, stdout=""):
    return {"name": "x", "result": result, "stdout": stdout, "duration": 0.1}


def test_every_subtest_counts(runner):
    count = runner.count_program(_program("FAIL", "1..3\nok 1 - a\nnot ok 2 - b\nok 3 - c # SKIP no root\n"))
    assert str(count) == "1 passed, 1 failed, 1 skipped"


def test_a_program_that_dies_after_its_last_good_line_has_failed(runner):
    assert str(runner.count_program(_program("ERROR", "ok 1 - a\n"))) == "1 passed, 1 failed, 0 skipped"


def test_a_program_without_subtests_is_one_test(runner):
    for result, expected in (("OK", "1 passed, 0 failed, 0 skipped"), ("TIMEOUT", "0 passed, 1 failed, 0 skipped"),
                             ("SKIP", "0 passed, 0 failed, 1 skipped")):
        assert str(runner.count_program(_program(result))) == expected


def test_a_folder_that_is_no_build_is_wrong_usage(folder):
    done = subprocess.run([TESTS / "run", folder], capture_output=True, text=True)
    assert done.returncode == 2
    assert "is not a build folder" in done.stderr
