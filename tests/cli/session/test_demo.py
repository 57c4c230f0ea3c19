def test_without_an_engine_it_says_how_to_get_one(tilt, monkeypatch, tmp_path):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no-engine")
    ended = tilt("demo")
    assert ended.status == 1
    assert ended.error.startswith(f"Error: the container engine at `unix://{tmp_path}/no-engine` (from `DOCKER_HOST`)")
    assert "\nhint: start it" in ended.error


def test_a_folder_that_has_a_shop_already_is_left_alone(tilt, tmp_path):
    (tmp_path / "shop").mkdir()
    ended = tilt("demo", "--tmpdir", str(tmp_path))
    assert ended.status == 1
    assert ended.error.startswith(f"Error: `{tmp_path}/shop` exists already\nhint: ")


def test_flags_of_tilts_demo_have_an_answer(tilt):
    assert tilt("demo", "--teardown").out.startswith("nothing is left")
    assert "`tilt up -f x/Tiltfile`" in tilt("demo", "-f", "x/Tiltfile").error
    assert "git clone https://github.com/a/b demo" in tilt("demo", "--repo=github.com/a/b").error
