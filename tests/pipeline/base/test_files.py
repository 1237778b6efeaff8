"""Folders that appear whole or not at all."""

from pathlib import Path

from pipeline.base.files import replacing_folder


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    """But not what others are at: this folder's writers that live, and those of other folders and files."""
    left = tmp_path / ".text.abc.tmp"
    (left / "new").mkdir(parents=True)
    (left / "new" / "train.rows").write_text("half")
    others = {tmp_path / ".text-2.abc.tmp", tmp_path / ".text.file.tmp"}
    (tmp_path / ".text-2.abc.tmp").mkdir()
    (tmp_path / ".text.file.tmp").write_text("a file")
    with replacing_folder(tmp_path / "text") as first:
        assert not left.exists()
        (first / "train.rows").write_text("first")
        with replacing_folder(tmp_path / "text") as second:
            (second / "train.rows").write_text("second")
        assert (tmp_path / "text" / "train.rows").read_text() == "second"
    assert (tmp_path / "text" / "train.rows").read_text() == "first"
    assert set(tmp_path.iterdir()) == {tmp_path / "text", *others}
