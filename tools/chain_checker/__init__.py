"""A second implementation of Cairn's chain, written from docs/spec/chain.md alone: see tools/check-chain --help."""
