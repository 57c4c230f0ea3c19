"""A log that keeps its lines."""

from pytilt.model.logs import Level


class KeptLog:
    def __init__(self) -> None:
        self.text = ""
        self.levels: set[Level] = set()
        self.progress: list[str] = []

    def __call__(self, text: str, *, level: Level = Level.INFO, progress: str = "") -> None:
        self.text += text
        self.levels.add(level)
        self.progress += [progress] if progress else []
