"""Metrics of following the chain, in Prometheus' form. docs/runbook.md says what to watch and what to do.

Times are Unix timestamps, so that a process that hangs shows: `time() - …` goes on growing.
"""

from prometheus_client import Counter, Gauge, Histogram, start_http_server

from entitlement.core.errors import SetupError

HEAD_BLOCK = Gauge("entitlement_chain_head_block", "Newest block that was followed.")
HEAD_TIMESTAMP = Gauge("entitlement_chain_head_timestamp_seconds", "When that block was made.")
FINAL_BLOCK = Gauge("entitlement_chain_final_block", "Newest block that was followed and is final.")
NODE_BLOCK = Gauge("entitlement_chain_node_block", "The node's newest block when it was last asked.")
LAG_BLOCKS = Gauge("entitlement_chain_lag_blocks", "Blocks that the node has and that were not followed yet.")

STEPS = Counter("entitlement_follow_steps", "Steps of the follower.", ["outcome"])
"""`outcome` is `ok`, or the class of the error."""
STEP_SECONDS = Histogram("entitlement_follow_step_seconds", "How long a step took.")
STEPPED_AT = Gauge("entitlement_follow_last_success_timestamp_seconds", "When a step last succeeded.")
EVENTS = Counter("entitlement_follow_events", "Events that were stored.")
REORGANISATIONS = Counter("entitlement_follow_reorganisations", "Reorganisations that were undone.")
UNDONE_BLOCKS = Histogram(
    "entitlement_follow_reorganisation_blocks",
    "Blocks that a reorganisation undid.",
    buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500),
)

REQUESTS = Counter("entitlement_node_requests", "Requests to nodes.", ["node", "method", "outcome"])
"""`node` is the host alone, since an address may hold a key; `outcome` is `ok`, or the class of the error."""
RANGE_BLOCKS = Gauge(
    "entitlement_node_range_blocks", "Blocks whose logs a node is asked for at once.", ["node"]
)
BREAKER_STATE = Gauge(
    "entitlement_node_breaker_state", "0: in use. 1: being tried. 2: left alone, since it failed.", ["node"]
)
CHOSEN = Gauge(
    "entitlement_node_chosen", "1 for the node that is asked, 0 for those that stand by.", ["node"]
)
QUORUM_BLOCK = Gauge("entitlement_quorum_final_block", "Newest final block about which two nodes agree.")
DISAGREEMENTS = Counter(
    "entitlement_quorum_disagreements", "Times that two nodes disagreed about a final block."
)
REQUEST_SECONDS = Histogram("entitlement_node_request_seconds", "How long a node took.", ["node", "method"])


def serve_metrics(host: str, port: int) -> None:
    """Serve the metrics of this process at `http://host:port/metrics`. Raises `SetupError`."""
    try:
        start_http_server(port, host)
    except OSError as error:
        raise SetupError(
            f"The metrics cannot be served at {host}:{port}: {error.strerror}.",
            remedy="Give another port: ENTITLEMENT_METRICS_PORT.",
        ) from error
