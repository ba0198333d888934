"""Workers that die, stand still, cannot be started, or have processes of their own."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from normlab.records.events import Failed
from normlab.study.channel import Channel, Gone
from normlab.study.executor import LocalExecutor
from normlab.study.messages import JobEnded, Lost, Setup, Stands
from normlab.study.slot import WorkerSlot

LIMIT = 60  # seconds after which something hangs
Tell = Callable[[object], None]
SETUP = Setup(threads=1, core=None, path=tuple(sys.path))


@dataclass
class Calls:
    """A job that is one function."""

    function: Callable[[Tell], None]
    label: str = "the job"

    def perform(self, tell: Tell) -> None:
        self.function(tell)


@pytest.fixture
def slot(tmp_path: Path) -> Iterator[WorkerSlot]:
    slot = WorkerSlot(SETUP, tmp_path / "logs" / "worker.log", stands=0.1)
    yield slot
    slot.stop()


def performed(slot: WorkerSlot, function: Callable[[Tell], None]) -> list[object]:
    told: list[object] = []
    ends = threading.Thread(target=slot.perform, args=(Calls(function), told.append))
    ends.start()
    ends.join(LIMIT)
    assert not ends.is_alive(), told
    return told


def gone(*pids: int) -> bool:
    """Whether the processes end, given time."""
    end = time.monotonic() + LIMIT
    while any(map(_lives, pids)) and time.monotonic() < end:
        time.sleep(0.05)
    return not any(map(_lives, pids))


def _lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _helper(*, alone: bool = False) -> int:
    """A process of a user's that lasts, with all that its parent had open."""
    child = os.fork()
    if child == 0:
        if alone:
            os.setsid()
        while True:
            time.sleep(1)
    return child


def says_its_helpers(tell: Tell) -> None:
    tell((os.getpid(), _helper(), _helper(alone=True)))


def dies_beside_a_helper(tell: Tell) -> None:
    tell(_helper())
    os.kill(os.getpid(), signal.SIGKILL)


def has_no_memory(tell: Tell) -> None:
    threading.Thread(target=time.sleep, args=(10_000,)).start()
    raise MemoryError("nothing left")


def says_who(tell: Tell) -> None:
    tell(os.getpid())


def test_a_worker_ends_with_all_that_it_started(slot: WorkerSlot) -> None:
    pids, ended = performed(slot, says_its_helpers)
    assert ended == JobEnded()
    assert isinstance(pids, tuple)
    assert all(map(_lives, pids))
    slot.stop()
    assert gone(*pids)


def test_a_death_is_noticed_though_a_helper_holds_the_channel(slot: WorkerSlot) -> None:
    helper, lost = performed(slot, dies_beside_a_helper)
    assert isinstance(helper, int) and gone(helper)
    assert lost == Lost("its worker was killed by SIGKILL, perhaps for want of memory")
    assert performed(slot, says_who)[1:] == [JobEnded()]  # by the next worker


def test_want_of_memory_ends_a_worker_in_spite_of_its_threads(slot: WorkerSlot) -> None:
    reason = "its worker ended with exit code 1: MemoryError: nothing left"
    assert performed(slot, has_no_memory) == [Lost(reason)]


def leaves(tell: Tell) -> None:
    os.write(2, b"a warning of something else\n")
    os._exit(0)


def test_a_worker_that_a_user_s_code_ends_is_said_to_be(slot: WorkerSlot) -> None:
    reason = "a user's code ended its worker, as os._exit(0) does"
    assert performed(slot, leaves) == [Lost(reason)]


def test_a_stopped_worker_is_told_and_goes_on(slot: WorkerSlot) -> None:
    (worker, _) = performed(slot, says_who)
    assert isinstance(worker, int)
    os.kill(worker, signal.SIGSTOP)
    told: list[object] = []

    def tell(message: object) -> None:
        told.append(message)
        if isinstance(message, Stands):
            os.kill(worker, signal.SIGCONT)

    slot.perform(Calls(says_who), tell)
    stands, *rest = told
    assert stands == Stands(
        f"its worker is stopped (process {worker}). Let it go on: kill -CONT {worker}"
    )
    assert rest == [worker, JobEnded()]


def test_the_folder_of_its_log_is_made_again(slot: WorkerSlot, tmp_path: Path) -> None:
    (first, _) = performed(slot, says_who)
    assert isinstance(first, int)
    shutil.rmtree(tmp_path / "logs")
    os.kill(first, signal.SIGKILL)
    assert gone(first)
    (second, ended) = performed(slot, says_who)
    assert (second != first, ended) == (True, JobEnded())


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENOMEM, errno.EAGAIN])
@pytest.mark.parametrize("where", ["subprocess.Popen", "socket.socketpair"])
def test_one_that_cannot_be_started_is_lost_and_tried_again(
    where: str, number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(f"normlab.study.slot.{where}", fails)
        slot = WorkerSlot(SETUP, tmp_path / "worker.log")
        (lost,) = performed(slot, says_who)
    assert isinstance(lost, Lost)
    assert lost.reason.startswith("no worker can be started (")
    assert os.strerror(number) in lost.reason
    slot.stop()


def test_what_cannot_be_sent_fails_alone(slot: WorkerSlot) -> None:
    class Unsendable:
        def __reduce__(self) -> str:
            raise SystemExit("not for sale")

    unsendable = Unsendable()
    told = performed(slot, lambda tell: tell(unsendable))
    reason = "the job cannot be sent to a worker: not for sale"
    assert told == [Failed(reason=reason), JobEnded()]


def test_an_executor_closes_while_workers_are_at_work(tmp_path: Path) -> None:
    executor = LocalExecutor(workers=2, threads=1, logs=tmp_path / "logs")
    for _ in range(4):
        executor.submit(Calls(_waits))  # type: ignore[arg-type]
    pids = [pid for _, pid in _first(executor, 2)]
    closing = threading.Thread(target=executor.close)
    closing.start()
    closing.join(LIMIT)
    assert not closing.is_alive()
    assert gone(*pids)


def _waits(tell: Tell) -> None:
    tell((_helper(), os.getpid()))
    time.sleep(10_000)


def _first(executor: LocalExecutor, count: int) -> Iterator[tuple[int, int]]:
    for _, message in executor.messages():
        if isinstance(message, tuple):
            yield message
            count -= 1
        if not count:
            return


ORPHANS = """
import sys, time
from tests.resilience import test_workers as t
slot = t.WorkerSlot(t.SETUP, t.Path(sys.argv[1]))
helper = t._helper()  # holds this side of the channel
slot.perform(t.Calls(t.says_its_helpers), lambda told: print(told, flush=True))
print(helper, flush=True)
time.sleep(10_000)
"""


def test_a_worker_whose_conductor_is_killed_ends_with_all_it_started(
    tmp_path: Path,
) -> None:
    words = [sys.executable, "-c", ORPHANS, str(tmp_path / "worker.log")]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as conductor:
        assert conductor.stdout is not None
        pids = [
            int(pid) for pid in conductor.stdout.readline().strip("()\n").split(",")
        ]
        assert conductor.stdout.readline().strip() == "JobEnded()"
        helper = int(conductor.stdout.readline())
        conductor.kill()
        assert gone(*pids)
        assert _lives(helper)  # of the user's own program, not of the worker
        os.kill(helper, signal.SIGKILL)


@pytest.mark.parametrize("sizes", [(0, 1), (1 << 20, 3), ((1 << 22) + 1, 5)])
def test_messages_of_any_size_arrive_whole(sizes: tuple[int, int]) -> None:
    one, other = socket.socketpair()
    receiver, sender = Channel(one, idle=lambda: None), Channel(other)
    messages = [b"x" * size for size in sizes]
    sending = threading.Thread(target=lambda: [sender.send(m) for m in messages])
    sending.start()
    assert [receiver.receive() for _ in messages] == messages
    sending.join(LIMIT)
    sender.close()
    with pytest.raises(Gone):
        receiver.receive()
    receiver.close()
