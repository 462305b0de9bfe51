import socket


def test_others_need_a_token(refused, tmp_path):
    refused("serve", "--host", "0.0.0.0", "--sessions", tmp_path / "s", says="--token")


def test_a_root_must_be_a_folder(refused, tmp_path):
    refused("serve", "--root", tmp_path / "none", "--sessions", tmp_path / "s", says="no folder")


def test_a_taken_port_is_told(refused, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused("serve", "--port", port, "--sessions", tmp_path / "s", says="choose another")
