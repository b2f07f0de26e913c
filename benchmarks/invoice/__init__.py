"""The invoice drill: mixed requests; clients, providers and gateways that die at random; at the end the ledger beside
the provider's invoice, to the nano-USD."""
