"""Words for people: whole sentences, whatever they are made of."""

import pytest
from mintworks_operator.core import texts


@pytest.mark.parametrize(
    ("why", "shown"),
    [
        ("'x' is not a Solana address", "failed: 'x' is not a Solana address. This"),
        ("It ended.", "failed: It ended. This"),
        ("really?", "failed: really? This"),
        ("cut sho…", "failed: cut sho… This"),
        ("two:\n- a\n", "failed: two:\n- a. This"),
        ("", "failed. This"),
    ],
)
def test_what_follows_a_cause_begins_a_sentence(why: str, shown: str) -> None:
    assert f"MetadataJob meta {shown} job starts" in texts.dependency_failed(
        "metadataFrom.job", "MetadataJob", "meta", why
    )
