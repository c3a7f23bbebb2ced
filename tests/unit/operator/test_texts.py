"""Words for people: whole sentences, whatever they are made of."""

import ast
import re
from pathlib import Path

import pytest
from mintworks_operator import troubles
from mintworks_operator.core import texts

SOURCE = Path(troubles.__file__).parent


@pytest.mark.parametrize(
    ("why", "shown"),
    [
        ("'x' is not a Solana address", "failed: 'x' is not a Solana address."),
        ("It ended.", "failed: It ended."),
        ("really?", "failed: really?"),
        ("cut sho…", "failed: cut sho…"),
        ("two:\n- a\n", "failed: two:\n- a."),
        ("", "failed."),
    ],
)
def test_what_follows_a_cause_begins_a_sentence(why: str, shown: str) -> None:
    message = texts.dependency_failed("metadataFrom.job", "MetadataJob", "meta", why)
    assert message == f"spec.metadataFrom.job: MetadataJob meta {shown} {texts.REASONS['DependencyFailed'].todo}"


def test_what_is_long_is_cut_so_that_the_advice_is_not() -> None:
    said = texts.attempts_exhausted(3, 3, "x" * 2000)
    assert len(said) == 1024
    assert said.endswith(f"x… That was attempt 3 of 3. {texts.REASONS['AttemptsExhausted'].todo}")
    assert texts.start_timeout("") == texts.START_TIMEOUT_STOPPING


def test_advice_is_one_sentence() -> None:
    for reason, said in texts.REASONS.items():
        assert re.fullmatch(r"[A-Z].*[^.]\.", said.todo), reason
        assert ". " not in said.todo, reason
        assert not said.what.endswith("."), reason


def names_of_texts() -> set[str]:
    """Names that the operator's modules take from core/texts.py."""
    found: set[str] = set()
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "texts":
                found.add(node.attr)
    return found


def test_every_reason_that_the_operator_tells_has_advice() -> None:
    """And every reason of the tables can be told."""
    used = names_of_texts()
    constants = {v for n, v in vars(texts).items() if n in used and isinstance(v, str) and re.fullmatch("[A-Z]\\w+", v)}
    types = {texts.ADMITTED, texts.PROGRESSING, texts.FAILED, texts.READY, texts.HEALTHY, texts.REDIS_CONNECTED}
    troubles_ = {reason for *_, reason in (*troubles.TEXTS, *troubles.NAMED)}
    troubles_ |= {*troubles.WAITING.values(), *troubles.EVENT_REASONS.values(), *troubles.OTHERS}
    assert troubles_ == set(texts.STARTS)
    assert constants - types | troubles_ == set(texts.REASONS)
