import socket

import pytest


def test_others_need_a_token(refused, tmp_path):
    refused("serve", "--host", "0.0.0.0", "--sessions", tmp_path / "s", says="--token")


def test_a_root_must_be_a_folder(refused, tmp_path):
    refused("serve", "--root", tmp_path / "none", "--sessions", tmp_path / "s", says="no folder")


def test_a_taken_port_is_told(refused, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused("serve", "--port", port, "--sessions", tmp_path / "s", says="choose another")


@pytest.mark.parametrize(
    "name", ["https://photos.example.org", "photos.example.org:8080", "bücher.example", ""]
)
def test_a_name_is_no_address(refused, tmp_path, name):
    refused("serve", "--name", name, "--sessions", tmp_path / "s", says="is no name of a server")


def test_a_root_of_a_long_name_is_no_folder(refused, tmp_path):
    refused("serve", "--root", "a" * 300, "--sessions", tmp_path / "s", says="no folder")
