"""Small texts that would grow without bound, each with the message that refuses it."""

TOP = "input: [1, 8, 8]\nlayers:"


def _blocks(blocks: str, last: str) -> str:
    return f"input: [1, 8, 8]\nblocks:\n{blocks}layers: [{last}]"


def _variables(variables: str, layer: str = "relu") -> str:
    return f"input: [1, 8, 8]\nvars:\n{variables}layers: [{layer}]"


def _twice(body: str) -> str:
    """Return forty blocks, each with the one before it in it twice."""
    doubled = "".join(f"  b{n}: {{layers: [b{n - 1}, b{n - 1}]}}\n" for n in range(1, 41))
    return _blocks(f"  b0: {{layers: [{body}]}}\n{doubled}", "b40")


def _chain(length: int) -> str:
    """Return blocks, each with the one before it in it."""
    links = "".join(f"  b{n}: {{layers: [b{n - 1}]}}\n" for n in range(1, length))
    return _blocks(f"  b0: {{layers: [relu]}}\n{links}", f"b{length - 1}")


def _nested(depth: int, before: str, after: str) -> str:
    return f"{TOP} [" + before * depth + "relu" + after * depth + "]"


ONES = ", ".join(["1"] * 300_000)
LISTS = "  v0: [1, 1]\n" + "".join(f"  v{n}: [v{n - 1}, v{n - 1}]\n" for n in range(1, 60))
SUMS = "+".join(["sum(a)"] * 30)
LONG = "+".join(["(1)*index"] * 28)
MANY_LAYERS = "the network has too many layers; that is the limit of 10,000"
MANY_PARTS = "the network has too many parts; that is the limit of 50,000"

TEXT = {
    "one long line": ("x" * 1_000_000 + ": [", "this is not valid YAML"),
    "one long word": ("x" * 1_000_000, "the file holds a single value"),
    "a million digits": ("a: " + "1" * 1_000_000, "is too large; numbers have at most 18 digits"),
    "a million brackets": ("[" * 1_000_000, "nested deeper than 64 levels"),
    "brackets as keys": ("{" * 1_000_000, "nested deeper than 64 levels"),
    "dashes": ("- " * 500_000, "nested deeper than 64 levels"),
    "question marks": ("? " * 500_000, "nested deeper than 64 levels"),
    "a billion laughs": (
        "a0: &a0 [lol]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 20)),
        "anchor '&a0'; a spec has no anchors",
    ),
    "merges": ("a: &a {b: 1}\n" + "".join(f"c{n}: {{<<: *a}}\n" for n in range(9)), "merge key '<<'"),
    "a size of a million digits": (f"{TOP}\n- maxpool: {'1x' * 400_000}1", "kernel is '1x1x1x1x"),
    "a field of a million signs": (
        f"{TOP}\n- maxpool: {{kernel{'=' * 400_000}}}",
        "unknown field 'kernel===",
    ),
    "a list for a number": (f"{TOP}\n- maxpool: [{ONES}]", "this list has more than 100,000 entries"),
}

SIZES = {
    "a billion repetitions": (f"{TOP}\n- relu: {{}}\n  repeat: 1000000000", "repeat is 1000000000; it must be"),
    "a billion filters": (f"{TOP}\n- conv: {{filters: 1000000000, kernel: 8}}\n- flatten\n- fc: 1000000000", "no memory holds them"),
    "a huge input": ("input: [1000000, 1000000, 1000000, 1000000]\nlayers: [flatten]", "no memory holds it"),
    "zeros around zeros": (f"{TOP}\n- zero_pad: 1000000000\n  repeat: 10000", "no memory holds it"),
    "larger and larger": (f"{TOP}\n- upsample: 1000000000\n  repeat: 10000", "no memory holds it"),
    "channels doubled": (f"{TOP}\n- concat: [[], []]\n  repeat: 10000", "no memory holds it"),
    "filters doubled": (f"{TOP}\n- conv: {{filters: 2 ** index, kernel: 1}}\n  repeat: 100", "no memory holds them"),
}  # fmt: skip

REPETITIONS = {
    "repetitions of repetitions": (f"{TOP}\n" + "- relu: {}\n  repeat: 10000\n" * 5_000, MANY_LAYERS),
    "named repetitions": (f"{TOP}\n" + "".join(f"- relu: {{}}\n  name: a{n}\n  repeat: 10000\n" for n in range(2_000)), MANY_LAYERS),
    "a layer a line": (f"{TOP}\n" + "- relu\n" * 20_000, MANY_LAYERS),
    "repetitions in repetitions": (f"{TOP}\n- sequence:\n  - relu: {{}}\n    repeat: 10000\n  repeat: 10000", MANY_LAYERS),
    "nothing in repetitions": (f"{TOP}\n- sequence:\n  - relu: {{}}\n    repeat: 0\n  repeat: 10000\n" + "- sequence: []\n  repeat: 10000\n" * 9, MANY_PARTS),
    "dropped in repetitions": (f"{TOP}\n" + "- relu: {}\n  repeat: 10000\n  when: index < 0\n" * 9, MANY_PARTS),
    "branches without layers": (f"{TOP}\n- multiply: [{'[], ' * 9_999}[]]\n  repeat: 10000", MANY_PARTS),
    "blocks that call two blocks": (_twice("relu"), MANY_LAYERS),
    "blocks that drop all": (_twice("{relu: {}, when: false}"), MANY_PARTS),
    "a long chain of blocks": (_chain(200), "this is nested deeper than 64 levels"),
    "a longer chain of blocks": (_chain(20_000), "blocks has 20,000 entries; it must have at most 256"),
    "a long cycle of blocks": (
        _blocks("".join(f"  b{n}: {{layers: [b{(n + 1) % 250}]}}\n" for n in range(250)), "b0"),
        "block b0 contains itself: b0 → b1 → b2",
    ),
    "compositions in compositions": (_nested(40, "{residual: [", "]}"), "nested deeper than 64 levels"),
    "compositions in blocks": (
        _blocks("  b0: {layers: [relu]}\n" + "".join(f"  b{n}: {{layers: [residual: [residual: [b{n - 1}]]]}}\n" for n in range(1, 40)), "b39"),
        "nested deeper than 64 levels",
    ),
}  # fmt: skip

EXPRESSIONS = {
    "a tower of powers": (_variables("  a: 9**9**9\n"), "`9 ** 9 ** 9` is too large"),
    "a tower of fractions": (_variables("  a: 9.5 ** 9.5 ** 9.5\n"), "is too large"),
    "a power of a power": (_variables("  a: 999999999\n  b: a ** 72\n"), "is too large"),
    "numbers that double": (
        _variables("  v0: 1\n" + "".join(f"  v{n}: v{n - 1} + v{n - 1}\n" for n in range(1, 200))),
        "`v59 + v59` is too large; numbers have at most 18 digits",
    ),
    "parentheses": (_variables(f"  a: {'(' * 100_000}1{')' * 100_000}\n"), "longer than 300 characters"),
    "a sum of a million": (_variables(f"  a: {'1+' * 400_000}1\n"), "longer than 300 characters"),
    "a long sum": (_variables(f"  a: {'1+' * 140}1\n"), "nested deeper than 32 levels"),
    "signs": (_variables(f"  a: {'-' * 290}1\n"), "nested deeper than 32 levels"),
    "lists that double": (_variables(LISTS), "v8 is too large a list"),
    "arguments that double": (
        _blocks(
            "  b0: {args: {a: null}, layers: [{conv: {filters: a, kernel: 1}}]}\n"
            + "".join(f"  b{n}: {{args: {{a: null}}, layers: [b{n - 1}: {{a: [a, a]}}]}}\n" for n in range(1, 60)),
            "{b59: {a: 1}}",
        ),
        "is too large a list",
    ),
    "a sum over a huge list": (
        _variables(f"  a: [{ONES}]\n", "{conv: {filters: sum(a), kernel: 1}, repeat: 10000}"),
        "this list has more than 100,000 entries",
    ),
    "sums over lists again and again": (
        _variables(f"  a: [{', '.join(['1'] * 1_000)}]\n", f"{{relu: {{}}, repeat: 10000, when: {SUMS} < index}}"),
        "the network has too many expressions to evaluate",
    ),
    "long expressions again and again": (
        f"{TOP}\n" + f"- relu: {{}}\n  repeat: 10000\n  when: {LONG} < 0\n" * 5,
        "the network has too many expressions to evaluate",
    ),
}  # fmt: skip

NAMES = {
    "variables": (_variables("".join(f"  v{n}: 1\n" for n in range(60_000))), "vars has 60,000 entries"),
    "variants": (
        "input: [1, 8, 8]\nvariants:\n" + "".join(f"  v{n}: {{}}\n" for n in range(60_000)) + "layers: [relu]",
        "variants has 60,000 entries; it must have at most 256",
    ),
    "arguments": (
        _blocks(f"  b: {{args: {{{', '.join(f'a{n}: null' for n in range(50_000))}}}, layers: [relu]}}\n", "b"),
        "args has 50,000 entries; it must have at most 256",
    ),
    "arguments that are missing": (
        _blocks(f"  b: {{args: {{{', '.join(f'a{n}: null' for n in range(250))}}}, layers: [relu]}}\n", "b"),
        "b needs 'a0' and 'a1'",
    ),
}  # fmt: skip

BOMBS = TEXT | SIZES | REPETITIONS | EXPRESSIONS | NAMES
