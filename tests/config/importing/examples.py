"""Configurations in the shape of both projects' documentation, with every key that it names."""

CCR = """\
{
  // claude-code-router reads JSON5: comments and trailing commas are allowed
  "APIKEY": "$CCR_KEY",
  "HOST": "0.0.0.0",
  "PORT": 3456,
  "PROXY_URL": "http://127.0.0.1:7890",
  "LOG": true,
  "LOG_LEVEL": "info",
  "API_TIMEOUT_MS": 600000,
  "NON_INTERACTIVE_MODE": false,
  "CUSTOM_ROUTER_PATH": "/home/user/.claude-code-router/custom-router.js",
  "forceUseImageAgent": true,
  "REWRITE_SYSTEM_PROMPT": "/home/user/prompt.txt",
  "transformers": [{"path": "/home/user/.claude-code-router/plugins/own.js", "options": {"project": "x"}}],
  "Providers": [
    {
      "name": "openrouter",
      "api_base_url": "https://openrouter.ai/api/v1/chat/completions",
      "api_key": "${OPENROUTER_API_KEY}",
      "models": ["google/gemini-3.8-pro", "anthropic/claude-sonnet-5-5"],
      "transformer": {
        "use": ["openrouter"],
        "moonshotai/kimi-k3": {"use": [["openrouter", {"provider": {"only": ["moonshotai/fp8"]}}]]}
      }
    },
    {
      "name": "deepseek",
      "api_base_url": "https://api.deepseek.com/chat/completions",
      "api_key": "sk-deepseek-in-plain-text",
      "models": ["deepseek-chat", "deepseek-reasoner"],
      "transformer": {"use": ["deepseek"], "deepseek-chat": {"use": ["tooluse"]}}
    },
    {
      "name": "ollama",
      "api_base_url": "http://localhost:11434/v1/chat/completions",
      "api_key": "ollama",
      "models": ["qwen2.5-coder:latest"]
    },
    {
      "name": "gemini",
      "api_base_url": "https://generativelanguage.googleapis.com/v1beta/models/",
      "api_key": "$GEMINI_API_KEY",
      "models": ["gemini-3.8-flash", "gemini-3.8-pro"],
      "transformer": {"use": ["gemini"]}
    },
    {
      "name": "volcengine",
      "api_base_url": "https://ark.cn-beijing.volces.com/api/v3/chat/completions",
      "api_key": "$VOLCENGINE_API_KEY",
      "models": ["deepseek-v3-250324"],
      "transformer": {"use": ["deepseek"]}
    },
    {
      "name": "modelscope",
      "api_base_url": "https://api-inference.modelscope.cn/v1/chat/completions",
      "api_key": "",
      "models": ["Qwen/Qwen3-Coder", "Qwen/Qwen3-Thinking"],
      "transformer": {
        "use": [["maxtoken", {"max_tokens": 65536}], "enhancetool"],
        "Qwen/Qwen3-Thinking": {"use": ["reasoning"]}
      }
    },
    {
      "name": "claude",
      "api_base_url": "https://api.anthropic.com/v1/messages",
      "api_key": "$ANTHROPIC_API_KEY",
      "models": ["claude-opus-5-5", "claude-sonnet-5-5"],
      "transformer": {"use": ["Anthropic"]}
    },
    {
      "name": "gemini-cli",
      "api_base_url": "https://cloudcode-pa.googleapis.com/v1internal",
      "api_key": "any",
      "models": ["gemini-3.8-pro"],
      "transformer": {"use": ["gemini-cli"]}
    },
  ],
  "Router": {
    "default": "claude,claude-opus-5-5",
    "background": "ollama,qwen2.5-coder:latest",
    "think": "deepseek,deepseek-reasoner",
    "longContext": "openrouter,google/gemini-3.8-pro",
    "longContextThreshold": 100000,
    "webSearch": "claude,claude-sonnet-5-5",
    "image": "gemini,gemini-3.8-pro"
  },
  "fallback": {
    "default": ["volcengine,deepseek-v3-250324", "openrouter,anthropic/claude-sonnet-5-5"],
    "think": ["claude,claude-opus-5-5"]
  }
}
"""

CCR_SMALL = """\
{
  APIKEY: "your-api-key-here",
  Providers: [
    {name: "openai", baseUrl: "https://api.openai.com/v1", apiKey: "$OPENAI_API_KEY", models: ["gpt-6.1-sol"]},
  ],
  Router: {default: "openai,gpt-6.1-sol"},
}
"""
"""As the pages about the command line write it."""

CCR_CAPITALS = """\
{
  "port": 8080,
  "Providers": [
    {"NAME": "deepseek", "HOST": "https://api.deepseek.com", "APIKEY": "$DEEPSEEK_API_KEY",
     "MODELS": ["deepseek-chat"], "transformers": ["anthropic"]},
    {"NAME": "groq", "HOST": "https://api.groq.com/openai/v1", "APIKEY": "$GROQ_API_KEY",
     "MODELS": ["llama-3.3-70b-versatile"], "transformers": ["anthropic"]}
  ],
  "Router": {"default": "deepseek,deepseek-chat", "longContextThreshold": 100000,
             "background": "groq,llama-3.3-70b-versatile"},
  "transformers": [{"name": "anthropic", "providers": ["deepseek", "groq"]}]
}
"""
"""As the pages about the server write it."""

LITELLM = """\
environment_variables:
  AZURE_KEY: in-plain-text
  REDIS_HOST: localhost

model_list:
  - model_name: gpt-4o
    litellm_params:
      model: azure/gpt-4o-eu
      api_base: https://my-endpoint-europe.openai.azure.com/
      api_key: "os.environ/AZURE_KEY"
      api_version: "2023-05-15"
      rpm: 6
  - model_name: gpt-4o
    litellm_params:
      model: azure/gpt-4o-ca
      api_base: https://my-endpoint-canada.openai.azure.com/
      api_key: "os.environ/AZURE_KEY"
      rpm: 6
  - model_name: bedrock-claude
    litellm_params:
      model: bedrock/anthropic.claude-instant-v1
      aws_region_name: us-east-1
  - model_name: vllm-models
    litellm_params:
      model: openai/facebook/opt-125m
      api_base: http://10.0.0.7:8000/v1
      api_key: none
      rpm: 1440
    model_info:
      version: 2
  - model_name: small
    litellm_params:
      model: gpt-3.5-turbo
      api_key: os.environ/OPENAI_API_KEY
      organization: org-1
      extra_headers: {"AI-Resource Group": "mine"}
      temperature: 0.2
    model_info:
      id: small-one
      mode: chat
      input_cost_per_token: 0.0000005
      output_cost_per_token: 1.5e-06
      max_input_tokens: 16385
      max_output_tokens: 4096
  - model_name: opus
    litellm_params:
      model: anthropic/claude-opus-5-5
      litellm_credential_name: own-anthropic
  - model_name: mistral-7b
    litellm_params: {model: ollama/mistral, api_base: "http://localhost:11434"}
  - model_name: fast
    litellm_params: {model: groq/llama-3.3-70b-versatile, api_key: os.environ/GROQ_API_KEY}
  - model_name: embeddings
    litellm_params: {model: text-embedding-ada-002, api_key: os.environ/OPENAI_API_KEY}
    model_info: {mode: embedding}
  - model_name: "anthropic/*"
    litellm_params: {model: "anthropic/*", api_key: os.environ/ANTHROPIC_API_KEY}
  - model_name: "fo::*:static::*"
    litellm_params: {model: "openai/fo::*:static::*", api_key: os.environ/OPENAI_API_KEY}

credential_list:
  - credential_name: own-anthropic
    credential_values: {api_key: os.environ/OWN_ANTHROPIC_KEY}
    credential_info: {description: ours}

litellm_settings:
  drop_params: True
  num_retries: 3
  request_timeout: 10
  fallbacks: [{"gpt-4o": ["opus"]}, {"small": ["fast", "anthropic/claude-haiku-5-5"]}]
  context_window_fallbacks: [{"small": ["opus"]}]
  content_policy_fallbacks: [{"small": ["opus"]}]
  default_fallbacks: ["mistral-7b"]
  allowed_fails: 3
  cache: true
  cache_params: {type: redis, host: localhost, port: 6379, ttl: 600}
  max_budget: 100
  budget_duration: 30d
  success_callback: ["langfuse"]

router_settings:
  routing_strategy: simple-shuffle
  model_group_alias: {"gpt-4": "gpt-4o", "gpt-3.5": {"model": "small", "hidden": true}}
  num_retries: 2
  cooldown_time: 30
  redis_host: os.environ/REDIS_HOST

general_settings:
  master_key: os.environ/LITELLM_MASTER_KEY
  database_url: os.environ/DATABASE_URL
  alerting: ["slack"]
"""
