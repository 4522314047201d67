"""The kit for testing plugins, ours and yours. Fixtures, once a test module or ``conftest.py`` says ``pytest_plugins = ["host.testing"]``:

===============  =============================================================================================================
``place``        the folder of an installation: configuration, plugins, hosts, commands, HTTP (``Place``)
``clock``        the host's clock, which can be set (``Clock``)
``remote``       a ledger in memory that breaks where it is told to (``TinyRemote``), for ``TinyProvider`` or a provider of yours
``new_sandbox``  starts the ledger that a plugin brings to rehearse on (``Sandbox``), as a process of its own
``new_saves``    the saving transaction alone, with a note of every event that hooks would get (``Saves``)
``database_url`` where these keep their data: SQLite in the test's folder. Override it to run on PostgreSQL
===============  =============================================================================================================

A test of a plugin that is a single file beside it::

    def test_it_hears_of_a_customer(place):
        place.open("core_billing", "scribe", plugin_dir=Path(__file__).parent)
        place.api.put("/customers/ada", {"name": "Ada Lovelace"})

Not loaded by itself (there is no ``pytest11`` entry point): an installed program should not add fixtures to everybody's tests.
"""

from host.testing.api import Api
from host.testing.fixtures import clock, database_url, new_sandbox, new_saves, place, remote
from host.testing.place import Place, Ran
from host.testing.sandbox import Sandbox
from host.testing.saves import Saves
from host.testing.shifted import Clock
from host.testing.tiny_provider import TinyProvider
from host.testing.tiny_remote import Call, Fault, TinyRemote

__all__ = [
    "Api",
    "Call",
    "Clock",
    "Fault",
    "Place",
    "Ran",
    "Sandbox",
    "Saves",
    "TinyProvider",
    "TinyRemote",
    "clock",
    "database_url",
    "new_sandbox",
    "new_saves",
    "place",
    "remote",
]
