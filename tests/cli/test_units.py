"""The command that prints a number in another unit."""

from frenkel.cli.main import main


def test_a_number_in_another_unit(capsys):
    assert main(["convert", "5", "nm", "m"]) == 0
    assert capsys.readouterr().out == "5e-09 m\n"


def test_another_dimension_is_refused(capsys):
    assert main(["convert", "5", "nm", "V"]) == 1
    assert capsys.readouterr().err.startswith("frenkel: ")
