"""`clover-nb plan`: what a file would change, for people and for programs."""

from __future__ import annotations

import json
import uuid

import pytest

from clover_nb import cli, read_plan

pytestmark = pytest.mark.usefixtures("empty_folder")


@pytest.fixture
def ana(clover, monkeypatch, practice):
    """A customer of the sandbox that the command is set up for."""
    for name, value in practice.connection().items():
        monkeypatch.setenv(f"CLOVER_{name.upper()}", value)
    return clover.customers.list().iloc[0]


def run(capsys, *arguments):
    status = cli.main(["plan", *map(str, arguments)])
    printed = capsys.readouterr()
    return status, printed.out, printed.err


def test_it_prints_what_would_change_and_exits_with_2(ana, tmp_path, capsys):
    """Before and after, what is wrong, and a line of counts."""
    path = tmp_path / "spring.csv"
    path.write_text(f"id,phone\n{ana.name},+1 408 555 0100\nGONE,1\n")
    status, out, _ = run(capsys, path)
    assert status == 2
    assert f"phone: {ana['phone']!r} -> '+1 408 555 0100'" in out
    assert "There is no customer GONE" in out
    assert "Plan: 1 modify, 1 wrong, 1 request\n" in out


def test_it_exits_with_0_when_nothing_is_to_be_done(ana, tmp_path, capsys):
    """As for a file that is so already."""
    path = tmp_path / "spring.csv"
    path.write_text(f"id,email\n{ana.name},{ana['email']}\n")
    status, out, _ = run(capsys, path)
    assert (status, out) == (0, "Plan: 1 unchanged, 0 requests\n")


def test_what_python_calls_otherwise_is_named_as_an_option(ana, tmp_path, capsys):
    """In errors and in notes."""
    path = tmp_path / "spring.csv"
    path.write_text("Mail,Courriel\na@example.com,b@example.com\n")
    assert '--column "HEADING=FIELD"' in run(capsys, path)[2]
    path.write_text(f"id,name,Contact\n{ana.name},Bo Lee,a@example.com\n")
    assert '--column "HEADING=FIELD"' in run(capsys, path)[1]
    path.write_text("Customers of spring\nid,phone\nx,1\n")
    assert "--header ROW" in run(capsys, path)[2]


def test_it_saves_a_plan_and_prints_json(ana, tmp_path, capsys):
    """For a colleague, and for a program."""
    path, saved = tmp_path / "spring.csv", tmp_path / "spring.plan.jsonl"
    email = f"{uuid.uuid4().hex}@example.com"
    path.write_text(f"Kontakt;Name;Notiz\n{email};Ana Rivera;x\n")
    given = ("--column", "Kontakt=email", "--column", "Notiz=", "--out", saved, "--json")
    status, out, _ = run(capsys, path, *given)
    told = json.loads(out)
    assert (status, told["counts"], told["requests"]) == (2, {"create": 1}, 1)
    assert told["rows"][0]["wanted"]["email"] == email
    assert read_plan(saved).id == told["plan"]


def test_an_error_of_use_exits_with_1_and_a_sentence(ana, tmp_path, capsys):
    """A file, a column, a key and an option that are none."""
    path = tmp_path / "spring.csv"
    path.write_text("id,phone\nx,1\n")
    for arguments, told in (
        ([tmp_path / "none.csv"], "none.csv can't be read"),
        ([path, "--column", "Phon=phone"], "Did you mean 'phone'"),
        ([path, "--key", "emial"], "Did you mean email"),
        ([path, "--out", tmp_path / "none" / "plan"], "there is no folder"),
    ):
        status, out, err = run(capsys, *arguments)
        assert (status, out) == (1, "")
        assert told in err
    for arguments in (["--empty", "erase", str(path)], [str(path), "--bogus"], []):
        with pytest.raises(SystemExit) as stopped:
            cli.main(["plan", *arguments])
        assert stopped.value.code == 1


def test_missing_settings_are_said(tmp_path, capsys, monkeypatch):
    """As everywhere."""
    path = tmp_path / "spring.csv"
    path.write_text("email\na@example.com\n")
    monkeypatch.setenv("CLOVER_ENVIRONMENT", "sandbox")
    status, _, err = run(capsys, path)
    assert status == 1
    assert "CLOVER_ACCESS_TOKEN" in err
