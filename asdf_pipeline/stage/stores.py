"""Servers that hold files, through fsspec: how they are asked, and what errors mean.

Endpoints, credentials and other options are fsspec's own configuration
(``FSSPEC_S3_ENDPOINT_URL``, ``~/.config/fsspec/``) and the stores' usual files and
variables: nothing of them is known here, logged, or part of a key.
"""

from __future__ import annotations

import errno
import re
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from asdf_pipeline.errors import ASDFPipelineError, CallError, InputError
from asdf_pipeline.stage.persist import persist
from asdf_pipeline.text import one_line

if TYPE_CHECKING:
    from collections.abc import Callable

_Answer = TypeVar("_Answer")

SIDE_BY_SIDE = 16
"""Requests of one process at a time, where folders are listed."""

_URL = re.compile(r"([a-z][a-z0-9+.-]*)://", re.IGNORECASE)
_OURS = "'asdf_pipeline[cloud]'"
_PACKAGES = {
    **dict.fromkeys(("gs", "gcs"), "gcsfs"),
    **dict.fromkeys(("az", "abfs", "abfss", "adl"), "adlfs"),
}
_S3 = ("s3", "s3a")
_PASSING = (408, 429)  # of HTTP's 4xx: time-out, too many requests
_SETTLED = (errno.EINVAL, errno.ENAMETOOLONG)


def is_remote(text: str) -> bool:
    """Return whether a text is an address, ``s3://...``, and no path."""
    return _URL.match(text) is not None


def scheme_of(url: str) -> str:
    """Return the scheme of an address, ``s3``."""
    match = _URL.match(url)
    assert match is not None
    return match[1].lower()


def lists_by_prefix(url: str) -> bool:
    """Return whether a store lists those names alone that begin in some way."""
    return scheme_of(url) in (*_S3, "gs", "gcs")


def asked(url: str, ask: Callable[[], _Answer]) -> _Answer:
    """Return an answer, asked for again where that may help; or one clear line."""
    try:
        return persist(ask, url, may_pass)
    except ASDFPipelineError:
        raise
    except Exception as error:
        if _status(error) in (401, 403) or isinstance(error, PermissionError):
            msg = (
                f"{url}: access denied ({one_line(error) or type(error).__name__}): "
                "check the credentials; a public bucket is read without any "
                "(FSSPEC_S3_ANON=true)"
            )
            raise InputError(msg) from error
        msg = f"{url}: cannot be read: {one_line(error) or type(error).__name__}"
        raise InputError(msg) from error


def may_pass(error: Exception) -> bool:
    """Return whether what a store's library raised may be over in a moment.

    Each of them has errors of its own, so that it is said which are none of these.
    """
    status = _status(error)
    if status is not None and (status >= 500 or status in _PASSING):
        return True  # fsspec's HTTP says FileNotFoundError for all
    settled = (ASDFPipelineError, FileNotFoundError, PermissionError, ImportError)
    if status is not None or isinstance(error, (*settled, ValueError, TypeError)):
        return False
    return not (isinstance(error, OSError) and error.errno in _SETTLED)


def _status(error: BaseException) -> int | None:
    """Return the HTTP status of an error, or of what it was raised from."""
    for one in (error, error.__cause__):
        status = getattr(one, "status", None)
        if isinstance(status, int):
            return status
    return None


def path_of(system: Any, url: str) -> str:
    """Return the path of an address in its file system."""
    return str(system._strip_protocol(url))  # noqa: SLF001 - as fsspec's callers do


def system_of(url: str) -> Any:
    """Return fsspec's file system for an address, this process's own.

    Raises
    ------
    CallError
        If there is none, a package is missing for it, or the address has a password.
    """
    scheme = scheme_of(url)
    if re.match(r"[^/?]*@", url.partition("://")[2]) and scheme in ("http", "https"):
        msg = (
            f"{scheme}://...: an address with a password would be logged: put it into "
            "fsspec's configuration (client_kwargs: auth), see docs/staging.md"
        )
        raise CallError(msg)
    try:
        import fsspec

        system = fsspec.filesystem(scheme, **options_of(scheme))
    except ImportError as error:
        package = _PACKAGES.get(scheme, _OURS)
        msg = f"{url}: {one_line(error)}: pip install {package}"
        raise CallError(msg) from error
    except ValueError as error:
        msg = f"{url}: {one_line(error)}: write s3://, gs://, az:// or https://"
        raise CallError(msg) from error
    if scheme in _S3:
        system.retries = 1  # `persist` asks again, and says so
    return system


@cache
def options_of(scheme: str) -> dict[str, Any]:
    """Return options beside those of fsspec's configuration."""
    if scheme not in _S3:
        return {}
    import botocore.session
    from fsspec.config import conf

    configured = conf.get("s3", {})
    # `persist` asks again: botocore would do so too, each time.
    own = {"retries": {"max_attempts": 0}, "max_pool_connections": 2 * SIDE_BY_SIDE}
    options: dict[str, Any] = {
        "config_kwargs": {**own, **configured.get("config_kwargs", {})},
        # Several files are on their way already: no file in pieces, each asked for.
        "max_concurrency": configured.get("max_concurrency", 1),
    }
    if not configured.keys() & {"anon", "key", "session"}:
        session = botocore.session.Session(profile=configured.get("profile"))
        if session.get_credentials() is None:
            options["anon"] = True
    return options
