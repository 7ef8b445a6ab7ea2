"""`python -m livewire` is the `livewire` command."""

from livewire.cli import main

main(prog_name="livewire")
