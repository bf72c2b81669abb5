"""Where the access token goes is said by whoever gave it, and never by a file that lies about."""

from __future__ import annotations

import os
import socket

import pytest

from clover_nb import cli
from clover_nb.client import connect
from clover_nb.errors import SettingsError
from clover_nb.masking import Secret
from clover_nb.settings import Settings
from clover_nb.team_database import describe_database

pytestmark = pytest.mark.usefixtures("empty_folder")

ADDRESSES = (
    "CLOVER_ECOMMERCE_URL",
    "CLOVER_TOKEN_URL",
    "CLOVER_PLATFORM_URL",
    "CLOVER_CHECKOUT_URL",
)
PRODUCTION = "CLOVER_ENVIRONMENT=production\nCLOVER_ACCESS_TOKEN=token\nCLOVER_MERCHANT_ID=M1\n"


@pytest.fixture
def listener():
    """A port of this machine that a stranger might listen at."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0)
        yield listening


@pytest.mark.parametrize("source", ["environment", "argument"])
@pytest.mark.parametrize("variable", ADDRESSES)
def test_a_file_can_not_send_a_token_elsewhere_that_it_did_not_give(
    empty_folder, monkeypatch, listener, variable, source
):
    """The setting and its file are named, and nobody is called, on loopback neither."""
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    (empty_folder / ".env").write_text(f"{variable}={url}\n")
    monkeypatch.setenv("CLOVER_ENVIRONMENT", "production")
    monkeypatch.setenv("CLOVER_MERCHANT_ID", "M1")
    if source == "environment":
        monkeypatch.setenv("CLOVER_ACCESS_TOKEN", "token")
    argument = {"access_token": "token"} if source == "argument" else {}
    with pytest.raises(SettingsError) as caught:
        connect(**argument).customers.list(limit=1)
    assert f"{variable} stands in {empty_folder / '.env'}" in caught.value.message
    with pytest.raises(BlockingIOError):
        listener.accept()


def test_a_file_can_not_send_it_elsewhere_with_all_its_addresses(
    empty_folder, monkeypatch, listener
):
    """All on this machine, so that it would have passed for practice."""
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    (empty_folder / ".env").write_text("".join(f"{each}={url}\n" for each in ADDRESSES))
    monkeypatch.setenv("CLOVER_ACCESS_TOKEN", "token")
    with pytest.raises(SettingsError):
        connect()
    with pytest.raises(BlockingIOError):
        listener.accept()


@pytest.mark.parametrize("value", ["1", "true"])
def test_a_file_can_not_allow_writes_with_a_token_that_it_did_not_give(
    empty_folder, monkeypatch, value
):
    """Forbidding them harms nobody."""
    monkeypatch.setenv("CLOVER_ACCESS_TOKEN", "token")
    (empty_folder / ".env").write_text(f"CLOVER_ENVIRONMENT=production\nCLOVER_WRITES={value}\n")
    with pytest.raises(SettingsError, match="CLOVER_WRITES stands in"):
        connect()
    (empty_folder / ".env").write_text("CLOVER_ENVIRONMENT=production\nCLOVER_WRITES=0\n")
    assert not connect().settings.may_write


def test_a_stronger_source_may_say_where_a_token_goes(empty_folder, monkeypatch):
    """The environment for a file's token, and an argument for any."""
    (empty_folder / ".env").write_text(PRODUCTION)
    monkeypatch.setenv("CLOVER_ECOMMERCE_URL", "https://clover.example.com")
    monkeypatch.setenv("CLOVER_WRITES", "1")
    settings = connect(platform_url="https://platform.example.com").settings
    assert settings.hosts == ("clover.example.com", "token.clover.com", "platform.example.com")
    assert settings.may_write


@pytest.mark.parametrize("variable", ADDRESSES)
@pytest.mark.parametrize(
    "url",
    [
        "https://example.com",
        "https://clover.com.example.com",
        "https://notclover.com",
        "https://example.com/.clover.com",
        "https://127.0.0.1.example.com",
        "https://example.com\\.clover.com",
        "https://example.com\\@scl.clover.com",
        "https://example.com%2f.clover.com",
        "https://scl.clover.com@example.com",
        "https://example.com#.clover.com",
        "https://example.com?.clover.com",
        "https://example.com／.clover.com",  # noqa: RUF001  a wide slash
        "https://exаmple.clover.com",  # noqa: RUF001  a Cyrillic letter
        "https://scl.clover.com.",
    ],
)
def test_a_file_leads_to_clovers_hosts_alone(empty_folder, variable, url):
    """Its own token neither; and what only looks like one of Clover's is none."""
    (empty_folder / ".env").write_text(f"{PRODUCTION}{variable}={url}\n", encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        connect()
    assert caught.value.field == variable.removeprefix("CLOVER_").lower()


def test_a_file_may_name_another_region_of_clovers(empty_folder):
    """Each host that ends in clover.com."""
    (empty_folder / ".env").write_text(
        f"{PRODUCTION}CLOVER_ECOMMERCE_URL=https://scl.eu.clover.com\n"
    )
    assert connect().settings.hosts[0] == "scl.eu.clover.com"


def test_a_file_of_another_user_is_refused(empty_folder, other_user):
    """Also behind a link, and a link of theirs to a file of ours."""
    path = empty_folder / ".env"
    path.write_text(PRODUCTION)
    os.chown(path, other_user, other_user)
    with pytest.raises(SettingsError, match="belongs to another user") as caught:
        connect()
    assert str(path) in caught.value.message
    path.rename(empty_folder / "theirs")
    path.symlink_to("theirs")
    with pytest.raises(SettingsError, match="belongs to another user"):
        connect()
    os.chown(empty_folder / "theirs", 0, 0)
    assert connect().environment == "production"
    os.chown(path, other_user, other_user, follow_symlinks=False)
    with pytest.raises(SettingsError, match="belongs to another user"):
        connect()


@pytest.mark.parametrize("mode", [0o606, 0o666, 0o602])
def test_a_file_that_others_may_write_is_refused(empty_folder, mode):
    """With the command that ends it."""
    path = empty_folder / ".env"
    path.write_text(PRODUCTION)
    path.chmod(mode)
    with pytest.raises(SettingsError) as caught:
        connect()
    assert f"Other users of this machine may write the settings file {path}" in caught.value.message
    assert f"chmod go-w {path}" in caught.value.hint


def test_a_group_of_others_may_not_write_it(empty_folder, other_user):
    """A user's own group may, as on systems where each user has one."""
    path = empty_folder / ".env"
    path.write_text(PRODUCTION)
    path.chmod(0o664)
    assert connect().environment == "production"
    os.chown(path, 0, other_user)
    with pytest.raises(SettingsError, match="may write"):
        connect()


def test_a_file_of_root_is_trusted(open_folder, run_as_other_user):
    """It is how an administrator sets a machine up."""
    (open_folder / ".env").write_text(PRODUCTION)
    (open_folder / ".env").chmod(0o644)
    code = "os.chdir(sys.argv[1]); print(setting_sources.read_environment()['merchant_id'].value)"
    imports = "import sys; from clover_nb import setting_sources"
    assert run_as_other_user(imports, code, str(open_folder)) == "M1\n"


@pytest.mark.parametrize("top", [".git", "pyproject.toml"])
def test_the_search_ends_at_the_top_of_the_project(empty_folder, monkeypatch, top):
    """What lies above it may be anybody's."""
    project, inside = empty_folder / "project", empty_folder / "project" / "notebooks" / "mine"
    inside.mkdir(parents=True)
    (empty_folder / ".env").write_text(PRODUCTION)
    (project / top).mkdir()
    monkeypatch.chdir(inside)
    assert connect().environment == "local"
    (project / ".env").write_text(PRODUCTION.replace("M1", "PROJECT"))
    assert connect().settings.merchant_id == "PROJECT"
    (inside / ".env").write_text(PRODUCTION.replace("M1", "NEAREST"))
    assert connect().settings.merchant_id == "NEAREST"


def test_without_a_project_the_working_directory_alone_is_searched(empty_folder, monkeypatch):
    """Nothing says where else to end."""
    (empty_folder / "notebooks").mkdir()
    (empty_folder / ".env").write_text(PRODUCTION)
    monkeypatch.chdir(empty_folder / "notebooks")
    assert connect().environment == "local"


def test_host_and_source_are_named(empty_folder, monkeypatch, capsys):
    """By the connection's repr, by the settings that forms show, and by the doctor."""
    (empty_folder / ".env").write_text(PRODUCTION)
    from_file = f"at scl.clover.com, token from {empty_folder / '.env'}"
    assert repr(connect()) == f"<Clover: PRODUCTION, read-only, merchant M1, {from_file}>"
    monkeypatch.setenv("CLOVER_ACCESS_TOKEN", "token")
    assert "token from the environment" in repr(connect())
    assert "token from an argument" in repr(connect(access_token="token"))
    elsewhere = connect(token_url="http://127.0.0.1:1").settings.provenance
    assert elsewhere.startswith("at scl.clover.com, 127.0.0.1, api.clover.com, ")
    nowhere = dict.fromkeys(("ECOMMERCE", "TOKEN", "PLATFORM"), "http://127.0.0.1:1")
    for name, url in nowhere.items():
        monkeypatch.setenv(f"CLOVER_{name}_URL", url)
    cli.main(["doctor"])
    out = capsys.readouterr().out
    assert f"settings file: {empty_folder / '.env'}" in out
    assert "at 127.0.0.1, token from the environment" in out


def test_a_practice_sandbox_is_named_as_such(empty_folder):
    """It has no source that anybody could have meddled with."""
    assert connect("local").settings.source == "the practice sandbox"
    assert repr(connect("local")).startswith("<Clover: LOCAL practice sandbox, merchant ")


@pytest.mark.parametrize("wrong", [True, 1, b"local", ["local"]])
def test_an_environment_that_is_no_text_is_refused(wrong):
    """As any that is not known."""
    with pytest.raises(SettingsError, match="is not known") as caught:
        connect(wrong)
    assert caught.value.field == "environment"


@pytest.mark.parametrize("source", ["environment", "argument"])
def test_a_file_does_not_say_who_the_team_is_of_a_token_that_it_did_not_give(
    empty_folder, monkeypatch, listener, source
):
    """A stranger's database would get what is known of customers; the password isn't quoted."""
    place = f"postgresql://eve:secret-word@127.0.0.1:{listener.getsockname()[1]}/desk"
    (empty_folder / ".env").write_text(f"CLOVER_TEAM={place}\n")
    monkeypatch.setenv("CLOVER_ENVIRONMENT", "sandbox")
    argument = {"access_token": "token"} if source == "argument" else {}
    if source == "environment":
        monkeypatch.setenv("CLOVER_ACCESS_TOKEN", "token")
    with pytest.raises(SettingsError) as caught:
        connect(**argument)
    assert f"CLOVER_TEAM stands in {empty_folder / '.env'}" in caught.value.message
    assert "secret-word" not in str(caught.value)
    with pytest.raises(BlockingIOError):
        listener.accept()


def test_practice_never_reaches_the_team(empty_folder, monkeypatch):
    """Not by the environment: only an argument says so."""
    monkeypatch.setenv("CLOVER_TEAM", "/nowhere")
    for environment in (None, "local"):
        with connect(environment) as clover:
            assert clover.settings.team is None
    with pytest.raises(SettingsError, match="can't be opened"):
        connect("local", team="/nowhere")


@pytest.mark.parametrize(
    "address", ["postgresql://ana:secret-word@[/desk", "postgresql://a:secret-word%zz@h/d"]
)
def test_a_databases_password_prints_masked(address):
    """In settings, in the journal's name, and in what is said of an address that is none."""
    team = Secret("postgresql://ana:secret-word@h:5433/desk?sslmode=require")
    assert "secret-word" not in repr(Settings("", "", "", Secret("t"), team=team))
    assert describe_database(team.reveal()) == "postgresql://ana@h:5433/desk"
    with pytest.raises(SettingsError) as caught:
        connect("local", team=address)
    assert "secret-word" not in f"{caught.value}{caught.value.hint}"
