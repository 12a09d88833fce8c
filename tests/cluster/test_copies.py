"""Everything that is stored has as many copies as the setting says, and never fewer."""

from __future__ import annotations

import pytest

from daydream_contracts.buckets import BUCKETS, OBJECT_STORES
from daydream_contracts.errors import ConfigurationError
from daydream_contracts.topology import STREAMS
from daydream_runtime.provisioning import provision
from support.nodes import NODES
from support.whole_system import WholeSystem

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.timeout(300),
    pytest.mark.asyncio(loop_scope="session"),
]


async def test_everything_has_its_copies_and_a_wrong_setting_takes_none_away(
    running: WholeSystem,
) -> None:
    with pytest.raises(ConfigurationError, match=f"has {NODES} copies, and 1 are wanted"):
        await provision(running.nc, replicas=1)
    js = running.nc.jetstream()
    names = [stream.name for stream in STREAMS]
    names += [f"KV_{bucket.name}" for bucket in BUCKETS]
    names += [f"OBJ_{name}" for name in OBJECT_STORES]
    copies = {name: (await js.stream_info(name)).config.num_replicas for name in names}
    assert copies == dict.fromkeys(names, NODES)
