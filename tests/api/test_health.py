"""Health: ready only where the answers can be relied on, and otherwise the reason, with the figures."""

from dataclasses import dataclass
from typing import Any

import pytest

from entitlement.core.blocks import Header
from entitlement.core.errors import NodeUnavailable
from entitlement.wiring.service import BLOCKS_BEHIND_MAX, SECONDS_SINCE_STEP_MAX
from tests.api.world import World
from tests.support import BLOCK_SECONDS, ScriptedChain, catch_up, follower


def ready(world: World) -> dict[str, Any]:
    answer = world.client.get("/health/ready")
    body = dict(answer.json())
    assert answer.status_code == (503 if body["reasons"] else 200)
    assert body["status"] == ("not_ready" if body["reasons"] else "ready")
    return body


@pytest.fixture
def chain(world: World) -> ScriptedChain:
    """A chain whose newest block is of now."""
    made = ScriptedChain(finality_depth=2)
    made.headers_[0] = Header(0, made.headers_[0].hash, made.headers_[0].parent_hash, 0)
    now = world.service.clock.now()
    for block in range(10):
        made.mine(at=now - (9 - block) * BLOCK_SECONDS)
    return made


def test_the_process_is_live_before_anything_was_followed(world: World) -> None:
    answer = world.client.get("/health/live")
    assert (answer.status_code, answer.json()) == (200, {"status": "live"})


def test_a_chain_that_was_never_followed_is_a_reason(world: World) -> None:
    body = ready(world)
    assert body["reasons"] == ["the chain has not been followed yet: is the jobs process running?"]
    assert {body[name] for name in body.keys() - {"status", "reasons"}} == {None}


def test_a_chain_that_is_followed_to_its_head_is_ready(world: World, chain: ScriptedChain) -> None:
    catch_up(follower(chain, world.sessions))
    body = ready(world)
    assert body["reasons"] == []
    assert (body["chain_id"], body["head_block"], body["final_block"], body["blocks_behind"]) == (
        31_337,
        10,
        8,
        0,
    )
    assert 0 <= body["seconds_behind"] < 60


def test_a_follower_that_no_longer_asks_is_a_reason(world: World, chain: ScriptedChain) -> None:
    catch_up(follower(chain, world.sessions))
    world.later(SECONDS_SINCE_STEP_MAX + 5)
    (reason,) = ready(world)["reasons"]
    assert "is the jobs process running?" in reason
    assert f"more than {SECONDS_SINCE_STEP_MAX}" in reason


def test_a_follower_that_is_far_behind_is_a_reason(world: World, chain: ScriptedChain) -> None:
    catch_up(follower(chain, world.sessions))
    for _ in range(BLOCKS_BEHIND_MAX + 2):
        chain.mine(at=world.service.clock.now())
    follower(chain, world.sessions, blocks_per_step=1).step()
    body = ready(world)
    assert body["reasons"] == [
        f"{BLOCKS_BEHIND_MAX + 1} blocks behind the node, more than {BLOCKS_BEHIND_MAX}"
    ]
    assert body["blocks_behind"] == BLOCKS_BEHIND_MAX + 1
    follower(chain, world.sessions, blocks_per_step=1).step()
    assert ready(world)["reasons"] == []


def test_a_chain_that_makes_no_blocks_is_a_reason(world: World, chain: ScriptedChain) -> None:
    catch_up(follower(chain, world.sessions))
    world.later(20 * world.service.network.block_seconds + 5)
    catch_up(follower(chain, world.sessions))
    (reason,) = ready(world)["reasons"]
    assert "the newest block is" in reason


@dataclass
class DeadNode(ScriptedChain):
    """A node that no longer answers."""

    def head(self) -> Header:
        raise NodeUnavailable(method="eth_getBlockByNumber", reason="no answer in time")


def test_a_node_that_fails_is_a_reason_until_it_is_back(world: World, chain: ScriptedChain) -> None:
    catch_up(follower(chain, world.sessions))
    with pytest.raises(NodeUnavailable):
        follower(DeadNode(), world.sessions).step()
    (reason,) = ready(world)["reasons"]
    assert reason == "the last step failed: the node did not answer eth_getBlockByNumber: no answer in time"
    catch_up(follower(chain, world.sessions))
    assert ready(world)["reasons"] == []


def test_several_reasons_are_all_told(world: World, chain: ScriptedChain) -> None:
    catch_up(follower(chain, world.sessions))
    with pytest.raises(NodeUnavailable):
        follower(DeadNode(), world.sessions).step()
    world.later(3_600)
    assert len(ready(world)["reasons"]) == 3
