"""The benchmark harness: starts a mock provider and one gateway after another, loads each, and reads what it cost.

The life of a measurement: `cli` picks `points` -> `session` starts the mock (`mock`) and a gateway (one of
`contestants`) -> `verify` checks that its answers are right -> `load` drives it with wrk -> `procfs` says what that
cost -> `report` writes the tables and `gates` judges.
"""
