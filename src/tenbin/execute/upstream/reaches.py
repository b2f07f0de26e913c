"""How every configured provider is reached: its address and credential, also behind a middle proxy."""

from collections.abc import Mapping

from tenbin.config.model import ProviderConfig
from tenbin.config.provider import EMBEDDED, complete
from tenbin.execute.upstream.address import Reach, reach


def reaches(providers: Mapping[str, ProviderConfig], embedded_url: str | None) -> dict[str, Reach]:
    """By provider name. ``embedded_url``: where the embedded model listens, once it does."""
    found = {}
    for name, row in providers.items():
        provider = complete(name, row)
        base_url = provider.base_url
        if name == EMBEDDED and embedded_url is not None:
            base_url = embedded_url
        copies = provider.profile is not None and not provider.target("").quirks.safeguards
        behind, plain = provider.direct, row.plain_http
        direct = None
        if behind is not None:
            direct = reach(behind.base_url, api_key=behind.api_key, headers=behind.headers, plain_http=plain)
        found[name] = reach(
            base_url,
            api_key=provider.api_key,
            both_credentials=copies,
            headers=provider.headers,
            direct=direct,
            plain_http=plain,
        )
    return found
