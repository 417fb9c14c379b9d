"""Data centres of FDSN web services: clients with credentials, and who has what.

Credentials are in files of their own, or in the environment: they are in no request,
log, key or provenance.
"""

from __future__ import annotations

import logging
import netrc
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from obspy.clients.fdsn import Client, RoutingClient
from obspy.clients.fdsn.header import (
    FDSNBadRequestException,
    FDSNException,
    FDSNForbiddenException,
    FDSNNoDataException,
    FDSNRequestTooLargeException,
    FDSNUnauthorizedException,
)

from asdf_pipeline.errors import CallError, InputError
from asdf_pipeline.stage.persist import persist
from asdf_pipeline.text import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_LOGGER = logging.getLogger(__name__)
_DENIED = (FDSNUnauthorizedException, FDSNForbiddenException)
_REFUSED = (FDSNBadRequestException, FDSNRequestTooLargeException)

ROUTINGS = ("eida-routing", "iris-federator")
"""Services that say which data centre has what, as ObsPy names them."""


@dataclass(frozen=True)
class Access:
    """Where credentials are kept.

    Attributes
    ----------
    credentials : str
        A file in netrc's form with user and password by host; empty: those of the
        variables ``FDSN_USER`` and ``FDSN_PASSWORD``, if they are set, for all hosts.
    eida_token : str
        A file with an EIDA token; empty: what the variable ``EIDA_TOKEN`` names, or
        holds.
    """

    credentials: str = ""
    eida_token: str = ""

    def check(self, source_name: str) -> None:
        """Refuse files that are not there, or are no such file.

        Raises
        ------
        CallError
            Naming request and file; nothing of its content.
        """
        for key, path in (
            ("credentials", self.credentials),
            ("eida_token", self.eida_token),
        ):
            if path and not Path(path).expanduser().is_file():
                msg = f"{source_name}: {key}: {path}: no such file"
                raise CallError(msg)
        if self.credentials:
            self._login("")

    def client(self, url: str) -> Client:
        """Return a client of a data centre.

        Raises
        ------
        CallError
            If there is no such data centre, or a file of credentials is damaged.
        InputError
            If it does not take the token.
        """
        user, password = self._login(urlsplit(url).hostname or url)
        token = "" if user else self._token()
        try:
            client = Client(
                url, user=user, password=password, _discover_services=bool(token)
            )
            if token and client._has_eida_auth:  # noqa: SLF001 - as RoutingClient does
                client.set_eida_token(token)
            elif token:
                _LOGGER.warning("%s: takes no EIDA token: asked without", url)
        except (FDSNException, OSError, ValueError) as error:
            if token:
                msg = f"{url}: the EIDA token is not accepted ({type(error).__name__})"
                raise InputError(msg) from None
            msg = f"{url}: no data centre: {one_line(error)}"
            raise CallError(msg) from None
        return client

    def _login(self, host: str) -> tuple[str | None, str | None]:
        if self.credentials:
            try:
                known = netrc.netrc(Path(self.credentials).expanduser())
            except OSError as error:
                msg = f"{self.credentials}: cannot be read: {error.strerror}"
                raise CallError(msg) from None
            except netrc.NetrcParseError as error:  # its message may hold a password
                msg = (
                    f"{self.credentials}, line {error.lineno}: expected lines such as "
                    "'machine HOST login USER password PASSWORD'"
                )
                raise CallError(msg) from None
            found = known.authenticators(host)
            return (None, None) if found is None else (found[0], found[2])
        user, password = (
            os.environ.get(f"FDSN_{name}") for name in ("USER", "PASSWORD")
        )
        return (user, password) if user and password else (None, None)

    def _token(self) -> str:
        path = self.eida_token or os.environ.get("EIDA_TOKEN", "")
        if "BEGIN PGP" in path:
            return path
        return str(Path(path).expanduser()) if path else ""


def routes(
    routing: str, url: str, asked: Mapping[str, Any], source_name: str
) -> dict[str, list[tuple[str, ...]]]:
    """Return who has what of a request.

    ObsPy's routing client finds that out, and would then ask each data centre, with
    no more than a warning where one does not answer (ObsPy 1.5,
    `routing_client._try_download_bulk`): its routes are taken, and asked for here.

    Parameters
    ----------
    routing : str
        One of `ROUTINGS`.
    url : str
        Where the service is; empty for where ObsPy knows it to be.
    asked : mapping of str to object
        Parameters of the station service.
    source_name : str
        What is asked, for errors.

    Returns
    -------
    dict of str to list of tuple of str
        Lines of a bulk request, by the address of the data centre.

    Raises
    ------
    InputError
        If the service does not answer, or nobody has it.
    """
    client = RoutingClient(routing, **({"url": url.rstrip("/")} if url else {}))
    client._download_stations = lambda split, **_: split  # noqa: SLF001
    try:
        found: Mapping[str, str] = ask(
            lambda: client.get_stations(**asked), source_name
        )
    except FDSNNoDataException:
        found = {}
    if not found:
        msg = f"{source_name}: no data centre has such stations as the request asks for"
        raise InputError(msg)
    return {
        centre: [tuple(line.split()) for line in lines.splitlines() if line.strip()]
        for centre, lines in sorted(found.items())
    }


def ask(question: Callable[[], Any], source_name: str) -> Any:
    """Return what a service answers; asked again where that may help.

    Raises
    ------
    FDSNNoDataException
        If it has nothing.
    InputError
        If it goes on not to answer, or refuses to.
    """
    try:
        return persist(question, source_name, _may_pass)
    except FDSNNoDataException:
        raise
    except _DENIED as error:
        msg = (
            f"{source_name}: access denied ({type(error).__name__}): check user and "
            "password, or the token (docs/staging.md)"
        )
        raise InputError(msg) from None
    except FDSNException as error:
        msg = f"{source_name}: {one_line(error)}"
        raise InputError(msg) from error


def _may_pass(error: Exception) -> bool:
    """Return whether what ObsPy raised may be over in a moment.

    ObsPy 1.5 raises TypeError too where a service answers with what it cannot read.
    """
    settled = (FDSNNoDataException, *_DENIED, *_REFUSED)
    passing = isinstance(error, (FDSNException, OSError, TypeError))
    return passing and not isinstance(error, settled)
