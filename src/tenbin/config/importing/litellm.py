"""LiteLLM's config.yaml as a tenbin.yaml: its names with their deployments and fallbacks, and its limits."""

from collections.abc import Iterator
from typing import Any

from tenbin.config.address import SHORTEST_MASTER_KEY
from tenbin.config.document import Document
from tenbin.config.document import read as read_yaml
from tenbin.config.importing.draft import VARIABLE, Draft
from tenbin.config.importing.entry import Entry, Words, block
from tenbin.config.importing.litellm_models import Deployment, Deployments, family_of, words
from tenbin.config.importing.litellm_params import SECTIONS, SETTINGS, tell
from tenbin.config.importing.report import Imported
from tenbin.config.problem import ConfigError, KeyPath
from tenbin.config.shape import described

_SETTINGS = ("litellm_settings", "router_settings", "general_settings")


def read(text: str, source: str, *, keep_secrets: bool = True) -> Imported:
    """Read a config.yaml. ``source`` is what errors call it. Raises ConfigError with every mistake in it."""
    document = read_yaml(text, source, None)
    document.value = _merged(document.value)
    if document.value is None:
        document.report((), "the file is empty", "Name the configuration file itself.")
        raise ConfigError(document.problems)
    entry = block(document, (), document.value)
    if entry is None or not entry.has("model_list", *_SETTINGS):
        if entry is not None:
            document.report((), "there is no model_list in this file", "Name the config.yaml of LiteLLM's proxy.")
        raise ConfigError(document.problems)
    draft = Draft(document, keep_secrets=keep_secrets)
    general = entry.block("general_settings")
    settings = [each for each in (entry.block("router_settings"), entry.block("litellm_settings")) if each is not None]
    keys = [each.text("master_key") for each in (general, *settings) if each is not None]
    _master_key(draft, next((key for key in keys if key is not None), None))
    if not entry.has("model_list"):
        message = "this file lists no models; those in LiteLLM's database are not read"
        draft.lost(("model_list",), message, "Add them to `providers` and `models`.")
        draft.put(("discover",), True, ())
    deployments = Deployments(draft, _credentials(entry)).read(entry.rows("model_list"))
    _Chains(draft, deployments).write(settings, general)
    if "discover" not in draft.config:
        draft.put(("discover",), False, (), "Nobody else answers than the providers above, as before.")
    _limits(draft, settings, general)
    _variables(draft, entry.block("environment_variables"))
    for each in (*settings, *([general] if general is not None else [])):
        tell(draft, each, SETTINGS)
    tell(draft, entry, SECTIONS)
    return draft.finish(
        "Tenbin's configuration, imported from LiteLLM by `tenbin import litellm`. `tenbin check` looks for mistakes "
        "and shows how it routes. ${NAME} stands for an environment variable."
    )


def _merged(value: Any) -> Any:
    """YAML's ``<<`` filled in: what stands beside it counts before what it brings."""
    if isinstance(value, list):
        return [_merged(item) for item in value]
    if not isinstance(value, dict):
        return value
    brought = value.get("<<")
    blocks = [brought] if isinstance(brought, dict) else brought if isinstance(brought, list) else []
    merged: dict[str, Any] = {}
    for each in reversed(blocks):
        merged |= each if isinstance(each, dict) else {}
    merged |= {name: item for name, item in value.items() if name != "<<" or not blocks}
    return {name: _merged(item) for name, item in merged.items()}


def _credentials(entry: Entry) -> dict[str, Entry]:
    found = {}
    for row in entry.rows("credential_list"):
        name, values = row.text("credential_name"), row.block("credential_values")
        if name is not None and values is not None:
            found[name.text] = values
    return found


def _master_key(draft: Draft, key: Words | None) -> None:
    if key is None or not key.text:
        return
    written = words(draft, key)
    if VARIABLE.search(written.text) or len(key.text) >= SHORTEST_MASTER_KEY:
        draft.secret(("master_key",), written, key.text, "TENBIN_MASTER_KEY")
        return
    message = f"a master key has at least {SHORTEST_MASTER_KEY} characters here, and this one is shorter"
    draft.lost(key.path, message, "Run `tenbin keys new`, set master_key to it, and give it to the clients.")


class _Chains:
    """From deployments and fallbacks to one chain of targets for each name."""

    def __init__(self, draft: Draft, deployments: list[Deployment]) -> None:
        self._draft = draft
        self._groups: dict[str, list[str]] = {}
        self._paths: dict[str, KeyPath] = {}
        self._wildcards = [each for each in deployments if each.is_wildcard]
        self._by_identity = {each.identity: each for each in deployments if each.identity is not None}
        self._aliases: dict[str, str] = {}
        self._fallbacks: dict[str, list[Words]] = {}
        self._embedding = {each.group.text for each in deployments if each.embeds}
        for each in deployments:
            if not each.is_wildcard:
                targets = self._groups.setdefault(each.group.text, [])
                self._paths.setdefault(each.group.text, each.group.path)
                if each.target not in targets:
                    targets.append(each.target)
                if len(targets) > 1:
                    message = "several deployments of a name are tried in order; load is not spread among them"
                    draft.changed(each.group.path, message, "Order them in `models` as you like.")

    def write(self, settings: list[Entry], general: Entry | None) -> None:
        """All names, the wildcards and the aliases."""
        for each in self._wildcards:
            self._wildcard(each)
        aliases = self._read_aliases(settings)
        for path, lookups in _named_lists(self._draft.document, settings, "fallbacks"):
            self._lookups(path, lookups, self._fallbacks)
        context: dict[str, list[Words]] = {}
        for path, lookups in _named_lists(self._draft.document, settings, "context_window_fallbacks"):
            self._lookups(path, lookups, context)
            message = "these step in for any failure, after the fallbacks; a prompt that is too long is not tried twice"
            self._draft.changed(path, message)
        general_ones = [words for each in settings for words in each.texts("default_fallbacks")]
        star = self._fallbacks.pop("*", [])
        spare = self._targets([*general_ones, *star])
        for group, own in self._groups.items():
            chain = self._with_fallbacks(group, own)
            if spare and group in self._embedding:
                message = "no default fallback steps in for embeddings: vectors of two models do not compare"
                self._draft.changed(self._paths[group], message)
            elif group not in self._fallbacks:
                chain += [target for target in spare if target not in chain]
            late = self._targets(context.get(group, []))
            chain += [target for target in late if target not in chain]
            self._draft.put(("models", group), chain, self._paths[group])
        asked = general.text("completion_model") if general is not None else None
        default = spare or (self._targets([asked]) if asked is not None else [])
        if default:
            origin = general_ones[0].path if general_ones else asked.path if asked is not None else ()
            self._draft.put(("default",), default, origin, "For names that nothing else matches.")
        for name, (path, meant) in aliases.items():
            self._draft.put(("routing", "aliases", name), meant, path)

    def _read_aliases(self, settings: list[Entry]) -> dict[str, tuple[KeyPath, str]]:
        found: dict[str, tuple[KeyPath, str]] = {}
        for each in settings:
            table = each.block("model_group_alias")
            for name in table.keys() if table is not None else []:
                value = table.take(name) if table is not None else None
                if value is None:
                    continue
                meant = value[1].get("model") if isinstance(value[1], dict) else value[1]
                if not isinstance(meant, str):
                    fix = "Write `other-name: model-name`."
                    self._draft.mistake(value[0], f"this must be a name of model_list, not {described(meant)}", fix)
                elif meant not in self._groups:
                    fix = "Name one whose deployments are carried over."
                    self._draft.lost(value[0], f"{meant} is not a name that is carried over", fix)
                elif name not in self._groups:
                    found.setdefault(name, (value[0], meant))
                    self._aliases[name] = meant
        return found

    def _lookups(self, path: KeyPath, item: Any, into: dict[str, list[Words]]) -> None:
        """One item of a list of fallbacks: ``{name: [names]}``."""
        entry = block(self._draft.document, path, item)
        for name in entry.keys() if entry is not None else []:
            steps: list[Words] = []
            for place, value in entry.items(name) if entry is not None else []:
                if isinstance(value, str):
                    steps.append(Words(place, value))
                else:
                    message = "a fallback with parameters of its own is not carried over; Tenbin changes no request"
                    self._draft.lost(place, message, "Name a model.")
            into.setdefault(name, steps)

    def _with_fallbacks(self, group: str, own: list[str]) -> list[str]:
        """A name's own targets, then those of its fallbacks, and of theirs, each once."""
        chain, seen = list(own), {group}

        def follow(name: str) -> None:
            for step in self._fallbacks.get(name, []):
                meant = self._aliases.get(step.text, step.text)
                if meant in seen:
                    continue
                seen.add(meant)
                chain.extend(target for target in self._targets([step]) if target not in chain)
                follow(meant)

        follow(group)
        return chain

    def _targets(self, steps: list[Words]) -> list[str]:
        """What names, identities and names of wildcards stand for. An unknown one is told."""
        found: list[str] = []
        for step in steps:
            meant = self._aliases.get(step.text, step.text)
            targets = self._groups.get(meant) or self._by_wildcard(meant)
            if not targets and meant in self._by_identity:
                targets = [self._by_identity[meant].target]
            if not targets:
                fix = "Name one of model_list whose deployments are carried over."
                self._draft.lost(step.path, f"{step.text} is not a name that is carried over", fix)
            found += [target for target in targets if target not in found]
        return found

    def _by_wildcard(self, name: str) -> list[str]:
        for each in self._wildcards:
            before, _, after = each.group.text.partition("*")
            fits = len(name) >= len(before) + len(after) and name.startswith(before) and name.endswith(after)
            if fits and each.model.count("*") == 1:
                return [f"{each.provider}/{each.model.replace('*', name[len(before) : len(name) - len(after)])}"]
        return []

    def _wildcard(self, each: Deployment) -> None:
        """``provider/*`` needs no line of its own; a family's names go to their provider by themselves."""
        pattern, row = each.group.text, self._draft.config["providers"][each.provider]
        if pattern == f"{each.provider}/*" and each.model == "*":
            self._draft.needless(each.group.path, "every model of a provider can be asked for as provider/model")
        elif pattern == each.model and pattern[:-1] in family_of(each.provider, row.get("profile")):
            self._draft.needless(each.group.path, "names of a family go to its provider by themselves")
        elif pattern == "*" and each.model == "*":
            names = ", ".join(family_of(each.provider, row.get("profile"))) or "none"
            message = f"of all names only those of its families go to {each.provider} by themselves ({names})"
            self._draft.changed(each.group.path, message, f"Ask for others as {each.provider}/MODEL.")
        else:
            fix = f"Ask for {each.provider}/MODEL, or list the names in `models`."
            self._draft.lost(
                each.group.path, "a name with `*` that is not `provider/*` cannot be said in `models`", fix
            )


def _named_lists(document: Document, settings: list[Entry], name: str) -> Iterator[tuple[KeyPath, Any]]:
    for each in settings:
        yield from each.items(name)


def _limits(draft: Draft, settings: list[Entry], general: Entry | None) -> None:
    def first(*names: str) -> Any:
        numbers = [each.number(name) for name in names for each in settings]
        return next((number for number in numbers if number is not None), None)

    timeout = first("timeout", "request_timeout")
    if timeout is not None and timeout.value > 0:
        draft.put(("timeouts", "first_byte"), timeout.value, timeout.path)
        draft.put(("timeouts", "idle"), timeout.value, timeout.path)
    retries = first("num_retries")
    if retries is not None and retries.value >= 0:
        draft.put(("retries", "per_target"), int(retries.value), retries.path)
    fails = first("allowed_fails")
    if fails is not None and fails.value >= 0:
        draft.put(("cooldown", "after_failures"), int(fails.value) + 1, fails.path)
        draft.changed(fails.path, "failures in a row are counted, not those of a minute")
    seconds = first("cooldown_time")
    if seconds is not None and seconds.value >= 0:
        draft.put(("cooldown", "seconds"), seconds.value, seconds.path)
    for each in settings:
        switch = each.flag("disable_cooldowns")
        if switch is not None and switch[1]:
            draft.put(("cooldown", "seconds"), 0, switch[0])
    size = general.number("max_request_size_mb") if general is not None else None
    if size is not None and size.value > 0:
        draft.put(("limits", "body_bytes"), int(size.value * 1_048_576), size.path)


def _variables(draft: Draft, entry: Entry | None) -> None:
    for name in entry.keys() if entry is not None else []:
        found = entry.take(name) if entry is not None else None
        if found is None:
            continue
        if draft.names(name):
            message = "Tenbin does not set variables of its own process"
            draft.lost(found[0], message, f"Run `export {name}=...` with the value that stands here before it starts.")
        else:
            draft.needless(found[0], "nothing that is carried over names this variable")
