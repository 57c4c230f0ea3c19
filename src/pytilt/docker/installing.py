"""What to do on this system when no container engine answers."""

from pytilt.docker.machine import Machine

_DOCKER_GROUP = "sudo usermod -aG docker $USER"
_START = "sudo systemctl enable --now docker"

_INSTALL = {
    "debian": f"sudo apt-get update && sudo apt-get install -y docker.io && {_DOCKER_GROUP}",
    "fedora": "sudo dnf install -y podman && systemctl --user enable --now podman.socket",
    "arch": f"sudo pacman -S --noconfirm docker docker-buildx && {_START} && {_DOCKER_GROUP}",
    "suse": f"sudo zypper install -y docker && {_START} && {_DOCKER_GROUP}",
    "alpine": "sudo apk add docker && sudo rc-update add docker && sudo service docker start",
}
_FAMILY = {
    "debian": "debian",
    "ubuntu": "debian",
    "fedora": "fedora",
    "rhel": "fedora",
    "centos": "fedora",
    "arch": "arch",
    "suse": "suse",
    "opensuse": "suse",
    "alpine": "alpine",
}
"""Distributions by the `ID` and `ID_LIKE` of `os-release`(5)."""


def advice(machine: Machine) -> str:
    """How to get an engine that answers: start the one that is installed, or install one."""
    started = _start_command(machine)
    if started:
        return f"start it: `{started}`, or set `DOCKER_HOST` to where one listens"
    command = _install_command(machine)
    if command:
        return f"install one: `{command}`, or set `DOCKER_HOST` to where one listens"
    return "install Docker (https://docs.docker.com/engine/install/) or Podman (https://podman.io/docs/installation)"


def _start_command(machine: Machine) -> str:
    if machine.system == "Darwin":
        return _start_on_macos(machine)
    if machine.has_program("dockerd"):
        return "sudo systemctl start docker" if machine.exists("/run/systemd/system") else "sudo service docker start"
    if machine.has_program("podman"):
        return "systemctl --user enable --now podman.socket"
    return ""


def _start_on_macos(machine: Machine) -> str:
    for program, command in (("colima", "colima start"), ("orb", "orb start"), ("podman", "podman machine start")):
        if machine.has_program(program):
            return command
    return "open -a Docker" if machine.exists("/Applications/Docker.app") else ""


def _install_command(machine: Machine) -> str:
    if machine.system == "Darwin":
        return "brew install colima docker && colima start"
    for distribution in _distributions(machine.read("/etc/os-release") or ""):
        if distribution in _FAMILY:
            return _INSTALL[_FAMILY[distribution]]
    return ""


def _distributions(os_release: str) -> list[str]:
    fields = dict(line.partition("=")[::2] for line in os_release.splitlines())
    return f"{fields.get('ID', '')} {fields.get('ID_LIKE', '')}".replace('"', "").split()
