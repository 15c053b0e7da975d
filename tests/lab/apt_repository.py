"""A tiny apt repository, as security.ubuntu.com and azure.archive.ubuntu.com would serve it, and an apt to use it."""

import hashlib
import os

from .processes import run

PACKAGE = "sallyport-hello"
VERSION = "1.0"
SUITES = {"azure.archive.ubuntu.com": "jammy", "security.ubuntu.com": "jammy-security"}

_CONTROL = f"""\
Package: {PACKAGE}
Version: {VERSION}
Architecture: all
Maintainer: The laboratory <laboratory@example.com>
Section: misc
Priority: optional
Description: a file to prove that apt works through the gateway
"""


def build(document_root, work):
    """Writes the repository below document_root/ubuntu."""
    tree = work / PACKAGE
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "DEBIAN/control").write_text(_CONTROL)
    shared = tree / "usr/share" / PACKAGE
    shared.mkdir(parents=True)
    (shared / "hello").write_text("hello\n")
    os.chmod(tree / "DEBIAN", 0o755)
    archive = document_root / "ubuntu"
    pool = archive / "pool"
    pool.mkdir(parents=True)
    run(["dpkg-deb", "--root-owner-group", "--build", str(tree), str(pool / f"{PACKAGE}_{VERSION}_all.deb")])
    packages = run(["sh", "-c", f"cd '{archive}' && apt-ftparchive packages pool"])
    for suite in SUITES.values():
        _write_suite(archive / "dists" / suite, suite, packages)


def _write_suite(folder, suite, packages):
    for architecture in ("all", run(["dpkg", "--print-architecture"]).strip()):
        binary = folder / "main" / f"binary-{architecture}"
        binary.mkdir(parents=True)
        (binary / "Packages").write_text(packages)
    lines = [f"Suite: {suite}", f"Codename: {suite}", "Components: main", "Architectures: all",
             "Date: Mon, 20 May 2024 00:00:00 UTC", "SHA256:"]
    for file in sorted(folder.rglob("Packages")):
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        lines.append(f" {digest} {file.stat().st_size} {file.relative_to(folder)}")
    (folder / "Release").write_text("\n".join(lines) + "\n")


class AptClient:
    """apt with a root of its own: the host's package state is neither read nor written."""

    def __init__(self, folder, family):
        self.root = folder
        for path in ("etc/apt/apt.conf.d", "etc/apt/preferences.d", "var/lib/apt/lists/partial",
                     "var/cache/apt/archives/partial", "var/log/apt", "var/lib/dpkg/info",
                     "var/lib/dpkg/updates"):
            (folder / path).mkdir(parents=True)
        (folder / "var/lib/dpkg/status").touch()
        (folder / "etc/apt/sources.list").write_text("".join(
            f"deb [trusted=yes] http://{host}/ubuntu {suite} main\n" for host, suite in SUITES.items()))
        configuration = folder / "apt.conf"
        configuration.write_text(f"""\
Dir "{folder}";
Dir::State "{folder}/var/lib/apt";
Dir::State::status "{folder}/var/lib/dpkg/status";
Dir::Cache "{folder}/var/cache/apt";
Dir::Etc "{folder}/etc/apt";
Dir::Log "{folder}/var/log/apt";
DPkg::Options {{ "--root={folder}"; "--log={folder}/dpkg.log"; "--force-not-root"; }};
APT::Sandbox::User "root";
Acquire::ForceIPv{family} "true";
Acquire::http::Timeout "5";
Acquire::Retries "0";
Acquire::Languages "none";
""")
        self.environment = {"APT_CONFIG": str(configuration), "DEBIAN_FRONTEND": "noninteractive"}

    def has_installed(self):
        return (self.root / "usr/share" / PACKAGE / "hello").exists()
