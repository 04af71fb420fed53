"""Where openswarm keeps its state, and what the user has set: one TOML file, the environment."""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from openswarm.core.errors import SettingsError
from openswarm.core.settings import Settings

HOME_VARIABLE = "OPENSWARM_HOME"
SETTINGS_FILE = "settings.toml"


def home_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """The folder of all state: runs, models, indexes, settings."""
    return Path(environ.get(HOME_VARIABLE) or "~/.openswarm").expanduser().absolute()


def runs_folder(home: Path) -> Path:
    """The folder of the runs."""
    return home / "runs"


def load_settings(home: Path) -> Settings:
    """The settings of `home`; the defaults where there is no file. Raises `SettingsError`."""
    path = home / SETTINGS_FILE
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Settings()
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{path} is not TOML: it has to be UTF-8 text") from None
    try:
        return Settings.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path} is not TOML: {error}") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise SettingsError(f"{path}: {where}: {first['msg']}") from None
