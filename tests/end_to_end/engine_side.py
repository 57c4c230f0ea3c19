"""What a test does on the container engine behind the tool's back, by the docker command line."""

import subprocess

from pytilt.engines.objects import labels


class EngineSide:
    """The containers of one project.

    Args:
        host: DOCKER_HOST.
        root: the project's folder.
    """

    def __init__(self, host: str, root: str) -> None:
        self._host = host
        self._project = f"label={labels.PROJECT}={labels.project_id(root)}"

    def containers(self, part: str = "", *, role: str = "", ended: bool = False) -> list[str]:
        """Names of the running containers.

        Args:
            part: of the name; empty for all.
            role: of the container, as in `pytilt.engines.objects.labels`; empty for all.
            ended: those that ended, too.
        """
        of_role = ("--filter", f"label={labels.ROLE}={role}") if role else ()
        words = ("ps", *(["--all"] if ended else []), "--filter", self._project, *of_role)
        return self._names(*words, "--filter", f"name={part}", "--format", "{{.Names}}")

    def left(self) -> list[str]:
        """Everything that is there because of the project: containers, networks, volumes."""
        return [
            *self._names("ps", "--all", "--filter", self._project, "--format", "{{.Names}}"),
            *self._names("network", "ls", "--filter", self._project, "--format", "{{.Name}}"),
            *self._names("volume", "ls", "--filter", self._project, "--format", "{{.Name}}"),
        ]

    def kill(self, *names: str) -> None:
        """Kill containers from outside."""
        self._docker("kill", *names)

    def run_in(self, name: str, *words: str) -> None:
        """Run a command in a container."""
        self._docker("exec", name, *words)

    def _names(self, *words: str) -> list[str]:
        return self._docker(*words).split()

    def _docker(self, *words: str) -> str:
        done = subprocess.run(
            ["docker", "--host", self._host, *words], capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, f"`docker {' '.join(words)}` failed: {done.stderr}"
        return done.stdout
