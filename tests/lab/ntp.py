"""The NTP server: chronyd without any hold on the clock."""

from . import addresses as at

_CONFIGURATION = """\
local stratum 1
allow all
bindaddress {v4}
bindaddress {v6}
cmdport 0
bindcmdaddress /
pidfile {folder}/chronyd.pid
"""


class NtpServer:
    def __init__(self, namespace, folder):
        folder.mkdir(parents=True)
        self._namespace = namespace
        self._folder = folder
        self._configuration = folder / "chrony.conf"
        self._configuration.write_text(_CONFIGURATION.format(folder=folder, v4=at.NTP.v4, v6=at.NTP.v6))

    def start(self):
        server = self._namespace.start(
            "chronyd", ["chronyd", "-x", "-d", "-u", "root", "-f", str(self._configuration)],
            self._folder / "log")
        server.wait_until(self._listens, "listening")
        return server

    def _listens(self):
        return ":123" in self._namespace.run(["ss", "-Hlun", f"src {at.NTP.v4}"])
