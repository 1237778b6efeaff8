"""Stages as jobs: what is submitted, what a second call finds, and what is refused. Slurm itself is made up."""

import errno
import signal
import time
from pathlib import Path

import pytest

from pipeline.base.errors import UserError
from pipeline.commands import handing_over, slurm
from pipeline.commands.recording import begin as begin_stage
from pipeline.commands.recording import graph_of_stages
from pipeline.commands.slurm import Job, Slurm
from tests.pipeline.commands.fake_slurm import FakeSlurm, wait_for
from tests.pipeline.commands.graphs import GRAPH, begin, diary, environment, launch, out_of_date

pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep.value:DeprecationWarning")  # of a package that DVC uses
ON_SLURM = ("--launcher", "slurm")


def names_of_jobs(scripts: dict[str, str]) -> list[str]:
    return [line.partition("=")[2] for text in scripts.values() for line in text.splitlines() if "--job-name" in line]


def test_long_stages_are_jobs(graph: Path, fake_slurm: FakeSlurm) -> None:
    """The tables on this machine, all else as jobs; a measurement has a node for itself."""
    code, text = launch(graph, 3, *ON_SLURM)
    assert code == 0, text
    scripts = fake_slurm.scripts()
    assert sorted(names_of_jobs(scripts)) == ["a", "b", "c", "d"]
    assert {name for text in scripts.values() if "--exclusive" in text for name in names_of_jobs({"": text})} == {"d"}
    assert sorted(diary(graph)) == sorted(f"{name} {what}" for name in GRAPH for what in ("begins", "ends"))
    assert diary(graph)[-1] == "e ends"
    assert "[5 of 5] tables e" in text
    assert out_of_date(graph) == set()
    assert "all is well with a" in (graph / "work/logs/a.log").read_text()
    assert {path.name for path in (graph / "work/slurm").iterdir()} == {"launcher.lock", "submitted"}


def test_a_second_call_finds_what_the_first_submitted(graph: Path, fake_slurm: FakeSlurm) -> None:
    """The launcher is killed; one job ends meanwhile, one still runs. None is submitted twice, nor runs twice."""
    for name in "ab":
        (graph / f"{name}.todo").write_text(f"while not (here / 'go-{name}').exists(): time.sleep(0.05)")
    process = begin(graph, 2, *ON_SLURM, "b", "c")
    while len(diary(graph)) < 2:
        assert process.poll() is None
        time.sleep(0.05)
    process.kill()
    process.communicate()
    (graph / "go-b").touch()
    (folder,) = (graph / "work/slurm").glob("b-*")
    wait_for(folder / "ended.json")
    assert not (graph / "out/b").exists()

    process = begin(graph, 2, *ON_SLURM, "b", "c")
    wait_for(graph / "out/b")
    (graph / "go-a").touch()
    text, _ = process.communicate(timeout=120)
    assert process.returncode == 0, text
    assert "a: job 1 of an earlier call" in text
    assert sorted(names_of_jobs(fake_slurm.scripts())) == ["a", "b", "c"]
    assert sorted(diary(graph)) == sorted(f"{name} {what}" for name in "abc" for what in ("begins", "ends"))
    assert out_of_date(graph) == {"d", "e"}


def test_a_job_whose_time_is_up_goes_on(graph: Path, fake_slurm: FakeSlurm) -> None:
    """It saves itself where the next attempt finds it, and is queued again."""
    (graph / "a.todo").write_text(
        "def save(*_): Path('saved').touch(); sys.exit(143)\n"
        "signal.signal(signal.SIGTERM, save)\n"
        "(here / 'waits').touch()\n"
        "while not Path('saved').exists(): time.sleep(0.05)"
    )
    process = begin(graph, 1, *ON_SLURM, "a")
    wait_for(graph / "waits")
    fake_slurm.say_that_time_is_up("1")
    text, _ = process.communicate(timeout=60)
    assert process.returncode == 0, text
    assert len(fake_slurm.scripts()) == 1
    assert diary(graph) == ["a begins", "a begins", "a ends"]
    assert out_of_date(graph) >= {"b", "c", "d", "e"}


@pytest.fixture
def place(graph: Path, fake_slurm: FakeSlurm, monkeypatch: pytest.MonkeyPatch) -> Slurm:  # noqa: ARG001
    monkeypatch.chdir(graph)
    monkeypatch.setenv("PYTHONPATH", environment()["PYTHONPATH"])
    monkeypatch.setattr(slurm, "ASKED_EVERY", 0.0)
    monkeypatch.setattr(slurm, "LATE", 0.0)
    return Slurm(1)


def start(place: Slurm, name: str) -> Job:
    with graph_of_stages() as graph:
        stage = next(stage for stage in graph if stage.addressing == name)
        begin_stage(stage)
        job = place.start(stage, [], alone=False)
    assert isinstance(job, Job)
    return job


def wait_for_end(place: Slurm, job: Job) -> None:
    for _ in range(300):
        place.wait_for_any([job], 0.2)
        if job.exit_code is not None:
            return
    pytest.fail("the job did not end")


def test_a_job_that_is_gone_is_submitted_again(graph: Path, place: Slurm, fake_slurm: FakeSlurm) -> None:
    """A few times, since what kills one job may kill each."""
    (graph / "a.todo").write_text("(here / 'waits').touch(); time.sleep(60)")
    job = start(place, "a")
    for number in ("1", "2", "3"):
        wait_for(graph / "waits")
        (graph / "waits").unlink()
        fake_slurm.kill(number)
        for _ in range(3):
            place.wait_for_any([job], 0.0)
    assert job.exit_code == -signal.SIGKILL
    assert len(fake_slurm.scripts()) == 3


def test_what_a_job_asks_for(graph: Path, place: Slurm, fake_slurm: FakeSlurm) -> None:
    wishes = {"partition": "long", "gpus": 2, "setup": ["export LOADED=cuda"], "python": "env INSIDE=container python"}
    place.cluster = place.cluster.model_copy(update=wishes)
    (graph / "a.todo").write_text("(here / 'seen').write_text(os.environ['LOADED'] + ' ' + os.environ['INSIDE'])")
    wait_for_end(place, start(place, "a"))
    assert (graph / "seen").read_text() == "cuda container"
    lines = set(fake_slurm.scripts()["1"].splitlines())
    asked = ("partition=long", "gpus-per-node=2", "time=30", "mem=1G", "cpus-per-task=1", "signal=USR2@90", "requeue")
    assert {f"#SBATCH --{option}" for option in asked} <= lines
    assert not any("account" in line for line in lines)


def test_told_to_stop_it_lets_jobs_go_on(
    graph: Path, place: Slurm, fake_slurm: FakeSlurm, capsys: pytest.CaptureFixture[str]
) -> None:
    (graph / "a.todo").write_text("time.sleep(60)")
    place.leave([start(place, "a")])
    assert "To end them: scancel 1\n" in capsys.readouterr().out
    assert (fake_slurm.queue / "1.queued").exists()


def test_slurm_does_not_answer(place: Slurm, fake_slurm: FakeSlurm, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing counts as gone, and nothing is submitted."""
    job = start(place, "a")
    (fake_slurm.queue / "silent").touch()
    wait_for_end(place, job)
    assert job.exit_code == 0
    assert capsys.readouterr().out.count("Slurm does not answer") == 1
    with graph_of_stages() as graph:
        assert not place.has_room(next(iter(graph)), [], alone=False)
    place.lock.release()
    with pytest.raises(UserError, match="Slurm does not answer"):
        Slurm(1)


def test_a_job_of_other_inputs_is_ended(graph: Path, place: Slurm, fake_slurm: FakeSlurm) -> None:
    """What it would hand over is not what the stage is to do now."""
    (graph / "a.todo").write_text("(here / 'waits').touch(); time.sleep(60)")
    start(place, "a")
    wait_for(graph / "waits")
    (graph / "a.todo").unlink()
    (graph / "a.in").write_text("2")
    job = start(place, "a")
    assert [file.name for file in fake_slurm.queue.glob("*.queued")] == ["2.queued"]
    wait_for_end(place, job)
    with job.delivered():
        assert (graph / "out/a").read_text() == "2"
    assert list((graph / "work/slurm").glob("a-*")) == []


def test_what_failed_is_tried_again(graph: Path, place: Slurm, fake_slurm: FakeSlurm) -> None:
    (graph / "a.todo").write_text("sys.exit(3)")
    job = start(place, "a")
    wait_for_end(place, job)
    assert job.exit_code == 3
    (graph / "a.todo").unlink()
    job = start(place, "a")
    wait_for_end(place, job)
    assert job.exit_code == 0
    assert len(fake_slurm.scripts()) == 2


def test_a_full_disk_loses_nothing(graph: Path, place: Slurm, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was handed over stays until it is recorded."""
    job = start(place, "a")
    wait_for_end(place, job)
    with monkeypatch.context() as patch:
        patch.setattr(handing_over.shutil, "copyfile", full)
        with pytest.raises(OSError, match="No space left"), job.delivered():
            pass
    assert not (graph / "out/a").exists()
    job = start(place, "a")
    assert job.exit_code == 0
    with job.delivered():
        assert (graph / "out/a").read_text() == "1"


def full(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_code_that_changed_since_the_launcher_began(place: Slurm, fake_slurm: FakeSlurm) -> None:
    place.code = "another"
    with pytest.raises(UserError, match="the code was changed since this launcher began"):
        start(place, "a")
    assert fake_slurm.scripts() == {}


def test_refusals(graph: Path, fake_slurm: FakeSlurm, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line each, and exit code 2."""
    refusal = fake_slurm.queue / "refusal"
    refusal.write_text("sbatch: error: invalid partition specified: nowhere\nsbatch: error: Job submission failed\n")
    code, text = launch(graph, 1, *ON_SLURM, "a")
    assert code == 2
    reasons = "invalid partition specified: nowhere; Job submission failed"
    assert text.splitlines()[1:] == [f"error: Slurm refuses a job as cluster.yaml asks for it: {reasons}"]
    (graph / "cluster.yaml").write_text("{partitions: main}")
    code, text = launch(graph, 1, *ON_SLURM, "a")
    assert (code, text.count("\n")) == (2, 1)
    assert text.startswith("error: cluster.yaml: partitions is not a known key")
    monkeypatch.setattr("tests.pipeline.commands.graphs.dvc_environment", lambda: {"PATH": str(graph)})
    assert launch(graph, 1, *ON_SLURM, "a") == (
        2,
        "error: there is no Slurm here, sbatch is not on PATH: call it on a machine that submits jobs\n",
    )


def test_two_launchers_at_once(graph: Path, place: Slurm) -> None:  # noqa: ARG001
    code, text = launch(graph, 1, *ON_SLURM, "a")
    assert (code, text) == (2, f"error: another launcher is at work in {graph}: let it end, or stop it first\n")
