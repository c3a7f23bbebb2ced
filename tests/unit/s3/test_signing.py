"""Signatures are those of AWS's documentation of Signature Version 4 for S3, example by example."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from mintworks_runners.s3.signing import EMPTY, Credentials, encoded_path, encoded_query, signed

ACCOUNT = Credentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
NOW = datetime(2013, 5, 24, tzinfo=UTC)
HOST = "examplebucket.s3.amazonaws.com"
CONTENT = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"
PUT = {"Date": "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY"}

# https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
EXAMPLES: list[tuple[str, str, dict[str, str], dict[str, str], str, str]] = [
    (
        "GET",
        "test.txt",
        {},
        {"Range": "bytes=0-9"},
        EMPTY,
        "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
    ),
    ("PUT", "test$file.text", {}, PUT, CONTENT, "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"),
    ("GET", "", {"lifecycle": ""}, {}, EMPTY, "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
    (
        "GET",
        "",
        {"prefix": "J", "max-keys": "2"},
        {},
        EMPTY,
        "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
    ),
]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: f"{e[0]}-{e[1]}")
def test_the_documented_examples(example: tuple[str, str, dict[str, str], dict[str, str], str, str]) -> None:
    method, key, query, headers, sha256, signature = example
    made = signed(
        method,
        HOST,
        encoded_path(key),
        encoded_query(query),
        headers,
        sha256=sha256,
        credentials=ACCOUNT,
        region="us-east-1",
        now=NOW,
    )
    assert made["authorization"].endswith(f"Signature={signature}")
    assert "Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request" in made["authorization"]


def test_a_temporary_account_sends_its_token_and_signs_it() -> None:
    account = Credentials("id", "key", "token")
    made = signed("GET", "h", "/k", "", {}, sha256=EMPTY, credentials=account, region="r", now=NOW)
    assert made["x-amz-security-token"] == "token"
    assert "x-amz-security-token" in made["authorization"]


def test_paths_are_encoded_once_and_slashes_kept() -> None:
    assert encoded_path("a b/ü+%$~.car") == "/a%20b/%C3%BC%2B%25%24~.car"
    assert encoded_query({"b": "1/2", "a": ""}) == "a=&b=1%2F2"
