from pathlib import Path

from pytilt.session.evaluators import extensions_directory
from pytilt.settings import Settings


def test_extensions_that_look_for_the_folder_they_are_kept_in_find_it(tmp_path: Path):
    settings = Settings.from_environment({"HOME": str(tmp_path), "TILT_DEV_DIR": str(tmp_path / "dev")})
    assert extensions_directory(settings).path == tmp_path / "dev" / "tilt_modules"
