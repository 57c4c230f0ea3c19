from pathlib import Path

from pytilt.session.evaluators import extension_on_this_machine, extensions_directory
from pytilt.settings import Settings


def test_extensions_that_look_for_the_folder_they_are_kept_in_find_it(tmp_path: Path):
    settings = Settings.from_environment({"HOME": str(tmp_path), "TILT_DEV_DIR": str(tmp_path / "dev")})
    assert extensions_directory(settings).path == tmp_path / "dev" / "tilt_modules"


def test_an_extension_is_found_by_names_alone_that_a_folder_can_have(tmp_path: Path):
    settings = Settings.from_environment({"HOME": str(tmp_path), "TILT_DEV_DIR": str(tmp_path / "dev")})
    file = tmp_path / "dev/tilt_modules/github.com/tilt-dev/tilt-extensions/namespace/Tiltfile"
    file.parent.mkdir(parents=True)
    file.touch()
    assert extension_on_this_machine(settings, "namespace") == str(file)
    assert [extension_on_this_machine(settings, name) for name in ("none", "x" * 5000, "x\0")] == [None] * 3
