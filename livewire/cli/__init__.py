"""The `livewire` command."""

import click

from livewire.cli.operate import token
from livewire.cli.serve import serve


@click.group()
@click.version_option(package_name="livewire")
def main() -> None:
    """The live desk of a newsroom."""


main.add_command(serve)
main.add_command(token)
