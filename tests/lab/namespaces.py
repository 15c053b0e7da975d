"""Network namespaces, their links and their addresses."""

import pathlib

from .processes import Server, run

ETC_NETNS = pathlib.Path("/etc/netns")


class Namespace:
    """One network namespace, known to `ip netns` under a name of this run only."""

    def __init__(self, name):
        self.name = name

    def create(self):
        run(["ip", "netns", "add", self.name])
        self.ip("link set lo up")
        self.sysctl({"net.ipv6.conf.all.accept_dad": 0, "net.ipv6.conf.default.accept_dad": 0,
                     "net.ipv6.conf.all.accept_ra": 0, "net.ipv6.conf.default.accept_ra": 0,
                     "net.ipv4.conf.all.rp_filter": 0, "net.ipv4.conf.default.rp_filter": 0})

    def remove(self):
        """Removes the namespace and its folder under /etc/netns; what is gone already is no error."""
        run(["ip", "netns", "del", self.name], check=False)
        forget_files(self.name)

    def ip(self, *commands):
        """Runs `ip` commands inside, all in one batch."""
        run(["ip", "-n", self.name, "-batch", "-"], input="\n".join(commands) + "\n")

    def sysctl(self, values):
        self.run(["sysctl", "-q", "-w", *(f"{key}={value}" for key, value in values.items())])

    def inside(self, command):
        """The command line that runs `command` in this namespace."""
        return ["ip", "netns", "exec", self.name, *command]

    def run(self, command, **options):
        return run(self.inside(command), **options)

    def start(self, name, command, log, **options):
        return Server(name, self.inside(command), log, **options)

    def add_addresses(self, interface, *addresses):
        self.ip(*(f"address add {address} dev {interface}" + (" nodad" if ":" in address else "")
                  for address in addresses))

    def provide_file(self, name, text):
        """Puts a file over /etc/NAME for whatever runs in this namespace by `ip netns exec`."""
        folder = ETC_NETNS / self.name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def forget_files(name):
    """Removes what provide_file wrote, and /etc/netns itself when nothing else is in it."""
    folder = ETC_NETNS / name
    if folder.is_dir():
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()
    try:
        ETC_NETNS.rmdir()
    except OSError:
        pass  # other namespaces' files, or no such folder


def link(left, left_interface, right, right_interface):
    """Joins two namespaces by a veth pair without segmentation offload.

    With it a packet of several segments would cross the link as one, and a hello in two packets
    would look like a hello in one.
    """
    run(["ip", "link", "add", left_interface, "netns", left.name, "type", "veth",
         "peer", "name", right_interface, "netns", right.name])
    for namespace, interface in ((left, left_interface), (right, right_interface)):
        namespace.ip(f"link set {interface} up")
        namespace.run(["ethtool", "-K", interface, "tso", "off", "gso", "off", "gro", "off"])
