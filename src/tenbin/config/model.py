"""What can be configured: the typed shape of tenbin.yaml. Every default lives here, with its unit.

Field docstrings become the comments of ``tenbin init``, the JSON Schema's descriptions and docs/configuration.md.
"""

from typing import Annotated, Any, Literal

import msgspec

from tenbin.config.admin import AdminConfig
from tenbin.config.alerts import AlertsConfig
from tenbin.config.caching import CachingConfig
from tenbin.config.cascade import CascadeConfig
from tenbin.config.content import ContentConfig
from tenbin.config.experiments import ShadowConfig
from tenbin.config.hedging import HedgingConfig
from tenbin.config.plans import PlansConfig
from tenbin.config.prompt_caching import PromptCachingConfig
from tenbin.config.routing import RoutingConfig
from tenbin.config.section import OneOrMore, Price, Seconds, Section, TargetName, Whole
from tenbin.config.spending import SpendingConfig
from tenbin.core.target import DialectName


class ModelPrice(Section, frozen=True):
    """A price that overrides the price library's, USD per one million tokens."""

    input: Price
    output: Price
    cache_read: Price | None = None
    """Default: the input price."""
    cache_write_5m: Price | None = None
    """Default: the input price."""
    cache_write_1h: Price | None = None
    """Default: the 5-minute write price."""
    per_request: Price = 0.0
    """USD for each request."""


class Subscription(Section, frozen=True):
    """A provider that is paid by the month: an answer costs no cash, but a part of the quota."""

    shadow_share: Annotated[float, msgspec.Meta(ge=0)] = 0.1
    """What the quota is worth, as a share of the list price: what the plan costs a month, divided by what its whole
    quota would cost by the list. 0: nothing, as long as some is left."""


class ModelFacts(Section, frozen=True):
    """What is known of one model at a provider."""

    context: OneOrMore | None = None
    """Context window in tokens."""
    max_output: OneOrMore | None = None
    """Most output tokens."""
    price: ModelPrice | None = None
    """Overrides the price library's."""
    quirks: dict[str, Any] = {}
    """Overrides of the provider's quirks for this model."""
    region: str | None = None
    """Where it runs, in place of the provider's ``region``."""


class ProviderLimits(Section, frozen=True):
    """How much a provider is to be asked for. Who finds no room waits, the callers' keys in turn."""

    concurrent: OneOrMore | None = None
    """Calls under way at the same time. Default: any number."""
    requests_per_minute: OneOrMore | None = None
    """In any 60 seconds. Default: any number."""
    tokens_per_minute: OneOrMore | None = None
    """Tokens of prompts and answers in any 60 seconds, without those read from a cache; estimated until the answer
    tells. Default: any number."""
    queue_seconds: Annotated[float, msgspec.Meta(ge=0)] = 30.0
    """Longest time in the queue; 0: nobody waits."""


class DirectConfig(Section, frozen=True):
    """The provider itself, for when the middle proxy at ``base_url`` cannot be reached."""

    base_url: str
    """Of the provider."""
    api_key: str | None = None
    """The provider's own. Default: none is sent; never the proxy's."""
    headers: dict[str, str] = {}
    """More headers to send."""


class ProviderConfig(Section, frozen=True):
    """A provider: a row of configuration over a dialect."""

    dialect: DialectName | None = None
    """What it speaks. Default: by its profile."""
    dialects: list[DialectName] = []
    """All that it speaks, the preferred one first, where it speaks several."""
    profile: str | None = None
    """Quirks of a known kind: anthropic, openai, deepseek, openrouter, gemini, vllm, llamacpp, litellm, ollama.
    Default: the provider's own name when it is one of these, else the plain dialect."""
    base_url: str | None = None
    """Default: the profile's."""
    api_key: str | None = None
    """Write ``${NAME}`` to take it from the environment. Default: with ``discover`` the profile's usual variable, if
    ``base_url`` is the profile's own; else none is sent."""
    headers: dict[str, str] = {}
    """More headers to send."""
    quirks: dict[str, Any] = {}
    """Overrides of single quirks (docs/configuration.md lists them)."""
    models: dict[str, ModelFacts] = {}
    """Facts and prices of single models."""
    direct: DirectConfig | None = None
    """Where ``base_url`` is a middle proxy: the provider behind it, used while the proxy cannot be reached."""
    limits: ProviderLimits | None = None
    """How much it is to be asked for. Default: no limits."""
    free: bool = False
    """Nothing is charged here (a model on your own machine): every model's price is zero."""
    subscription: Subscription | None = None
    """It is paid by the month, where its terms allow that it is used so. Default: by what is used."""
    plain_http: bool = False
    """Speak plain HTTP to it at an address of the internet too, where keys and prompts can be read on the way. On your
    own machine and network it is allowed anyway."""
    region: str | None = None
    """Where it runs, a word of your own (``eu``, ``us-east``): what ``regions`` of a routing rule demands."""


class Timeouts(Section, frozen=True):
    """How long to wait for a provider, in seconds."""

    connect: Seconds = 10.0
    first_byte: Seconds = 300.0
    """From sending the request to the first byte of the answer's head. Long: an unstreamed answer thinks first."""
    idle: Seconds = 120.0
    """Between two bytes of an answer."""
    total: Seconds = 3600.0


class Retries(Section, frozen=True):
    """Tries again at the same target, before the client has seen any content."""

    per_target: Whole = 2
    """Tries after the first one."""
    base_ms: Whole = 500
    """First pause; each further one doubles, with jitter."""
    max_pause_ms: Whole = 8_000
    """A ``retry-after`` above this moves on to the next target at once."""


class Cooldown(Section, frozen=True):
    """When a target that keeps failing is skipped."""

    after_failures: OneOrMore = 3
    """Failures in a row."""
    seconds: Annotated[float, msgspec.Meta(ge=0)] = 300.0
    """How long it is skipped before one probe is let through."""
    order_by_health: bool = False
    """Try the targets of a chain that do best first (by measured errors and time to the first byte), not in the order
    in which it names them. The chain is then a set of equals."""


class Limits(Section, frozen=True):
    """What a client may send."""

    body_bytes: OneOrMore = 30_000_000
    """Larger bodies are refused with 413. A body of exactly this size passes."""
    header_bytes: OneOrMore = 65_536
    """All headers together, with the request line; more is refused with 431."""
    header_seconds: Seconds = 10.0
    """Time to send the whole head."""
    body_seconds: Seconds = 120.0
    """Time to send the whole body."""
    connections: OneOrMore = 4_096
    """Open client connections; more are refused with 503."""
    wrong_keys: OneOrMore = 30
    """Wrong keys from one address in a minute; further ones are answered with 429. A right key is always let in."""


class LedgerConfig(Section, frozen=True):
    """Where what happened is written down."""

    directory: str | None = None
    """Folder of the journal and the database. Default: ``$TENBIN_HOME``, else ``~/.tenbin``."""
    sync_ms: OneOrMore = 100
    """The journal reaches the disk at least this often: what a power cut can lose at most."""
    weighings_days: OneOrMore | None = None
    """After so many days it is forgotten how a request's target was chosen (half a kilobyte each); its receipt stays.
    Default: never."""


class Config(Section, frozen=True):
    """The whole file."""

    listen: str = "127.0.0.1:4000"
    """Address and port. Any address but loopback needs ``master_key``."""
    master_key: str | None = None
    """Clients must send it, as ``Authorization: Bearer`` or ``x-api-key``. At least 16 characters."""
    keys: dict[str, str] = {}
    """More keys, by name: the hash that ``tenbin keys hash`` prints, never the key itself."""
    providers: dict[str, ProviderConfig] = {}
    """Who answers, each under a name of your choice."""
    models: dict[str, list[TargetName]] = {}
    """Names that clients may ask for, each with its chain of targets: the first that works answers."""
    default: list[TargetName] = []
    """The chain for names that nothing else matches. Default: with ``discover``, one model of each provider that is
    there, in the order of docs/configuration.md."""
    fallback: list[TargetName] = []
    """Appended to every chain."""
    cascades: dict[str, CascadeConfig] = {}
    """Names that clients may ask for, each with a ladder of models: the cheapest whose answer is judged good enough."""
    routing: RoutingConfig = RoutingConfig()
    """How requests are weighed: which model is the cheapest that is good enough."""
    cache: CachingConfig = CachingConfig()
    """The response cache: answers that may be given again. Nothing is cached unless it is said here."""
    prompt_caching: PromptCachingConfig = PromptCachingConfig()
    """Providers' prompt caches: marks for clients that set none, and what breaks a prefix."""
    shadow: ShadowConfig = ShadowConfig()
    """How much quality cheap answers keep, measured on a sample."""
    spending: SpendingConfig = SpendingConfig()
    """Budgets: what may be spent, by whom."""
    plans: PlansConfig = PlansConfig()
    """How much callers may ask for, in a minute, in a day and in one request."""
    alerts: AlertsConfig = AlertsConfig()
    """Who is told of money and trouble, and how."""
    admin: AdminConfig = AdminConfig()
    """Administering over HTTP."""
    content: ContentConfig = ContentConfig()
    """What people ask and are answered: kept, encrypted, only where it is said here."""
    discover: bool = True
    """Also look for API keys in the environment and for local servers."""
    local_model: bool | None = None
    """Start the embedded model. Default: when a chain names it, or nobody else is configured or found."""
    timeouts: Timeouts = Timeouts()
    """How long to wait for a provider."""
    retries: Retries = Retries()
    """Tries again at the same target."""
    hedging: HedgingConfig = HedgingConfig()
    """Asks another target too, when one is slow to begin."""
    cooldown: Cooldown = Cooldown()
    """When a target that keeps failing is skipped."""
    proxy_down: Literal["fail", "direct"] = "fail"
    """What happens when the proxy that HTTPS_PROXY names cannot be reached: the call fails, or goes past it."""
    limits: Limits = Limits()
    """What a client may send."""
    ledger: LedgerConfig = LedgerConfig()
    """Where what happened is written down."""
    ping_seconds: Seconds = 10.0
    """A stream that is silent this long gets a ping."""
