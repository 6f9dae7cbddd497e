"""Settings: what is wrong is named, and what is secret is never shown."""

from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import Engine, make_url, text

from entitlement.cli.stack import LocalStack, Ports
from entitlement.core.errors import SetupError
from entitlement.proxies import server_options
from entitlement.settings import Settings, read_settings
from entitlement.wiring.database import open_database
from entitlement.wiring.proofs import proofs_folder
from entitlement.wiring.service import token_secret
from tests.stack.processes import address_of, run

SECRET = "0123456789abcdef" * 4


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", *(f"ENTITLEMENT_{field}".upper() for field in Settings.model_fields)):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ENTITLEMENT_API_PORT", "0"),
        ("ENTITLEMENT_API_PORT", "65536"),
        ("ENTITLEMENT_API_PORT", "http"),
        ("ENTITLEMENT_POLL_SECONDS", "0"),
        ("ENTITLEMENT_POLL_SECONDS", "-1"),
        ("ENTITLEMENT_POLL_SECONDS", "nan"),
        ("ENTITLEMENT_POLL_SECONDS", "31"),
        ("ENTITLEMENT_TOKEN_SECRET", "telltale and far too short"),
        ("ENTITLEMENT_ANONYMOUS_REQUESTS_PER_MINUTE", "-1"),
        ("ENTITLEMENT_REFUSALS_PER_MINUTE", "60000001"),
        ("ENTITLEMENT_TRUSTED_PROXIES", "*"),
        ("ENTITLEMENT_TRUSTED_PROXIES", "0.0.0.0/0"),
        ("ENTITLEMENT_TRUSTED_PROXIES", "10.0.0.1,telltale"),
        ("ENTITLEMENT_OPERATORS", "0x1111111111111111111111111111111111111111,0xtelltale"),
    ],
)
def test_a_setting_that_cannot_be_is_named_without_its_value(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SetupError, match=variable) as refused:
        read_settings()
    assert "telltale" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_all_that_is_wrong_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENTITLEMENT_API_PORT", "none")
    monkeypatch.setenv("ENTITLEMENT_POLL_SECONDS", "none")
    with pytest.raises(SetupError, match=r"API_PORT.*POLL_SECONDS"):
        read_settings()


def test_sign_in_domains_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENTITLEMENT_SIGN_IN_DOMAINS", "app.example.org, api.example.org:8443,")
    assert read_settings().domains() == {"app.example.org", "api.example.org:8443"}


def test_trusted_proxies_are_addresses_and_networks_and_nobody_by_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert server_options(read_settings().trusted_proxies) == {
        "proxy_headers": False,
        "forwarded_allow_ips": [],
    }
    monkeypatch.setenv("ENTITLEMENT_TRUSTED_PROXIES", "10.0.0.7, 2001:db8::/32")
    assert server_options(read_settings().trusted_proxies) == {
        "proxy_headers": True,
        "forwarded_allow_ips": ["10.0.0.7/32", "2001:db8::/32"],
    }


def test_without_domains_a_message_may_be_for_the_api_s_own_address() -> None:
    domains = read_settings(api_host="10.0.0.7", api_port=9_000).domains()
    assert domains == {"10.0.0.7:9000", "127.0.0.1:9000", "localhost:9000"}


def test_an_empty_variable_is_one_that_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "ENTITLEMENT_TOKEN_SECRET", "ENTITLEMENT_API_PORT", "ENTITLEMENT_RPC_URL"):
        monkeypatch.setenv(name, "")
    settings = read_settings()
    assert settings.database_url is None
    assert settings.token_secret is None
    assert settings.api_port == 8500


def test_secrets_are_in_no_text_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://somebody:telltale@nowhere/none")
    monkeypatch.setenv("ENTITLEMENT_TOKEN_SECRET", "telltale" * 8)
    settings = read_settings()
    assert settings.database_url is not None
    for shown in (str(settings), repr(settings), settings.model_dump_json()):
        assert "telltale" not in shown


def test_settings_do_not_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        read_settings().api_port = 1  # type: ignore[misc]


def test_the_secret_of_tokens_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    settings = read_settings(data_folder=tmp_path / "new")
    first = token_secret(settings).get_secret_value()
    assert len(first) == 64
    assert token_secret(settings).get_secret_value() == first
    assert (tmp_path / "new" / "token-secret").stat().st_mode & 0o077 == 0
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["token-secret"]


def test_a_database_of_one_s_own_needs_a_secret_of_one_s_own(tmp_path: Path) -> None:
    settings = read_settings(data_folder=tmp_path, database_url=SecretStr("postgresql://h/d"))
    with pytest.raises(SetupError, match="ENTITLEMENT_TOKEN_SECRET"):
        token_secret(settings)
    assert list(tmp_path.iterdir()) == []


REFUSED = {
    "nothing": "DATABASE_URL is not the address of a database",
    "sqlite:///telltale.db": "not PostgreSQL",
    "postgresql://somebody:telltale@127.0.0.1:1/none": "The database does not answer",
    "postgresql://somebody:telltale@127.0.0.1:port/none": "DATABASE_URL is not the address of a database",
}


@pytest.mark.parametrize("address", REFUSED)
def test_a_database_that_is_none_is_told_in_a_sentence_without_its_password(address: str) -> None:
    settings = read_settings(database_url=SecretStr(address), token_secret=SecretStr(SECRET))
    with pytest.raises(SetupError, match=REFUSED[address]) as refused, open_database(settings):
        pass
    assert "telltale" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_a_database_of_a_later_program_is_left_as_it_is(database: Engine) -> None:
    with database.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'later'"))
    settings = read_settings(database_url=SecretStr(address_of(database.url)))
    with pytest.raises(SetupError, match="later"), open_database(settings):
        pass


def test_a_process_without_its_database_ends_with_the_sentence() -> None:
    done = run("serve", DATABASE_URL=next(iter(REFUSED)), ENTITLEMENT_TOKEN_SECRET=SECRET)
    assert done.returncode == 1
    assert done.stderr.startswith("error: DATABASE_URL is not the address of a database")


@pytest.mark.parametrize("command", [("serve",), ("up", "--folder")])
def test_nothing_starts_without_the_assertions_that_guard_the_ledger(
    command: tuple[str, ...], tmp_path: Path
) -> None:
    tmp_path.chmod(0o755)
    arguments = (*command, str(tmp_path)) if command[-1] == "--folder" else command
    done = run(*arguments, python=("-O",), ENTITLEMENT_DATA_FOLDER=str(tmp_path))
    assert done.returncode == 1
    assert "Python was started with -O" in done.stderr
    assert not (tmp_path / "postgres").exists()


def test_a_local_stack_keeps_its_public_files_to_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of a service whose variables are set here have the same names: a file is called by its day."""
    monkeypatch.setenv("ENTITLEMENT_PROOFS_FOLDER", str(tmp_path / "published"))
    stack = LocalStack(tmp_path / "stack", Ports())
    assert proofs_folder(stack._settings()) == stack.folder / "proofs"
    for name, value in stack._environment(make_url("postgresql://127.0.0.1/postgres")).items():
        monkeypatch.setenv(name, value)
    assert proofs_folder(read_settings()) == stack.folder / "proofs"
