"""From another router's configuration to tenbin.yaml: what can be said in Tenbin's words is, the rest is told."""
