import os
from pathlib import Path

from pytilt.lsp.loaded_files import LARGEST_BYTES, LoadedFiles


def names(files: LoadedFiles, path: Path) -> list[str]:
    found = files.get(str(path))
    assert found is not None
    return [each.name for each in found.outline.definitions]


def test_a_file_is_parsed_again_only_when_it_has_changed(tmp_path: Path):
    path, files = tmp_path / "lib", LoadedFiles()
    path.write_text("a = 1")
    first = files.get(str(path))
    assert names(files, path) == ["a"]
    assert files.get(str(path)) is first
    path.write_text("b = 1")
    os.utime(path, ns=(1, 1))
    assert names(files, path) == ["b"]


def test_a_file_that_cannot_be_read_defines_what_it_did(tmp_path: Path):
    path, files = tmp_path / "lib", LoadedFiles()
    path.write_text("a = 1")
    assert names(files, path) == ["a"]
    path.write_text("a = (")
    assert names(files, path) == ["a"]
    path.write_text("#" * (LARGEST_BYTES + 1))
    assert names(files, path) == ["a"]
    path.write_text("")
    assert names(files, path) == []
    path.unlink()
    assert files.get(str(path)) is None
    assert files.get("\0") is None
