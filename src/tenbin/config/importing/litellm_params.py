"""What LiteLLM's many settings mean for Tenbin: which are needless, which have no counterpart, and what to do then."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from tenbin.config.importing.draft import Draft
from tenbin.config.importing.entry import Entry


class Answer(NamedTuple):
    """What is told about a setting."""

    kind: Literal["lost", "needless"]
    message: str
    fix: str = ""


def _all(names: str, answer: Answer) -> dict[str, Answer]:
    return dict.fromkeys(names.split(), answer)


_BUDGET = Answer(
    "lost",
    "Tenbin has no budgets yet",
    "Set a limit at the provider; `tenbin ledger --by model --by day` shows what was spent.",
)
_ANSWERS = Answer(
    "lost", "Tenbin does not keep answers yet", "Nothing is to be done: prompt caches of the providers stay warm."
)
_RATE = Answer(
    "lost",
    "Tenbin has no rate limits of its own yet, and deployments are tried in order, not by weight",
    "What a provider refuses as too much goes to the next target. Put the one with the most room first.",
)
_PARAMETER = Answer("lost", "Tenbin adds no parameters to a request", "Set them in the client.")
_TIME = Answer("lost", "time limits hold for all providers alike", "See `timeouts`.")
_SIGN_IN = Answer("lost", "Tenbin signs in with an API key only", "Set the provider's `api_key`.")
_LOGS = Answer(
    "lost",
    "Tenbin sends its records nowhere",
    "They are in the ledger (`tenbin ledger`) and, for Prometheus, at /metrics.",
)
_STORE = Answer("needless", "Tenbin keeps its ledger in files of its own, and needs no database")
_USERS = Answer("lost", "Tenbin has no users and teams yet", "Give each client a key: `tenbin keys new --name NAME`.")
_CONTENT = Answer("lost", "Tenbin does not look for forbidden words in requests and answers", "Do so in the client.")
_TESTS = Answer("lost", "Tenbin gives no made-up answers", "Use `tenbin simulate`.")
_SHARED = Answer("needless", "nothing is shared among several instances by Redis")
_STRATEGY = Answer(
    "lost",
    "targets of a name are tried in their order",
    "Put the one that you prefer first, or route by weighing (`routing`).",
)

DEPLOYMENT: Mapping[str, Answer] = {
    **_all("rpm tpm max_parallel_requests weight", _RATE),
    **_all("max_budget budget_duration", _BUDGET),
    **_all("temperature top_p top_k max_tokens max_completion_tokens seed stop n user logit_bias", _PARAMETER),
    **_all("presence_penalty frequency_penalty extra_body reasoning_effort thinking response_format", _PARAMETER),
    **_all("tools tool_choice metadata modify_params allowed_openai_params additional_drop_params", _PARAMETER),
    **_all("timeout stream_timeout max_retries num_retries cooldown_time", _TIME),
    **_all("azure_ad_token tenant_id client_id client_secret azure_username azure_password", _SIGN_IN),
    **_all("aws_access_key_id aws_secret_access_key aws_region_name aws_role_name aws_session_name", _SIGN_IN),
    **_all("vertex_project vertex_location vertex_credentials", _SIGN_IN),
    **_all("mock_response mock_timeout", _TESTS),
    **_all("guardrails", _CONTENT),
    "api_version": Answer("needless", "Azure is spoken to by its API without versions"),
    "drop_params": Answer("needless", "a field that a provider is known not to take is left out"),
    "region_name": Answer(
        "lost",
        "a region stands with the provider or model here",
        "Add `region:` there, and `regions:` to a routing rule.",
    ),
    "tags": Answer("lost", "Tenbin does not route by tags", "See `routing.rules`."),
    "initial_prompt_value": _PARAMETER,
    "roles": _PARAMETER,
    "final_prompt_value": _PARAMETER,
}
"""Keys of litellm_params."""

_ABOUT = Answer("needless", "Tenbin knows this of a model by itself, or does not ask for it")
MODEL_INFO: Mapping[str, Answer] = {
    **_all("id mode max_tokens base_model version description litellm_provider supported_openai_params", _ABOUT),
    **_all("supports_function_calling supports_vision supports_reasoning supports_prompt_caching", _ABOUT),
    **_all("input_cost_per_second output_cost_per_second", Answer("lost", "prices are per token or per request", "")),
    "access_groups": _USERS,
    "supported_environments": Answer(
        "lost", "there is one file for each place", "Leave the model out where it is not wanted."
    ),
    "custom_tokenizer": Answer("needless", "tokens are counted with the tokenizer that Tenbin has for the model"),
    "health_check_model": Answer(
        "needless", "health is learned from real requests; `tenbin doctor` asks each provider"
    ),
}
"""Keys of model_info."""

SETTINGS: Mapping[str, Answer] = {
    **_all("cache cache_params cache_kwargs cache_responses caching_groups enable_redis_auth_cache", _ANSWERS),
    **_all("max_budget budget_duration max_internal_user_budget internal_user_budget_duration", _BUDGET),
    **_all("max_end_user_budget max_end_user_budget_id provider_budget_config disable_reset_budget", _BUDGET),
    **_all("default_max_internal_user_budget soft_budget max_ui_session_budget", _BUDGET),
    **_all("success_callback failure_callback callbacks service_callbacks audit_log_callbacks alerting", _LOGS),
    **_all("alerting_threshold alert_types alerting_args alert_to_webhook_url spend_report_frequency", _LOGS),
    **_all("langfuse_default_tags turn_off_message_logging redact_user_api_key_info s3_callback_params", _LOGS),
    **_all(
        "json_logs set_verbose debug_level log_raw_request_response",
        Answer("needless", "`tenbin serve --log-level` sets it"),
    ),
    **_all("database_url database_connection_pool_limit database_connection_timeout store_model_in_db", _STORE),
    **_all(
        "disable_spend_logs disable_spend_updates disable_error_logs proxy_batch_write_at use_redis_transaction_buffer",
        _STORE,
    ),
    **_all("allow_requests_on_db_unavailable disable_prisma_schema_update maximum_spend_logs_retention_period", _STORE),
    **_all("store_prompts_in_spend_logs maximum_spend_logs_retention_interval", _STORE),
    **_all("redis_host redis_port redis_password redis_url redis_db", _SHARED),
    **_all("routing_strategy routing_strategy_args enable_tag_filtering tag_filtering_match_any", _STRATEGY),
    **_all("optional_pre_call_checks default_priority polling_interval", _STRATEGY),
    **_all("default_max_parallel_requests max_parallel_requests global_max_parallel_requests", _RATE),
    **_all("stream_timeout client_ttl", _TIME),
    **_all("default_litellm_params modify_params", _PARAMETER),
    **_all("key_generation_settings default_team_settings default_internal_user_params custom_auth", _USERS),
    **_all("enable_jwt_auth litellm_jwtauth custom_sso ui_access_mode admin_only_routes allowed_routes", _USERS),
    **_all("default_team_disabled enforce_user_param upperbound_key_generate_params custom_key_generate", _USERS),
    **_all("guardrails content_policy_fallbacks", _CONTENT),
    **_all("key_management_system key_management_settings use_google_kms use_azure_key_vault", _SIGN_IN),
    "drop_params": Answer("needless", "a field that a provider is known not to take is left out"),
    "use_chat_completions_url_for_anthropic_messages": Answer(
        "needless", "`dialect` of a provider says what it speaks"
    ),
    "telemetry": Answer("needless", "Tenbin tells nobody anything"),
    "ssl_verify": Answer(
        "lost", "certificates are always checked", "Run `export SSL_CERT_FILE=...` for one of your own."
    ),
    "enable_pre_call_checks": Answer("needless", "a prompt that is too long for a target moves on to the next one"),
    "background_health_checks": Answer(
        "needless", "health is learned from real requests; a target that failed is tried again by one probe"
    ),
    "health_check_interval": Answer("needless", "health is learned from real requests"),
    "retry_policy": Answer(
        "lost", "what is tried again depends on the kind of failure, and cannot be set", "See `retries`."
    ),
    "model_group_retry_policy": Answer("lost", "retries are the same for all names", "See `retries`."),
    "allowed_fails_policy": Answer("lost", "failures of a target are counted together", "See `cooldown`."),
    "retry_after": Answer("lost", "a pause grows from `retries.base_ms`, and a provider's own retry-after is kept", ""),
    "max_fallbacks": Answer("lost", "a chain is tried to its end", "Shorten the chain."),
    "forward_client_headers_to_llm_api": Answer("needless", "in the same dialect a client's headers are passed on"),
    "pass_through_endpoints": Answer(
        "lost", "Tenbin serves the paths of its dialects only", "Ask the provider directly."
    ),
    "infer_model_from_keys": Answer("needless", "`discover: true` looks for keys in the environment"),
    "allowed_ips": Answer("lost", "Tenbin does not look at addresses", "Use a firewall, or keys."),
}
"""Keys of litellm_settings, router_settings and general_settings."""

SECTIONS: Mapping[str, Answer] = {
    "guardrails": _CONTENT,
    "callback_settings": _LOGS,
    "include": Answer("lost", "other files are not read", "Put all into one file and import that."),
    "mcp_servers": Answer("lost", "Tenbin serves models, no tools", "Name the MCP servers in the client."),
    "mcp_tools": Answer("lost", "Tenbin serves models, no tools", "Name them in the client."),
    "vector_store_registry": Answer("lost", "Tenbin serves models, no stores of documents", ""),
    "files_settings": Answer("lost", "Tenbin serves no files and batches", "Ask the provider directly."),
    "finetune_settings": Answer("lost", "Tenbin does not train models", "Ask the provider directly."),
    "assistant_settings": Answer("lost", "Tenbin serves no assistants", "Use the Responses API."),
    "prompts": Answer("lost", "Tenbin does not keep prompts", ""),
    "router_budget_limiting": _BUDGET,
}
"""Blocks of the file."""

_UNKNOWN = Answer("lost", "Tenbin has no such setting", "Look for another way in docs/configuration.md.")


def tell(draft: Draft, entry: Entry, answers: Mapping[str, Answer]) -> None:
    """A note about every key that nobody took."""
    for path, _ in entry.rest():
        answer = answers.get(str(path[-1]), _UNKNOWN)
        draft.note(answer.kind, path, answer.message, answer.fix)
