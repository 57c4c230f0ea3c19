import io
import tarfile

import pytest

from pytilt.engines.podspec.archive import packed, unpacked
from pytilt.engines.podspec.environment import MissingSourceError
from pytilt.engines.podspec.files import VolumeFile, archive_of, volume_files
from pytilt.engines.podspec.placement import PodPlacement

POD = {"metadata": {"name": "p", "namespace": "n", "uid": "u"}, "spec": {}}
OBJECTS = {
    ("ConfigMap", "m"): {"data": {"a": "1", "b": "2"}, "binaryData": {"c": "Aw=="}},
    ("Secret", "s"): {"data": {"d": "NA=="}},
}


def lookup(kind, name):
    return OBJECTS.get((kind, name))


@pytest.mark.parametrize(
    ("volume", "files"),
    [
        ({"configMap": {"name": "m"}}, {"a": b"1", "b": b"2", "c": b"\x03"}),
        ({"configMap": {"name": "m", "items": [{"key": "a", "path": "x/y"}]}}, {"x/y": b"1"}),
        ({"configMap": {"name": "none", "optional": True}}, {}),
        ({"secret": {"secretName": "s"}}, {"d": b"4"}),
        (
            {"projected": {"sources": [{"secret": {"name": "s"}}, {"configMap": {"name": "m"}}]}},
            {"a": b"1", "b": b"2", "c": b"\x03", "d": b"4"},
        ),
        ({"downwardAPI": {"items": [{"path": "n", "fieldRef": {"fieldPath": "metadata.name"}}]}}, {"n": b"p"}),
    ],
)
def test_volumes_are_made_of_objects(volume, files):
    assert {file.path: file.content for file in volume_files(volume, POD, PodPlacement(), lookup)} == files


def test_a_missing_object_is_named():
    with pytest.raises(MissingSourceError, match='configmap "none" not found'):
        volume_files({"configMap": {"name": "none"}}, POD, PodPlacement(), lookup)


def test_a_change_moves_one_link():
    def links(content):
        archive = archive_of("volumes/v", [VolumeFile(path="x/y", content=content)])
        with tarfile.open(fileobj=io.BytesIO(packed(archive.values()))) as opened:
            return {info.name: info.linkname for info in opened if info.issym()}

    before, after = links(b"1"), links(b"2")
    assert before["volumes/v/x"] == after["volumes/v/x"] == "..data/x"
    assert before["volumes/v/..data"] != after["volumes/v/..data"]


def test_what_is_packed_is_unpacked():
    archive = archive_of("v", [VolumeFile(path="a", content=b"1"), VolumeFile(path="b", content=b"2")])
    assert sorted(unpacked(packed(archive.values())).values()) == [b"1", b"2"]
