"""What an evaluation, or findings beside a truth, say of each case: figures to sort by, lists that are saved and opened again."""
