"""The demo district 示范区 (fictional, code 350299): writes real feed files and an independent truth."""
