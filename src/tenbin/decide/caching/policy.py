"""4. Whether a request may be answered from the response cache, and by whose entries: the configured rules, applied."""

import hashlib
import re
from collections.abc import Mapping
from typing import Literal, TypeAlias

import msgspec

from tenbin.config.caching import CacheRule, CacheScope, CachingConfig, ExactMode
from tenbin.config.digest import without_secrets
from tenbin.config.model import Config
from tenbin.core.ask import Ask, Caller
from tenbin.core.cached import SemanticMode
from tenbin.core.steps import Lookup
from tenbin.decide.caching.canonical import Canonical
from tenbin.decide.routing import Names, names

CONTROL = b"x-tenbin-cache"
"""A request's header: ``off`` (neither looked up nor kept), ``refresh`` (asked anew and kept), ``exact`` (not by
meaning)."""
TAGS = b"x-tenbin-cache-tags"
"""A request's header: words, parted by commas, under which its answer can be purged."""
_WISHING = frozenset({CONTROL, TAGS, b"cache-control"})
MOST_TAGS = 8
_TAG = re.compile(r"[\w.:/@-]{1,64}")

_ANSWERING = ("providers", "models", "default", "fallback", "routing", "cascades", "prompt_caching")
"""Blocks of the configuration that may change who answers, and how: another answer is due when they change."""

Control: TypeAlias = Literal["", "off", "refresh", "exact"]
_STRICTNESS: tuple[Control, ...] = ("", "exact", "refresh", "off")
"""Where two headers ask for different things, the one that stands further on holds."""


class Wishes(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a request's own headers say of the cache; they can only be stricter than the configuration."""

    control: Control = ""
    max_age_ms: int | None = None
    """Older entries do not count."""
    tags: tuple[str, ...] = ()


NO_WISHES = Wishes()


class RuleInForce(msgspec.Struct, frozen=True, kw_only=True):
    """A rule, its patterns made ready."""

    rule: CacheRule
    keys: frozenset[str]
    models: Names
    clients: Names

    def holds(self, ask: Ask) -> bool:
        """Whether it applies to this request."""
        return (
            (not self.keys or (ask.caller.name or ask.caller.key_id) in self.keys)
            and (not self.models or ask.head.model in self.models)
            and (not self.clients or ask.client in self.clients)
        )


class CachePolicy(msgspec.Struct, frozen=True, kw_only=True):
    """What is configured of the response cache, resolved."""

    settings: CachingConfig
    rules: tuple[RuleInForce, ...]
    teams: Mapping[str, str]
    """By key, its team."""
    epoch: str
    """Hash of all that may change who answers: entries of another epoch are not found."""
    relaxed: bool = False
    """A budget is nearly spent: questions may be less alike."""
    keeps: bool = True
    """Answers are kept. Not those that a budget's landing may have made worse: others shall not be given them later."""


def cache_policy(config: Config) -> CachePolicy | None:
    """The cache's policy; None when nothing of it is switched on."""
    settings = config.cache
    modes = [settings.exact, settings.semantic.mode]
    modes += [mode for rule in settings.rules for mode in (rule.exact, rule.semantic) if mode is not None]
    if all(mode == "off" for mode in modes):
        return None
    plain = without_secrets(config)
    answering = {name: plain[name] for name in _ANSWERING if name in plain}
    return CachePolicy(
        settings=settings,
        rules=tuple(
            RuleInForce(rule=rule, keys=frozenset(rule.keys), models=names(rule.models), clients=names(rule.clients))
            for rule in settings.rules
        ),
        teams={key: team for team, keys in settings.teams.items() for key in keys},
        epoch=hashlib.sha256(msgspec.json.encode(answering, order="sorted")).hexdigest()[:16],
    )


def consult(ask: Ask, policy: CachePolicy) -> Lookup | None:
    """The look into the cache that this request is due; None when the cache has nothing to do with it."""
    settings = policy.settings
    exact: ExactMode = settings.exact
    semantic: SemanticMode = settings.semantic.mode
    scope: CacheScope = settings.scope
    ttl_seconds = None
    if policy.rules:
        holding = [one.rule for one in policy.rules if one.holds(ask)]
        exact = next((rule.exact for rule in holding if rule.exact is not None), exact)
        semantic = next((rule.semantic for rule in holding if rule.semantic is not None), semantic)
        scope = next((rule.scope for rule in holding if rule.scope is not None), scope)
        ttl_seconds = next((rule.ttl_seconds for rule in holding if rule.ttl_seconds is not None), None)
    if ask.operation != "generate" or (exact == "off" and semantic == "off"):
        return None
    wishes = wished(ask.headers)
    why = "the client asked for no cache" if wishes.control == "off" else ""
    if "web_search" in ask.head.needs:
        why = "web search"
    return Lookup(
        scope=scoped(ask.caller, scope, policy),
        exact=exact == "serve",
        semantic="off" if wishes.control == "exact" or ask.head.needs else semantic,
        bypass=why,
        refresh=wishes.control == "refresh",
        max_age_ms=wishes.max_age_ms,
        ttl_seconds=ttl_seconds,
        tags=wishes.tags,
        relaxed=policy.relaxed,
        keeps=policy.keeps,
    )


def scoped(caller: Caller, scope: CacheScope, policy: CachePolicy) -> str:
    """Who shares entries with this caller: ``key:NAME``, ``team:NAME`` or ``everyone``. A key's team stands in the
    configuration, else with the key where it is of the store.
    """
    if scope == "everyone":
        return "everyone"
    if scope == "team":
        team = policy.teams.get(caller.name or caller.key_id) or (
            caller.account.team if caller.account is not None else ""
        )
        if team:
            return f"team:{team}"
    return f"key:{caller.key_id}"


def unfit(asked: Canonical, settings: CachingConfig) -> str:
    """Why the answer to this request may not be given again; empty when it may."""
    if asked.stateful:
        return f"it goes on with what the provider knows ({asked.stateful})"
    if asked.live:
        return f"the provider looks at something anew each time ({asked.live})"
    if asked.answers != 1:
        return "several answers are asked for"
    if asked.drawing == "drawn" and settings.sampled != "always":
        return "temperature"
    if asked.drawing == "unset" and settings.sampled == "never":
        return "no temperature of 0"
    return ""


def wished(headers: tuple[tuple[bytes, bytes], ...]) -> Wishes:
    """What headers (names in lower case) ask of the cache: Tenbin's own, and the standard ``cache-control``."""
    for name, _ in headers:
        if name in _WISHING:
            break
    else:
        return NO_WISHES
    asked: list[Control] = [""]
    max_age_ms: int | None = None
    tags: tuple[str, ...] = ()
    for name, value in headers:
        if name == b"cache-control":
            for word in value.decode("latin-1").lower().split(","):
                directive, _, seconds = word.strip().partition("=")
                if directive == "no-store":
                    asked.append("off")
                elif directive == "no-cache":
                    asked.append("refresh")
                elif directive == "max-age" and seconds.strip('"').isdecimal():  # isdigit() takes "²" for one
                    max_age_ms = 1_000 * int(seconds.strip('"')[:9])
        elif name == CONTROL:
            for wish in value.decode("latin-1").lower().split(","):
                known = next((one for one in _STRICTNESS if one == wish.strip()), None)
                # A wish that is not understood must not be answered from the cache.
                asked.append("off" if known is None else known)
        elif name == TAGS:
            found = [tag.strip() for tag in value.decode("latin-1").split(",")]
            tags = tuple(tag for tag in found if _TAG.fullmatch(tag))[:MOST_TAGS]
    control = max(asked, key=_STRICTNESS.index)
    if control == "" and max_age_ms is None and not tags:
        return NO_WISHES
    return Wishes(control=control, max_age_ms=max_age_ms, tags=tags)
