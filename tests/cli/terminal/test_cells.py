from pytilt.cli.terminal.cells import cells, filled, first_cells


def test_letters_of_two_cells_count_twice():
    assert (cells("ab"), cells("日本")) == (2, 4)
    assert (filled("ab", 4), filled("日", 4)) == ("ab  ", "日  ")
    assert (first_cells("abcd", 2), first_cells("日本語", 4)) == ("ab", "日本")
