"""The server of the editor: photos are opened once, shown in tiles, filled by jobs, undone and downloaded."""
