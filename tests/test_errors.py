"""The tree of errors: drawn where it stands, each with its built-in and exit code."""

from __future__ import annotations

import builtins
import inspect
import re

from asdf_pipeline import errors

CLASSES = {
    name: value
    for name, value in vars(errors).items()
    if inspect.isclass(value) and value.__module__ == errors.__name__
}


def drawn() -> dict[str, tuple[str, str]]:
    """Return the parent and the remark that the module's docstring draws for each."""
    found: dict[str, tuple[str, str]] = {}
    above = [""] * 9
    for line in (errors.__doc__ or "").splitlines():
        match = re.fullmatch(
            r"    ((?:[│├└─ ]{4})*)([A-Z]\w+Error|ASDFWarning)(.*)", line
        )
        if match is None:
            continue
        depth = len(match[1]) // 4
        above[depth] = match[2]
        found[match[2]] = above[depth - 1] if depth else "", match[3].strip()
    return found


def test_the_tree_is_drawn_as_it_is() -> None:
    tree = drawn()
    assert set(tree) == set(CLASSES)
    for name, (parent, remark) in tree.items():
        bases = {base.__name__ for base in CLASSES[name].__bases__}
        if name != "ASDFPipelineError":
            others = re.findall(r"[A-Z]\w+", re.split("[;:]", remark)[0])
            assert bases == {*filter(None, [parent]), *others}, name


def test_every_error_says_its_exit_code() -> None:
    for name, (parent, remark) in drawn().items():
        kind = CLASSES[name]
        if not issubclass(kind, errors.ASDFPipelineError) or "128" in remark:
            continue
        inherited = getattr(CLASSES.get(parent), "exit_code", errors.EXIT_DATA)
        code = re.search(r"exit code (\d)", remark)
        assert kind.exit_code == (int(code[1]) if code else inherited), name


def test_what_a_caller_may_catch_is_a_built_in() -> None:
    for kind in CLASSES.values():
        others = [base for base in kind.__bases__ if base.__name__ not in CLASSES]
        assert all(hasattr(builtins, base.__name__) for base in others)
