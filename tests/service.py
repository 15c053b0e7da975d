"""usage: service.py UNIT PROGRAM SYSTEM_CALLS

The installed systemd unit: is it valid, how much does it expose, and does it allow what the program does?
UNIT is sallyport.service as it is installed, PROGRAM is what it would start, SYSTEM_CALLS the list of calls that the sandbox
allows (src/sandbox/system_calls.list). Skipped without systemd-analyze.
"""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

SKIPPED = 77
THRESHOLD = 30  # tenths of systemd's scale, of which "OK" is up to 45

# What is called before the sandbox is entered, beside what is called in it (seen with strace).
AT_START = """capget capset chown clone execve landlock_add_rule landlock_create_ruleset landlock_restrict_self listen
mkdir memfd_create prctl seccomp setgroups setresgid setresuid socketpair umask wait4""".split()


def analyze(*arguments):
    return subprocess.run(["systemd-analyze", "--man=no", *arguments], capture_output=True, text=True)


def group(name):
    """The system calls of one of systemd's groups, with those of the groups in it."""
    calls = set()
    for line in analyze("syscall-filter", name).stdout.splitlines()[1:]:
        word = line.strip()
        if word.startswith("@"):
            calls |= group(word)
        elif word and not word.startswith("#"):
            calls.add(word)
    return calls


def allowed_calls(unit):
    """As systemd.exec(5) reads SystemCallFilter=: later lines add and take away."""
    allowed = set()
    for line in re.findall(r"^SystemCallFilter=(.*)$", unit, re.M):
        takes_away = line.startswith("~")
        calls = set().union(*(group(word) if word.startswith("@") else {word} for word in line.lstrip("~").split()))
        allowed = allowed - calls if takes_away else allowed | calls
    return allowed | group("@default")


def check(unit_file, program, list_file):
    unit = re.sub(r"^(Exec\w+=)\S+", rf"\g<1>{program}", pathlib.Path(unit_file).read_text(), flags=re.M)
    listed = re.findall(r'"(\w+)"', pathlib.Path(list_file).read_text())
    complaints = []
    with tempfile.TemporaryDirectory() as folder:
        copy = pathlib.Path(folder) / "sallyport.service"
        copy.write_text(unit)
        verified = analyze("verify", str(copy))
        if verified.returncode or verified.stderr:
            complaints.append("systemd-analyze verify: " + verified.stderr)
        judged = analyze("security", "--offline=true", f"--threshold={THRESHOLD}", str(copy))
        if judged.returncode:
            complaints.append(f"it exposes more than {THRESHOLD / 10}:\n" + judged.stdout + judged.stderr)
        print(judged.stdout.strip().splitlines()[-1] if judged.stdout else "")
    missing = sorted((set(listed) | set(AT_START)) - allowed_calls(unit))
    if missing:
        complaints.append("SystemCallFilter= forbids what the program calls: " + " ".join(missing))
    return complaints


def main(arguments):
    if shutil.which("systemd-analyze") is None:
        print("systemd-analyze is not here")
        return SKIPPED
    unit, program, list_file = arguments
    complaints = check(unit, pathlib.Path(program).resolve(), list_file)
    print("\n".join(complaints))
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
