"""Generate the AsyncAPI document of the whole system, from the applications of its services."""

from __future__ import annotations

import json
from importlib import import_module

from daydream_console.local.stack import SERVICES, module_of
from daydream_contracts.errors import ConfigurationError
from daydream_runtime.application import ServiceApp
from daydream_runtime.asyncapi import document_of


def document(version: str) -> str:
    """Return the document as JSON. Connect to nothing.

    Import services by name, as the console starts them: it depends on no other service. Raise
    ConfigurationError if one is not installed.
    """
    apps = [application_of(service) for service in SERVICES]
    return json.dumps(document_of(apps, version), indent=1)


def application_of(service: str) -> ServiceApp:
    """Create a service's application from the environment."""
    try:
        app: ServiceApp = import_module(f"{module_of(service)}.app").create()
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"the {service} service is not installed ({error.name})",
            "Install daydream-console[local], which has all services",
        ) from None
    return app
