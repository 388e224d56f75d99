"""Whatever happens to a task costs that task only, and is told as it was. Real processes, real signals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import engine_tasks as tasks
import pytest

from cxkit.warm.executor import ChildDied, ParentDied, WarmExecutor


@pytest.fixture(scope="module")
def shared() -> Iterator[WarmExecutor]:
    with WarmExecutor(2, preload=["engine_tasks"], timeout=30) as executor:
        yield executor


@pytest.fixture
def executor(shared: WarmExecutor) -> Iterator[WarmExecutor]:
    pid = shared.pid
    yield shared
    assert shared.submit(tasks.add, 1, 2).result(30) == 3  # whatever the test did, the next task runs
    assert shared.pid == pid


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):  # gone, or going while it is read
        return False


def until(condition: Callable[[], Any], seconds: float = 20) -> Any:
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.01)
    return value


def read_pid(path: Path) -> int:
    return int(until(lambda: path.exists() and path.read_text()))


def test_results_keywords_and_order(executor: WarmExecutor) -> None:
    assert list(executor.map(tasks.add, range(50), range(50))) == [2 * i for i in range(50)]
    assert executor.submit(tasks.add, 1, b=2).result() == 3
    assert executor.submit(tasks.flood, 5_000_000).result() == b"x" * 5_000_000


def test_no_task_sees_another(executor: WarmExecutor) -> None:
    assert [executor.submit(tasks.remember, i).result() for i in range(3)] == [[0], [1], [2]]
    first, second = (executor.submit(tasks.about).result() for _ in range(2))
    assert first["pid"] != second["pid"]
    assert first["numpy"] != second["numpy"]


def test_a_child_leads_its_own_session_and_inherits_nothing_of_the_parent(executor: WarmExecutor) -> None:
    slow = executor.submit(tasks.sleep, 0.5)  # its pipe must not be open in its sibling
    about = executor.submit(tasks.about).result()
    assert about["parent"] == executor.pid
    assert about["leader"]
    assert about["term"]
    kinds = [name.split(":")[0] for name in about["descriptors"] if not name.startswith("/")]
    assert kinds.count("socket") == 0
    assert kinds.count("pipe") <= 3  # its own; standard output and error may be pipes of whoever runs the tests
    assert slow.result() == "slept"


def test_usage_is_measured(executor: WarmExecutor) -> None:
    task = executor.submit(tasks.sleep, 0.3)
    task.result()
    assert task.usage is not None
    assert 0.3 <= task.usage.seconds < 5
    assert task.usage.cpu < 0.3
    assert 1 << 20 < task.usage.memory < 1 << 30
    assert task.usage.left == 0


@pytest.mark.parametrize(
    "function, arguments, attributes, words",
    [
        (tasks.leave_with, (3,), {"status": 3, "signal": None}, "exit status 3 before it had a result"),
        (tasks.leave_with, (0,), {"status": 0, "signal": None}, "exit status 0 before it had a result"),
        (tasks.kill_self, (signal.SIGKILL,), {"signal": 9, "status": None}, "killed by signal 9"),
        (tasks.kill_self, (signal.SIGTERM,), {"signal": 15, "status": None}, "SIGTERM"),
        (tasks.crash, (), {"signal": signal.SIGSEGV, "status": None}, "SIGSEGV"),
        (tasks.noted, (), {"status": 7, "note": "the second step"}, r"exit status 7 .* \(at the second step\)"),
        (tasks.close_everything, (), {"signal": None}, "before it had a result"),
    ],
)
def test_a_death_is_told_as_it_was(
    executor: WarmExecutor, function: Any, arguments: Any, attributes: dict[str, Any], words: str
) -> None:
    with pytest.raises(ChildDied, match=words) as caught:
        executor.submit(function, *arguments).result()
    assert {name: getattr(caught.value, name) for name in attributes} == attributes


def test_sys_exit_is_a_failure_and_does_not_end_the_runner(executor: WarmExecutor) -> None:
    with pytest.raises(RuntimeError, match="SystemExit: 0"):
        executor.submit(tasks.exit_politely).result()


def test_exceptions_come_back_with_their_traceback(executor: WarmExecutor) -> None:
    with pytest.raises(KeyError, match="plain") as caught:
        executor.submit(tasks.raise_plain).result()
    assert "in raise_plain" in str(caught.value.__cause__)
    with pytest.raises(RuntimeError, match="Awkward: 1 and 2"):  # its class cannot be unpickled
        executor.submit(tasks.raise_awkward).result()


def test_what_cannot_be_pickled_is_refused_on_either_way(executor: WarmExecutor) -> None:
    with pytest.raises(Exception, match="pickle"):
        executor.submit(tasks.unpicklable).result()
    with pytest.raises(Exception, match="pickle"):
        executor.submit(lambda: None)


def test_a_task_that_hangs_is_killed_at_its_deadline() -> None:
    with WarmExecutor(2, preload=["engine_tasks"], timeout=0.5) as executor:
        stopped = executor.submit(tasks.stop_self)  # not even able to handle a signal
        hanging = executor.submit(tasks.sleep, 60)
        for task in (stopped, hanging):
            with pytest.raises(ChildDied, match=r"timed out after 0\.\d s") as caught:
                task.result(10)
            assert caught.value.killed
        assert executor.submit(tasks.add, 1).result() == 1


def test_a_step_may_have_its_own_deadline(executor: WarmExecutor) -> None:
    with pytest.raises(ChildDied, match=r"timed out .*the second step"):
        executor.submit(tasks.noted, 0.3).result(10)


def test_a_memory_hog_is_told_and_its_subprocesses_are_limited_too() -> None:
    with WarmExecutor(1, preload=["engine_tasks"], memory=200 << 20) as executor:
        task = executor.submit(tasks.hog)
        with pytest.raises(MemoryError):
            task.result(30)
        assert task.usage is not None
        assert task.usage.memory < 400 << 20
        assert executor.submit(tasks.hog_in_subprocess).result(30) != 0
        assert executor.submit(tasks.flood, 50 << 20).result(30) == b"x" * (50 << 20)


def test_processes_left_behind_are_found_and_killed(executor: WarmExecutor, tmp_path: Path) -> None:
    bystander = executor.submit(tasks.sleep, 1.0)
    task = executor.submit(tasks.leave_processes, str(tmp_path))
    assert task.result() == "done"
    assert task.usage is not None
    assert task.usage.left == 3
    assert not any(alive(read_pid(tmp_path / f"left{index}")) for index in range(3))
    assert bystander.result() == "slept"  # a child at work is nobody's left-over


def test_a_thread_left_behind_does_not_keep_the_child(executor: WarmExecutor) -> None:
    task = executor.submit(tasks.leave_thread)
    assert task.result(10) == "done"


def test_nonsense_in_the_pipe_harms_its_own_task_only(executor: WarmExecutor) -> None:
    good = executor.submit(tasks.sleep, 0.5)
    task = executor.submit(tasks.write_nonsense)
    with pytest.raises(Exception, match=r"result|unpickling|truncated"):
        task.result(10)
    assert good.result() == "slept"


def test_the_parent_killed_mid_run_costs_what_ran_and_nothing_else(tmp_path: Path) -> None:
    with WarmExecutor(1, preload=["engine_tasks"], timeout=60) as executor:
        running = executor.submit(tasks.sleep, 60, str(tmp_path / "pid"))
        waiting = executor.submit(tasks.add, 40, 2)
        child = read_pid(tmp_path / "pid")
        os.kill(executor.pid, signal.SIGKILL)
        with pytest.raises(ParentDied, match="while this task ran"):
            running.result(20)
        assert waiting.result(20) == 42
        until(lambda: not alive(child))


def test_sigterm_to_the_parent_kills_its_children(tmp_path: Path) -> None:
    with WarmExecutor(1, preload=["engine_tasks"]) as executor:
        running = executor.submit(tasks.leave_processes, str(tmp_path))
        running.result()
        running = executor.submit(tasks.sleep, 60, str(tmp_path / "pid"))
        child = read_pid(tmp_path / "pid")
        os.kill(executor.pid, signal.SIGTERM)
        with pytest.raises(ParentDied):
            running.result(20)
        until(lambda: not alive(child))


def test_the_runner_killed_leaves_no_process(tmp_path: Path) -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "import engine_tasks as tasks\n"
        "from cxkit.warm.executor import WarmExecutor\n"
        "executor = WarmExecutor(1, preload=['engine_tasks'])\n"
        f"task = executor.submit(tasks.sleep, 60, {str(tmp_path / 'pid')!r})\n"
        f"open({str(tmp_path / 'parent')!r}, 'w').write(str(executor.pid))\n"
        "task.result()\n"
    )
    runner = subprocess.Popen([sys.executable, "-c", code])
    child, parent = read_pid(tmp_path / "pid"), read_pid(tmp_path / "parent")
    runner.kill()
    runner.wait()
    until(lambda: not alive(child) and not alive(parent))


def test_ctrl_c_reaches_the_runner_only(tmp_path: Path) -> None:
    with WarmExecutor(1, preload=["engine_tasks"]) as executor:
        assert executor.submit(tasks.add, 1).result() == 1
        assert os.getsid(executor.pid) != os.getsid(0)


def test_stop_ends_at_once(tmp_path: Path) -> None:
    executor = WarmExecutor(1, preload=["engine_tasks"])
    running = executor.submit(tasks.sleep, 60, str(tmp_path / "pid"))
    waiting = executor.submit(tasks.add, 1)
    child = read_pid(tmp_path / "pid")
    parent = executor.pid
    executor.stop()
    assert waiting.cancelled()
    with pytest.raises(ChildDied, match="stopped by the runner"):
        running.result(0)
    assert not alive(child)
    assert not alive(parent)
    with pytest.raises(RuntimeError, match="after shutdown"):
        executor.submit(tasks.add, 1)


def test_shutdown_without_waiting_still_finishes(tmp_path: Path) -> None:
    executor = WarmExecutor(1, preload=["engine_tasks"])
    submitted = [executor.submit(tasks.add, i) for i in range(5)]
    executor.shutdown(wait=False)
    assert [task.result(20) for task in submitted] == list(range(5))
    executor.shutdown()


def test_waiting_tasks_can_be_cancelled(tmp_path: Path) -> None:
    with WarmExecutor(1, preload=["engine_tasks"]) as executor:
        running = executor.submit(tasks.sleep, 1, str(tmp_path / "pid"))
        read_pid(tmp_path / "pid")
        waiting = executor.submit(tasks.add, 1)
        assert waiting.cancel()
        assert running.result() == "slept"


def test_nothing_leaks_over_many_tasks() -> None:
    with WarmExecutor(2, preload=["engine_tasks"]) as executor:
        executor.submit(tasks.add, 0).result()
        before = Path(f"/proc/{executor.pid}/statm").read_text().split()[1], os.listdir(f"/proc/{executor.pid}/fd")
        assert list(executor.map(tasks.add, range(300))) == list(range(300))
        after = Path(f"/proc/{executor.pid}/statm").read_text().split()[1], os.listdir(f"/proc/{executor.pid}/fd")
        assert after[1] == before[1]
        assert int(after[0]) <= int(before[0]) + 256  # pages: one megabyte
        assert not Path(f"/proc/{executor.pid}/task/{executor.pid}/children").read_text()
