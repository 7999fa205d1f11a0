"""Run commands on a disk that is too small, make it larger, run them again, and compare with an undisturbed run.

    sudo python benchmarks/reliability/full_disk.py FOLDER [--rounds 10] [--only cache,predict]

FOLDER is that of `kill.py`. A round mounts a tmpfs with room for a random part of what a command writes, where Linux
permits it. The command has to end with exit code 1 and a sentence, or well where it fits, and to leave nothing broken;
with room it has to end well and to leave what an undisturbed run does. The results are rows of FOLDER/disk.csv.
"""

import argparse
import csv
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from kill import LONGEST, Campaign, Killed, import_all, temporary_files
from kill_content import broken_files, contents, differences


def used(place: Path) -> int:
    """Return the bytes of the files of a folder in pages, as a tmpfs counts them."""
    return sum(-(-path.lstat().st_size // 4096) * 4096 for path in place.rglob("*") if path.is_file())


@contextmanager
def mounted(place: Path, size: int) -> Iterator[None]:
    """Mount a disk of that size."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def one_round(campaign: Campaign, name: str, number: int) -> tuple[int, str, list[str]]:
    """Fill a disk with a command; return the bytes of room, how it ended, and what is wrong."""
    expected, _ = campaign.undisturbed(name)
    before, after = used(campaign.place(name)), 0
    chance = random.Random(f"disk {name} {number}")
    place, case = campaign.place(name), campaign.cases[name]
    running = Killed(place, case.arguments(place))
    if running.wait(LONGEST) != 0:
        return 0, "", ["the undisturbed run fails"]
    after = used(place)
    room = chance.randrange(max(1, after - before))
    start = campaign.folder / "start"
    shutil.rmtree(start, ignore_errors=True)
    campaign.place(name).rename(start)
    place.mkdir()
    with mounted(place, before + room + 64 * 4096):
        shutil.copytree(start, place, dirs_exist_ok=True)
        running = Killed(place, case.arguments(place))
        code, said = running.wait(LONGEST), running.log.read_text()[-300:]
        problems = [] if code in (0, 1) and "Traceback" not in said else [f"ended with {code}: {said}"]
        problems += [f"broken: {path}" for path in broken_files(place)]
        problems += [
            f"left: {path.name}" for path in temporary_files(place) if not path.name.endswith((".part", ".json"))
        ]
        subprocess.run(["mount", "-o", "remount,size=1g", str(place)], check=True)
        running = Killed(place, case.arguments(place))
        if (again := running.wait(LONGEST)) != 0:
            problems.append(f"with room it ends with {again}: {running.log.read_text()[-300:]}")
        else:
            problems += differences(expected, contents(place))
    last = said.strip().splitlines()[-1:] if code else ["fitted"]
    return room, " ".join(last), problems


def run_all() -> None:
    """Run the rounds that the options describe."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--only", default="fetch,cache,segment-predict,predict,segment-train,fuse,train")
    options = parser.parse_args()
    import_all()
    campaign = Campaign(options.folder.resolve(), 0, place="disk")
    with (campaign.folder / "disk.csv").open("a", newline="") as file:
        for number in range(options.rounds):
            for name in options.only.split(","):
                room, how, problems = one_round(campaign, name, number)
                csv.writer(file).writerow([name, number, room, how[:200], "; ".join(problems)[:500]])
                file.flush()
                print(f"{name} {number}: {room} bytes of room: {how[:160]} {problems or 'fine'}", flush=True)


if __name__ == "__main__":
    run_all()
