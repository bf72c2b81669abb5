"""`clover-nb apply`, `batches` and `undo`: from a saved plan to an undone batch."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from clover_nb import cli, read_table, sandbox

pytestmark = pytest.mark.usefixtures("empty_folder")


@pytest.fixture
def box(monkeypatch, tmp_path):
    """A sandbox that the commands are set up for, and a journal of their own."""
    with sandbox.start(seed=4, customers=30, limits=False) as running:
        shared = running.connection() | {"journal": str(tmp_path / "journal")}
        monkeypatch.setenv("CLOVER_NB_SANDBOX", json.dumps(shared))
        yield running


@pytest.fixture
def saved(box, tmp_path, capsys):
    """A plan of three new customers."""
    table, plan = tmp_path / "spring.csv", tmp_path / "spring.plan.jsonl"
    table.write_text("email,name\n" + "".join(f"n{n}@example.com,A{n} B{n}\n" for n in range(3)))
    assert cli.main(["plan", str(table), "--out", str(plan)]) == 2
    capsys.readouterr()
    return plan


def run(capsys, *arguments):
    status = cli.main(list(map(str, arguments)))
    printed = capsys.readouterr()
    return status, printed.out, printed.err


def test_a_plan_is_applied_listed_and_taken_back(box, saved, tmp_path, capsys):
    """Each says what it did, and the exit status tells programs."""
    status, out, err = run(capsys, "apply", saved, "--yes")
    assert (status, out) == (0, "Batch 1: done; 3 done\n")
    assert "3 done, 0 failed, 0 left" in err
    assert run(capsys, "apply", saved, "--yes")[:2] == (0, "Batch 1: done; 3 done\n")
    status, out, _ = run(capsys, "batches", "--json")
    (batch,) = json.loads(out)
    assert (status, batch["batch"], batch["done"]) == (0, 1, 3)
    listed = run(capsys, "batches")[1]
    assert "done" in listed
    assert "NaN" not in listed
    assert "<NA>" not in listed
    undo = tmp_path / "undo.jsonl"
    status, out, _ = run(capsys, "undo", 1, "--out", undo)
    assert (status, out) == (2, f"Plan: 3 doubtful. Saved as {undo}.\n")
    status, _, err = run(capsys, "undo", 9, "--out", undo)
    assert (status, err.startswith("There is no batch 9.")) == (1, True)
    assert "clover-nb batches" in err


def test_it_asks_before_it_sends(box, saved, capsys, monkeypatch):
    """Anything but yes sends nothing."""
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    status, out, err = run(capsys, "apply", saved)
    assert (status, out) == (1, "")
    assert "Plan: 3 create: 3 requests to <Clover: LOCAL" in err
    assert "Nothing was sent." in err
    assert [entry for entry in box.requests if entry["method"] == "POST"] == []
    monkeypatch.setattr("sys.stdin", io.StringIO("yes\n"))
    assert run(capsys, "apply", saved)[0] == 0


def test_a_plan_of_another_merchant_is_refused_before_anything_is_asked(
    box, saved, capsys, monkeypatch
):
    """Nobody says yes to what can't be done."""
    monkeypatch.setattr("sys.stdin", io.StringIO("yes\n"))
    with sandbox.start(seed=5, customers=0, limits=False) as other:
        monkeypatch.setenv("CLOVER_NB_SANDBOX", json.dumps(other.connection()))
        status, out, err = run(capsys, "apply", saved)
    assert (status, out) == (1, "")
    assert err.startswith(f"The plan is of merchant {box.merchant_id} ")
    assert "Type yes" not in err


def start(*arguments, **options):
    """The command in a process of its own, at which Ctrl-C can be pressed."""
    command = [sys.executable, "-m", "clover_nb.cli", *map(str, arguments)]
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    return subprocess.Popen(command, text=True, **pipes, **options)


def test_ctrl_c_at_the_question_is_a_no(box, saved):
    """In a sentence, and not in a traceback."""
    with start("apply", saved) as process:
        asked = ""
        while not asked.endswith("Type yes to send: "):
            asked += process.stderr.read(1)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()
    assert (process.returncode, err) == (1, "\nNothing was sent.\n")
    assert [entry for entry in box.requests if entry["method"] == "POST"] == []


def test_ctrl_c_ends_a_command_without_a_traceback(tmp_path):
    """With the status by which shells know it. Here it waits for a file that is being written."""
    pipe = tmp_path / "spring.csv"
    os.mkfifo(pipe)
    with start("plan", pipe) as process, pipe.open("w"):  # opened once the command reads it
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()
    assert (process.returncode, err) == (130, "Interrupted.\n")


def test_what_a_terminal_has_no_signs_for_is_printed_as_a_code(box, tmp_path):
    """Whatever encoding it has."""
    table = tmp_path / "spring.csv"
    table.write_text("email,name\nnew@example.com,Ana Łoś\n", encoding="utf-8")
    for option in ((), ("--json",)):
        with start(
            "plan", table, *option, env={**os.environ, "PYTHONIOENCODING": "ascii"}
        ) as process:
            out, err = process.communicate()
        assert (process.returncode, err) == (2, "")
        assert r"\u0141o\u015b" in out


@pytest.mark.parametrize("name", ["failed.txt", "nowhere/failed.csv"])
def test_a_file_that_can_not_be_written_is_said_before_anything_is_sent(
    box, saved, tmp_path, capsys, name
):
    """Else the rows that failed are nowhere."""
    status, out, err = run(capsys, "apply", saved, "--yes", "--failed", tmp_path / name)
    assert (status, out) == (1, "")
    assert "neither in .csv nor in .xlsx" in err or "there is no folder" in err
    (batch,) = json.loads(run(capsys, "batches", "--json")[1])
    assert (batch["rows"], batch["done"]) == (3, 0)
    assert not [entry for entry in box.requests if entry["method"] == "POST"]


def test_rows_that_failed_exit_with_2_and_can_be_saved(box, saved, tmp_path, capsys):
    """With their reasons."""
    box.fail_next("400", times=1, method="POST", path="/customers")
    again = tmp_path / "again.csv"
    status, out, _ = run(capsys, "apply", saved, "--yes", "--failed", again, "--json")
    assert (status, json.loads(out)["outcomes"]) == (2, {"done": 2, "failed": 1})
    assert len(read_table(again)) == 1
    status, out, _ = run(capsys, "apply", saved, "--yes")
    assert status == 2
    assert "row 2: failed: " in out


def test_a_file_that_is_no_plan_exits_with_1(box, tmp_path, capsys):
    """In a sentence."""
    path = tmp_path / "table.csv"
    path.write_text("a\n1\n")
    status, _, err = run(capsys, "apply", path, "--yes")
    assert status == 1
    assert "is no plan" in err
    assert run(capsys, "batches")[1] == "No plan was applied yet.\n"


def test_a_token_that_expires_exits_with_2_and_a_new_one_goes_on(
    box, tmp_path, capsys, monkeypatch
):
    """It says that it expired; what was not sent is sent by the next call, once."""
    table, plan = tmp_path / "spring.csv", tmp_path / "spring.plan.jsonl"
    table.write_text("email,name\n" + "".join(f"n{n}@example.com,A{n} B{n}\n" for n in range(40)))
    assert run(capsys, "plan", table, "--out", plan)[0] == 2

    def expire():
        while not any(entry["method"] == "POST" for entry in box.requests):
            time.sleep(0.01)
        box.expire_token()

    watcher = threading.Thread(target=expire)
    watcher.start()
    status, out, _ = run(capsys, "apply", plan, "--yes")
    watcher.join()
    assert status == 2
    assert "Batch 1: stopped; " in out
    assert "it has expired" in out
    shared = box.connection() | {"journal": str(tmp_path / "journal")}
    monkeypatch.setenv("CLOVER_NB_SANDBOX", json.dumps(shared))
    assert run(capsys, "apply", plan, "--yes")[:2] == (0, "Batch 1: done; 40 done\n")
    made = [each for each in box.requests if (each["method"], each["status"]) == ("POST", 200)]
    assert len(made) == 40


def test_a_batch_is_gone_on_with_by_its_number(box, saved, capsys, monkeypatch):
    """Without its plan, which is not needed any more; it asks first, too."""
    box.fail_next("401", times=1, method="POST", path="/customers")
    assert run(capsys, "apply", saved, "--yes")[0] == 2
    saved.unlink()
    monkeypatch.setattr("sys.stdin", io.StringIO("no\n"))
    status, _, err = run(capsys, "resume", 1)
    assert status == 1
    assert "Batch 1: stopped; 3 planned to <Clover: LOCAL" in err
    assert run(capsys, "resume", 1, "--yes")[:2] == (0, "Batch 1: done; 3 done\n")
    assert len([entry for entry in box.requests if entry["method"] == "POST"]) == 4
    assert run(capsys, "resume", 9, "--yes")[0] == 1
