"""The text file of blocks that tools/check-chain and `cairn chain check` read."""


def entries(path):
    """Yields (line number, kind, content): bytes of a block, or (commitment id, worth)."""
    with open(path, encoding="ascii") as file:
        for number, line in enumerate(file, 1):
            kind, *words = line.split("#")[0].split() or [""]
            try:
                if kind in ("block", "try"):
                    yield number, kind, bytes.fromhex("".join(words))
                elif kind == "worth":
                    yield number, kind, (bytes.fromhex(words[0]), int(words[1]))
                elif kind:
                    raise ValueError("unknown")
            except (ValueError, IndexError):
                raise ValueError(f"{path}: line {number} is neither block, try nor worth") from None
