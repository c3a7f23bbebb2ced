from __future__ import annotations

import base64
import datetime
import ssl
import stat
from pathlib import Path

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from cryptography.x509.verification import PolicyBuilder, Store
from mintworks_dev.cluster import kubeconfig, pki

NOW = datetime.datetime(2026, 11, 22, 12, 0, tzinfo=datetime.UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    authority = pki.Authority(tmp_path, NOW)
    leaves = pki.control_plane_leaves("10.245.0.1", "10.97.0.1") | pki.node_leaves("node", "10.245.0.1")
    for name, leaf in leaves.items():
        authority.issue(name, leaf)
    pki.write_token_keys(tmp_path)
    return tmp_path


def certificate(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def subject(path: Path, oid: x509.ObjectIdentifier) -> list[str]:
    return [str(each.value) for each in certificate(path).subject.get_attributes_for_oid(oid)]


@pytest.mark.parametrize("name", ["kubernetes.default.svc", "localhost"])
def test_a_strict_verifier_accepts_the_api_server(folder: Path, name: str) -> None:
    store = Store([certificate(folder / "ca.crt")])
    verifier = PolicyBuilder().store(store).time(NOW).build_server_verifier(x509.DNSName(name))
    assert verifier.verify(certificate(folder / "apiserver.crt"), [])


def test_the_api_server_answers_under_its_addresses(folder: Path) -> None:
    names = certificate(folder / "apiserver.crt").extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert {str(each) for each in names.value.get_values_for_type(x509.IPAddress)} == {"10.245.0.1", "10.97.0.1"}


def test_parts_have_the_identities_that_kubernetes_gives_rights_to(folder: Path) -> None:
    assert subject(folder / "kubelet.crt", NameOID.COMMON_NAME) == ["system:node:node"]
    assert subject(folder / "kubelet.crt", NameOID.ORGANIZATION_NAME) == ["system:nodes"]
    assert subject(folder / "admin.crt", NameOID.ORGANIZATION_NAME) == ["system:masters"]
    assert subject(folder / "scheduler.crt", NameOID.COMMON_NAME) == ["system:kube-scheduler"]
    assert subject(folder / "scheduler.crt", NameOID.ORGANIZATION_NAME) == []


def test_a_client_certificate_serves_nobody(folder: Path) -> None:
    usage = certificate(folder / "admin.crt").extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    assert list(usage.value) == [ExtendedKeyUsageOID.CLIENT_AUTH]


def test_python_accepts_the_files_in_its_strictest_mode(folder: Path) -> None:
    context = ssl.create_default_context(cafile=str(folder / "ca.crt"))
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    context.load_cert_chain(folder / "admin.crt", folder / "admin.key")


def test_keys_are_their_owners_alone(folder: Path) -> None:
    keys = list(folder.glob("*.key"))
    assert len(keys) > 5
    assert {stat.S_IMODE(key.stat().st_mode) for key in keys} == {0o600}


def test_keys_are_their_owners_alone_even_over_looser_files(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "admin.kubeconfig"
    written = (folder / "admin.key", folder / "sa.key", path)
    for file in written:
        file.touch()
        file.chmod(0o644)
    authority = pki.Authority(folder, NOW)
    authority.issue("admin", pki.control_plane_leaves("10.245.0.1")["admin"])
    pki.write_token_keys(folder)
    kubeconfig.write(path, "https://10.245.0.1:6443", folder, "admin")
    assert {stat.S_IMODE(file.stat().st_mode) for file in written} == {0o600}


def test_the_token_keys_are_a_pair(folder: Path) -> None:
    private = serialization.load_pem_private_key((folder / "sa.key").read_bytes(), None)
    public = serialization.load_pem_public_key((folder / "sa.pub").read_bytes())
    assert private.public_key() == public


def test_a_kubeconfig_stands_on_its_own(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "config" / "admin.kubeconfig"
    kubeconfig.write(path, "https://10.245.0.1:6443", folder, "admin")
    config = yaml.safe_load(path.read_text())
    user = config["users"][0]["user"]
    assert base64.b64decode(user["client-certificate-data"]) == (folder / "admin.crt").read_bytes()
    assert base64.b64decode(user["client-key-data"]) == (folder / "admin.key").read_bytes()
    assert config["clusters"][0]["cluster"]["server"] == "https://10.245.0.1:6443"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
