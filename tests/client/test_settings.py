"""Where settings come from, and what is said when one is wrong."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from clover_nb import Timeouts, client, constants, use
from clover_nb.client import connect
from clover_nb.errors import JournalError, ReadOnlyError, SettingsError, ValidationError
from clover_nb.masking import Secret

pytestmark = pytest.mark.usefixtures("empty_folder")

PRODUCTION = {"access_token": "token", "merchant_id": "M1"}


def test_clovers_own_names_in_env_file_work(empty_folder):
    """The `.env` of Clover's Node snippets is enough."""
    (empty_folder / ".env").write_text("ACCESS_TOKEN=abc\nAPI_KEY=key\nENVIRONMENT=sandbox\n")
    settings = connect().settings
    assert settings.access_token == "abc"
    assert settings.api_key == "key"
    assert settings.ecommerce_url == constants.HOSTS["sandbox"].ecommerce
    assert settings.environment == "sandbox"


def test_clover_names_win_over_the_documented_ones(empty_folder):
    """With both in a `.env`, CLOVER_... counts."""
    (empty_folder / ".env").write_text(
        "ACCESS_TOKEN=theirs\nCLOVER_ACCESS_TOKEN=ours\nENVIRONMENT=sandbox\n"
    )
    assert connect().settings.access_token == "ours"


def test_arguments_win_over_the_environment_over_the_file(empty_folder, monkeypatch):
    """The order: argument, environment, file."""
    (empty_folder / ".env").write_text(
        "CLOVER_ENVIRONMENT=sandbox\nCLOVER_ACCESS_TOKEN=file\nCLOVER_MERCHANT_ID=FILE\n"
    )
    monkeypatch.setenv("CLOVER_ACCESS_TOKEN", "environment")
    monkeypatch.setenv("CLOVER_MERCHANT_ID", "ENVIRONMENT")
    settings = connect(merchant_id="ARGUMENT").settings
    assert settings.access_token == "environment"
    assert settings.merchant_id == "ARGUMENT"


def test_general_names_in_the_process_are_not_trusted(monkeypatch):
    """ENVIRONMENT=production of some other program doesn't lead here to production."""
    monkeypatch.setenv("ENVIRONMENT", "production")
    monkeypatch.setenv("ACCESS_TOKEN", "of-another-program")
    assert connect().environment == "local"


def test_explicit_local_ignores_credentials(empty_folder):
    """Real credentials never reach a practice session."""
    (empty_folder / ".env").write_text(
        "CLOVER_ENVIRONMENT=production\nCLOVER_ACCESS_TOKEN=real\nCLOVER_MERCHANT_ID=REAL\n"
        "CLOVER_ECOMMERCE_URL=https://scl.clover.com\n"
    )
    settings = connect("local").settings
    assert settings.environment == "local"
    assert settings.access_token != "real"
    assert settings.merchant_id != "REAL"


def test_credentials_without_an_environment_are_not_silently_ignored(empty_folder):
    """Someone who set a token and got practice data is told why."""
    (empty_folder / ".env").write_text("CLOVER_ACCESS_TOKEN=abc\n")
    with pytest.warns(UserWarning, match="CLOVER_ENVIRONMENT is not"):
        connect()


def test_a_sandbox_elsewhere_is_reached_by_its_addresses(practice, empty_folder):
    """`clover-nb sandbox --json` in a `.env` is a connection."""
    lines = [f"CLOVER_{name.upper()}={value}" for name, value in practice.connection().items()]
    (empty_folder / ".env").write_text("\n".join(lines))
    with connect() as clover:
        assert clover.environment == "local"
        assert len(clover.customers.list(limit=1)) == 1


@pytest.mark.parametrize(
    ("variables", "field", "told"),
    [
        ({"CLOVER_ENVIRONMENT": "prod"}, "environment", "'prod'"),
        ({"CLOVER_ENVIRONMENT": "sandbox"}, "access_token", "CLOVER_ACCESS_TOKEN is missing"),
        (
            {"CLOVER_ENVIRONMENT": "sandbox", "CLOVER_ACCESS_TOKEN": "two words"},
            "access_token",
            "CLOVER_ACCESS_TOKEN",
        ),
        (
            {
                "CLOVER_ENVIRONMENT": "sandbox",
                "CLOVER_ACCESS_TOKEN": "x",
                "CLOVER_MERCHANT_ID": "../../v1",
            },
            "merchant_id",
            "'../../v1'",
        ),
        (
            {
                "CLOVER_ENVIRONMENT": "sandbox",
                "CLOVER_ACCESS_TOKEN": "x",
                "CLOVER_TOKEN_URL": "http://token.example.com",
            },
            "token_url",
            "in clear",
        ),
        (
            {
                "CLOVER_ENVIRONMENT": "sandbox",
                "CLOVER_ACCESS_TOKEN": "x",
                "CLOVER_PLATFORM_URL": "api.clover.com",
            },
            "platform_url",
            "'api.clover.com'",
        ),
        (
            {"CLOVER_ECOMMERCE_URL": "http://127.0.0.1:1", "CLOVER_ACCESS_TOKEN": "x"},
            "token_url",
            "CLOVER_TOKEN_URL is missing",
        ),
        (
            {
                "CLOVER_ENVIRONMENT": "sandbox",
                "CLOVER_ACCESS_TOKEN": "x",
                "CLOVER_WRITES": "perhaps",
            },
            "writes",
            "'perhaps'",
        ),
    ],
)
def test_a_wrong_setting_is_named_with_what_was_found(monkeypatch, variables, field, told):
    """The message says which setting, what was found and what to do, before any request."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        connect()
    assert caught.value.field == field
    assert told in str(caught.value)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("field", "given", "told"),
    [
        ("seed", "1", "whole number, 0 or more, not '1'"),
        ("seed", 1.5, "whole number"),
        ("requests_per_second", "16", "a number, 0 or more, not '16'"),
        ("requests_per_second", float("nan"), "not nan"),
        ("at_once", -1, "not -1"),
        ("at_once", 2.5, "whole number"),
        ("retention_days", None, "not None"),
        ("retention_days", -1, "not -1"),
        ("on_unknown", "Raise", "must be 'resolve' or 'raise', not 'Raise'"),
        ("timeouts", 30, r"Timeouts\(total=30\)"),
    ],
)
def test_an_argument_that_can_not_be_right_is_refused_at_once(field, given, told):
    """Else a call would wait for its turn for ever, or an outcome be looked up otherwise."""
    with pytest.raises(SettingsError, match=told) as caught:
        connect("local", **{field: given})
    assert caught.value.field == field


def test_numbers_of_numpy_are_numbers():
    """As they come from a table."""
    with connect("local", seed=np.int64(1), at_once=np.int64(2)) as clover:
        assert len(clover.customers.list(limit=3)) == 3


@pytest.mark.parametrize("wrong", [{"total": -1}, {"read": "30"}, {"connect": 0}])
def test_timeouts_are_seconds(wrong):
    """Not less than none, and some for a connection and an answer."""
    with pytest.raises(SettingsError, match=next(iter(wrong))):
        Timeouts(**wrong)


def test_a_secret_works_and_prints_masked():
    """Every way to print it masks it; sending and comparing use the value."""
    secret = Secret("clv_1TSTSabc")
    shown = [
        repr(secret),
        str(secret),
        f"{secret}",
        f"{secret!r:>20}",
        f"{[secret]}",
        "%s" % secret,  # noqa: UP031  this way too
    ]
    assert not any("1TSTS" in text for text in shown)
    assert secret == "clv_1TSTSabc"
    assert "Bearer " + secret == "Bearer clv_1TSTSabc"
    assert type(secret.reveal()) is str
    assert Secret(secret) == "clv_1TSTSabc"


def test_settings_print_no_secret():
    """Neither the settings nor the connection nor a traceback's repr shows the token."""
    clover = connect("sandbox", access_token="very-secret", api_key="also-secret")
    assert "secret" not in repr(clover.settings) + repr(clover)


def test_an_unknown_host_is_treated_as_production():
    """The host decides, not the name of the environment."""
    clover = connect("sandbox", ecommerce_url="https://scl.eu.clover.com", **PRODUCTION)
    assert clover.environment == "production"
    assert "read-only" in repr(clover)


def test_production_is_read_only_until_told_otherwise():
    """Without `writes=True` a change is refused before anything is sent."""
    with pytest.raises(ReadOnlyError, match="writes=True"):
        connect("production", **PRODUCTION).customers.create(
            email="ana@example.com", source="clv_1TSTS"
        )
    assert connect("production", **PRODUCTION, writes=True).settings.may_write


def test_reading_without_a_merchant_id_says_how_to_set_it():
    """The Platform API reads by merchant."""
    with pytest.raises(SettingsError, match="CLOVER_MERCHANT_ID is missing"):
        connect("sandbox", access_token="x").customers.list()


@pytest.mark.parametrize("given", ["local", None, connect])
def test_what_is_no_connection_is_not_used(given, monkeypatch):
    """A name of an environment, for example; the default connection stays as it was."""
    monkeypatch.setattr(client, "_default", before := ["the one before"])
    with pytest.raises(ValidationError, match=r"must be a connection, not a .*connect") as caught:
        use(given)
    assert caught.value.field == "clover"
    assert before == ["the one before"]


@pytest.mark.parametrize("field", ["journal", "team"])
@pytest.mark.parametrize("given", [5, False, ["journal"]])
def test_what_is_no_path_is_refused_in_a_sentence(field, given):
    """False, for example, where None is meant."""
    with pytest.raises(SettingsError, match=f"{field} must be a path") as caught:
        connect("sandbox", access_token="x", **{field: given})
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("wrong", "error"),
    [({"merchant_id": "no id!"}, SettingsError), ({"journal": "a file/journal"}, JournalError)],
)
def test_a_connection_that_fails_leaves_no_sandbox_behind(empty_folder, wrong, error):
    """It was started for this connection alone."""
    (empty_folder / "a file").touch()
    before = threading.enumerate()
    with pytest.raises(error):
        connect("local", seed=1, **wrong)
    assert set(threading.enumerate()) <= set(before)
