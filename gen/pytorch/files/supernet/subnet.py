"""SubNets: genes, their canonical form and their text form, as in the Go package."""

import difflib
from typing import List, NamedTuple, Optional, Sequence, Tuple


class Choice(NamedTuple):
    """An elastic choice. Its gene indexes values; 0 is the original model's."""

    name: str  # such as "resolution", "stage3.width", "stage3.1.expand"
    kind: str
    values: Tuple[str, ...]  # largest first
    live: Optional[Tuple[str, int]] = None  # means something only while that choice's gene is below the number: its block is kept
    was: str = ""  # its name in texts of version 1, where it is another


class Space:
    """The choices of a SuperNet, in order."""

    def __init__(self, choices: Sequence[Choice]) -> None:
        self.choices = tuple(choices)
        self.at = {c.name: i for i, c in enumerate(choices)}

    def canonical(self, genes: Sequence[int]) -> Tuple[int, ...]:
        """Genes with the choices of removed blocks set to the original."""
        g = list(genes)
        for i, c in enumerate(self.choices):
            if c.live and g[self.at[c.live[0]]] >= c.live[1]:
                g[i] = 0
        return tuple(g)

    def probes(self) -> List[Tuple[int, ...]]:
        """Every SubNet that differs from the original in one candidate of one choice."""
        n = len(self.choices)
        return [tuple(v if k == i else 0 for k in range(n)) for i, c in enumerate(self.choices) for v in range(1, len(c.values))]

    def format(self, genes: Sequence[int]) -> str:
        """name=value of each live choice that is not the original's, or "original"."""
        g = self.canonical(genes)
        return ",".join(f"{c.name}={c.values[v]}" for c, v in zip(self.choices, g) if v) or "original"

    def parse(self, text: str) -> Tuple[int, ...]:
        """The canonical genes of a SubNet's text form, in any order; everything that is wrong is reported at once."""
        text, g, wrong = text.strip(), {}, []
        for field in text.split(",") if text != "original" else []:
            name, found, value = (part.strip() for part in field.partition("="))
            if not found:
                wrong.append(f'"{field.strip()}": want name=value, or "original" alone')
            elif name not in self.at:
                near = difflib.get_close_matches(name, self.at, 3)
                wrong.append(f'no choice "{name}"' + (f", did you mean {' or '.join(near)}?" if near else ""))
            elif value not in self.choices[self.at[name]].values:
                wrong.append(f'choice "{name}": no value "{value}", want one of {" ".join(self.choices[self.at[name]].values)}')
            elif g.setdefault(name, value) != value:
                wrong.append(f'choice "{name}": set to both {g[name]} and {value}')
        if wrong and any(c.was for c in self.choices):
            try:
                old = Space([c._replace(name=c.was or c.name, was="", live=None) for c in self.choices]).parse(text)
            except ValueError:
                old = None
            if old is not None:
                raise ValueError(f'subnet "{text}" was written by version 1; write "{self.format(old)}"')
        if wrong:
            raise ValueError(f'subnet "{text}": ' + "; ".join(wrong))
        return self.canonical([c.values.index(g[c.name]) if c.name in g else 0 for c in self.choices])


class SubNet:
    """One network out of the SuperNet: canonical genes that are read by the names of their choices."""

    def __init__(self, space: Space, genes: Optional[Sequence[int]] = None) -> None:
        self.space = space
        self.genes = space.canonical(genes if genes is not None else [0] * len(space.choices))

    def __getitem__(self, name) -> int:
        """The index of a choice's candidate; 0, the original's, for None. A block's choice is (block, kind)."""
        if isinstance(name, tuple):
            name = name[0] and ".".join(name)
        return 0 if name is None else self.genes[self.space.at[name]]

    def blocks(self, name: str) -> int:
        """The number of blocks that the stage of a depth choice keeps."""
        return int(self.space.choices[self.space.at[name]].values[self[name]])

    def side(self, original: int) -> int:
        """The side of the square input in pixels; original when it cannot be chosen."""
        return self.blocks("resolution") if "resolution" in self.space.at else original

    def __str__(self) -> str:
        return self.space.format(self.genes)

    def __eq__(self, other) -> bool:
        return isinstance(other, SubNet) and self.genes == other.genes

    def __hash__(self) -> int:
        return hash(self.genes)
