"""The doctor: what is right, what is wrong, and what to do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from importlib.metadata import version
from types import SimpleNamespace

import psycopg
import pytest
from practice_requests import requests_during

from clover_nb import cli
from clover_nb.cli import doctor
from clover_nb.journal.journal import Journal
from clover_nb.journal.registry import team_journal
from clover_nb.masking import Secret

pytestmark = pytest.mark.usefixtures("empty_folder")


def settings_for(monkeypatch, connection, **other):
    for name, value in (connection | other).items():
        monkeypatch.setenv(f"CLOVER_{name.upper()}", value)


def report(capsys):
    code = cli.main(["doctor"])
    return code, capsys.readouterr().out


def test_all_is_well(monkeypatch, practice, capsys):
    """Versions, settings, hosts, clock, credentials and permissions; only reads; no secret."""
    settings_for(monkeypatch, practice.connection())
    with requests_during(practice) as sent:
        code, out = report(capsys)
    assert code == 0, out
    assert "WRONG" not in out
    for word in ("Python 3", "pandas", "settings", "Platform API", "clock", "access token"):
        assert word in out
    assert practice.access_token not in out
    assert practice.api_key not in out
    assert {entry["method"] for entry in sent} == {"GET"}


def test_a_reader_that_has_enough_ends_it_without_a_traceback():
    """As in `clover-nb doctor | head -1`."""
    reading, writing = os.pipe()
    os.close(reading)
    ran = subprocess.run(
        [sys.executable, "-m", "clover_nb.cli", "doctor"],
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writing)
    assert (ran.returncode, ran.stderr) == (1, "")


def test_a_refused_key_lists_the_five_reasons(monkeypatch, practice, capsys):
    """401 means one of five things, and Clover does not say which."""
    settings_for(monkeypatch, practice.connection(), access_token="another-token")
    code, out = report(capsys)
    assert code == 1
    assert "one of five things" in out
    assert "another-token" not in out


def test_a_missing_merchant_id_is_said(monkeypatch, practice, capsys):
    """And what it is needed for."""
    connection = practice.connection()
    del connection["merchant_id"]
    settings_for(monkeypatch, connection)
    code, out = report(capsys)
    assert code == 1
    assert "CLOVER_MERCHANT_ID" in out


def test_a_host_that_is_not_there_is_said(monkeypatch, practice, capsys):
    """The others are looked at all the same."""
    settings_for(monkeypatch, practice.connection(), ecommerce_url="http://127.0.0.1:1")
    code, out = report(capsys)
    assert code == 1
    assert "WRONG  Ecommerce API at http://127.0.0.1:1" in out
    assert "ok     Platform API" in out


def test_a_misspelled_setting_is_said(monkeypatch, empty_folder, capsys):
    """In a file or in the environment: without it the practice sandbox is used, unsaid."""
    (empty_folder / ".env").write_text("CLOVER_ENVIROMENT=sandbox\n")
    monkeypatch.setenv("CLOVER_MERCHANTID", "7QK2M9ZX4T0BC")
    code, out = report(capsys)
    assert code == 1
    assert "Did you mean CLOVER_ENVIRONMENT?" in out
    assert "CLOVER_MERCHANTID: there is none of this name\n       Did you mean CLOVER_MER" in out
    assert out.count("WRONG") == 2


def test_a_working_directory_that_was_deleted_has_no_settings_file(empty_folder):
    """Of all that is looked at there, nothing is found. Here where no command is on the path."""
    gone = empty_folder / "gone"
    gone.mkdir()
    command = [sys.executable, "-P", "-m", "clover_nb", "batches"]
    script = ["sh", "-c", 'cd gone && rmdir ../gone && exec "$@"', "sh", *command]
    ran = subprocess.run(script, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "No plan was applied yet.\n", "")


def test_a_wrong_setting_ends_the_examination(monkeypatch, capsys):
    """There is nothing to look at."""
    monkeypatch.setenv("CLOVER_ENVIRONMENT", "sandbox")
    code, out = report(capsys)
    assert code == 1
    assert "CLOVER_ACCESS_TOKEN is missing" in out


@pytest.mark.parametrize(("off", "told"), [(3600, "behind"), (-3600, "ahead of")])
def test_a_wrong_clock_is_said(monkeypatch, practice, capsys, off, told):
    """An hour off."""
    settings_for(monkeypatch, practice.connection())
    monkeypatch.setattr(doctor.HTTPTransport, "server_time", lambda transport: time.time() + off)
    code, out = report(capsys)
    assert code == 1
    assert f"3600 seconds {told} Clover's" in out


def test_nothing_is_said_of_the_clock_when_nobody_answers(monkeypatch, practice, capsys):
    """It was not compared with Clover's."""
    nowhere = dict.fromkeys(("ecommerce_url", "token_url", "platform_url"), "http://127.0.0.1:1")
    settings_for(monkeypatch, practice.connection() | nowhere)
    code, out = report(capsys)
    assert code == 1
    assert "clock" not in out


def test_a_folder_that_the_journal_can_not_be_made_in_is_said(monkeypatch, tmp_path):
    """Before a connection fails for it."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    (well,) = doctor._check_journal()
    assert well.good
    assert not (tmp_path / "clover-nb").exists()
    # Not by its mode, for root may write anywhere.
    monkeypatch.setattr(os, "access", lambda path, _: path != tmp_path)
    (finding,) = doctor._check_journal()
    assert not finding.good
    assert str(tmp_path) in finding.todo


def test_a_terminal_is_told_nothing_else(monkeypatch, scripted, capsys):
    """No signs of control or direction of an answer, and no line of its own."""
    hostile = "\x1b[2J\x9b31m\r\nok     all is well\u202e\x07"
    error = json.dumps({"message": hostile, "error": {"code": hostile, "message": hostile}})
    scripted.answers = [(400, "application/json", error.encode())]
    urls = dict.fromkeys(("ecommerce_url", "token_url", "platform_url"), scripted.url)
    settings_for(monkeypatch, urls, access_token="token", merchant_id="M1")
    code, out = report(capsys)
    assert code == 1
    assert all(sign.isprintable() or sign == "\n" for sign in out)
    assert not any(line.startswith("ok     all is well") for line in out.splitlines())


def test_a_folder_tells_a_terminal_nothing(monkeypatch, empty_folder, capsys):
    """Its name stands in the report, for settings lie in it; anybody may have made it."""
    folder = empty_folder / "shop\x1b[2J\nok     all is well\u202e"
    folder.mkdir()
    (folder / ".env").write_text("CLOVER_ENVIRONMENT=nowhere")
    monkeypatch.chdir(folder)
    _, out = report(capsys)
    assert "settings file: " in out
    assert all(sign.isprintable() or sign == "\n" for sign in out)
    assert not any(line.startswith("ok     all is well") for line in out.splitlines())


def test_a_teams_database_is_looked_at(monkeypatch, practice, capsys, database):
    """Its version, this role, its clock and the processes; no journal is made."""
    address = database.address("ana")
    settings_for(monkeypatch, practice.connection() | {"team": address})
    code, out = report(capsys)
    assert code == 0, out
    assert database.execute("SELECT to_regclass('clover_nb.entries')") == [(None,)]
    assert "PostgreSQL" in out
    assert "as role ana" in out
    assert "clock: as the database's" in out
    assert "pass-ana" not in out
    journal = Journal(Secret(database.address("bo")))
    _, out = report(capsys)
    assert f"clover-nb {version('clover-nb')} {journal.register_process()}, bo" in out


def test_what_is_wrong_with_a_teams_database_is_said(monkeypatch, practice, capsys, database):
    """It is open to every role, its clock is another one, a process runs another version."""
    settings_for(monkeypatch, practice.connection() | {"team": database.address("ana")})
    database.execute(f"GRANT CONNECT ON DATABASE {database.name} TO PUBLIC")
    # The module alone: the sandbox in this process would give its `Date` by a clock that is set.
    monkeypatch.setattr(doctor, "time", SimpleNamespace(time=lambda: time.time() - 3600))
    with psycopg.connect(database.address("bo"), application_name="clover-nb 0.0.1 node.1.a"):
        code, out = report(capsys)
    assert code == 1
    assert "WRONG  team: every role may connect to it" in out
    assert "3600 seconds behind the database's" in out
    assert f"not all run clover-nb {version('clover-nb')}: clover-nb 0.0.1 node.1.a, bo" in out


def test_a_teams_database_that_lets_nobody_in_is_said(monkeypatch, practice, capsys, database):
    """A role that is none of the team's."""
    settings_for(monkeypatch, practice.connection() | {"team": database.address("eve")})
    code, out = report(capsys)
    assert code == 1
    assert "permission denied" in out
    assert "pass-eve" not in out


def test_a_teams_folder_is_looked_at(monkeypatch, practice, capsys, empty_folder):
    """Its mode, its file system and who is alive; what a colleague can't write; a wrong mode."""
    folder = empty_folder / "team"
    folder.mkdir()
    folder.chmod(0o2770)
    settings_for(monkeypatch, practice.connection() | {"team": str(folder)})
    code, out = report(capsys)
    assert code == 0, out
    assert f"folder {folder}, mode 2770, file system " in out
    assert not list(folder.glob("journal*"))
    journal = team_journal(Secret(folder))
    process = journal.register_process()
    _, out = report(capsys)
    assert f"clover-nb {version('clover-nb')} {process}, " in out
    monkeypatch.setattr(os, "access", lambda path, _: path == folder)  # root may write anywhere
    code, out = report(capsys)
    assert code == 1
    assert f"chmod 660 {folder / 'journal.sqlite3'}" in out
    folder.chmod(0o777)
    code, out = report(capsys)
    assert code == 1
    assert f"chmod 2770 {folder}" in out
