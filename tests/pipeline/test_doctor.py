"""The doctor names what decides a result and a speed, also where nothing was made yet."""

from importlib import metadata
from pathlib import Path

import torch

from attnmel.pipeline.doctor import examine_machine


def test_the_doctor_says_versions_device_and_room(tmp_path: Path) -> None:
    cache = tmp_path / "cache" / "key"
    cache.mkdir(parents=True)
    (cache / "pixels.bin").write_bytes(b"0" * 20_000_000)
    found = examine_machine(tmp_path)
    assert found["torch"] == torch.__version__
    assert found["openvino"] == metadata.version("openvino")
    assert found["cache"] == "20.0 MB"
    assert found["ImageNet weights"] == "efficientnet_lite0, efficientnet_lite1, efficientnet_lite2"
    assert found["threads"] == torch.get_num_threads()


def test_a_home_that_is_not_there_yet_has_room_if_it_can_be_made(tmp_path: Path) -> None:
    found = examine_machine(tmp_path / "not" / "yet")
    assert float(found["free disk"].split()[0]) > 0
    assert found["home writable"] == "yes"
    (tmp_path / "file").touch()
    assert examine_machine(tmp_path / "file" / "home")["home writable"] == "no"
