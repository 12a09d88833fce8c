"""Choose the literature search that the settings name."""

from __future__ import annotations

import re

from daydream_contracts.errors import ConfigurationError
from daydream_critic.oracle.catalogues import CATALOGUES
from daydream_critic.oracle.catalogues.catalogue import CatalogueAccess
from daydream_critic.oracle.catalogues.client import CatalogueClient
from daydream_critic.oracle.literature import Literature, load_literature
from daydream_critic.oracle.settings import OracleSettings

MAIL_ADDRESS = re.compile(r"^[^@\s]+@[^@\s]+\.[^@\s]+$")


def open_literature(settings: OracleSettings) -> Literature | None:
    """Return the search, None if none is named. It asks nothing yet.

    Raise ConfigurationError for an unknown name, and for a public catalogue without a contact.
    """
    access = CatalogueAccess(
        settings.literature_contact,
        settings.literature_key.get_secret_value(),
        settings.literature_url,
    )
    if settings.literature in CATALOGUES and not MAIL_ADDRESS.match(access.contact):
        raise ConfigurationError(
            f"The catalogue {settings.literature} needs your mail address",
            "Set DAYDREAM_ORACLE_LITERATURE_CONTACT to an address that is read",
        )
    bundled: dict[str, Literature] = {
        name: CatalogueClient(catalogue, access) for name, catalogue in CATALOGUES.items()
    }
    return load_literature(settings.literature, bundled)
