"""Metrics in Prometheus' form: of following the chain, by the jobs; of its own, by a process of the API.

docs/runbook.md says what to watch and what to do.

Times are Unix timestamps, so that a process that hangs shows: `time() - …` goes on growing.
"""

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, start_http_server

from entitlement.core.errors import SetupError

HEAD_BLOCK = Gauge("entitlement_chain_head_block", "Newest block that was followed.")
HEAD_TIMESTAMP = Gauge("entitlement_chain_head_timestamp_seconds", "When that block was made.")
FINAL_BLOCK = Gauge("entitlement_chain_final_block", "Newest block that was followed and is final.")
NODE_BLOCK = Gauge("entitlement_chain_node_block", "The node's newest block when it was last asked.")
LAG_BLOCKS = Gauge("entitlement_chain_lag_blocks", "Blocks that the node has and that were not followed yet.")
LAG_SECONDS = Gauge(
    "entitlement_chain_lag_seconds", "Time between the newest block that was followed and the node's newest."
)
FINAL_LAG_BLOCKS = Gauge(
    "entitlement_chain_final_lag_blocks", "Blocks that were followed above the newest final one."
)
FINAL_LAG_SECONDS = Gauge(
    "entitlement_chain_final_lag_seconds", "Time between the newest final block and the newest followed."
)

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

GRANTING_STOPPED = Gauge(
    "entitlement_granting_stopped", "1 while nothing is granted for this reason, else 0.", ["reason"]
)
"""`reason` is `following` or `verification`."""
GRANTS = Counter("entitlement_grants", "Grants that the sweep made or raised.")
GRANT_FAILURES = Counter("entitlement_grant_failures", "Accounts that the sweep could not grant to.")

PURCHASES = Counter("entitlement_purchases_settled", "Purchases and months that became credit.")
PURCHASE_FAILURES = Counter(
    "entitlement_purchase_failures", "Accounts whose purchases could not become credit."
)

VERIFICATIONS = Counter(
    "entitlement_verification_runs", "Comparisons of what is stored with the contracts.", ["outcome"]
)
"""`outcome` is `ok`, `differences`, or the class of the error that kept it from ending."""
VERIFIED_AT = Gauge(
    "entitlement_verification_last_success_timestamp_seconds", "When a verification last found no difference."
)
VERIFIED_BLOCK = Gauge("entitlement_verification_block", "The block of the last verification.")
VERIFIED_WALLETS = Gauge("entitlement_verification_wallets", "How many wallets the last one compared.")
DIFFERENCES = Gauge("entitlement_verification_differences", "How many differences the last one found.")

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
PUBLISHED_EPOCH = Gauge(
    "entitlement_published_epoch", "Newest day whose root stands in a final block, in days since 1970."
)
REQUEST_SECONDS = Histogram("entitlement_node_request_seconds", "How long a node took.", ["node", "method"])

BUYBACK_REFUSED = Gauge(
    "entitlement_buyback_refused",
    "1 while what is owed cannot be bought: the log's buyback_refused says why.",
)
BUYBACK_OPEN = Gauge("entitlement_buyback_open", "1 while a run is signed or sent and no block has it.")
BUYBACK_ANNOUNCED = Gauge(
    "entitlement_buyback_announced_timestamp_seconds", "When the first lot of the newest plan may go."
)
BUYBACK_RUNS = Counter(
    "entitlement_buyback_looks", "Looks at runs that had not ended, by their state.", ["state"]
)
POKED_AT = Gauge(
    "entitlement_poked_timestamp_seconds",
    "When the memory of a pair's prices was last found kept, or poked.",
)

OF_API = CollectorRegistry()
"""Apart: an API that follows nothing would tell of a chain at block 0."""
REFUSED_BY_ADDRESS = Counter(
    "entitlement_api_requests_refused_by_address",
    "Requests that were refused since their network address had made too many.",
    ["rate"],
    registry=OF_API,
)
"""`rate` is `anonymous` or `refusals`. No address is told: whose it was is nobody's business."""


def serve_metrics(
    host: str, port: int, registry: CollectorRegistry = REGISTRY, *, setting: str = "METRICS_PORT"
) -> None:
    """Serve the metrics of this process at `http://host:port/metrics`. Raises `SetupError`."""
    try:
        start_http_server(port, host, registry)
    except OSError as error:
        raise SetupError(
            f"The metrics cannot be served at {host}:{port}: {error.strerror}.",
            remedy=f"Give another port: ENTITLEMENT_{setting}.",
        ) from error
