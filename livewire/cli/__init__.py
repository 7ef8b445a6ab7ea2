"""The `livewire` command."""

import click

from livewire.cli.demo import demo
from livewire.cli.follow import tail
from livewire.cli.init import init
from livewire.cli.operate import doctor, token
from livewire.cli.publish import publish
from livewire.cli.serve import serve


@click.group()
@click.version_option(package_name="livewire")
def main() -> None:
    """The live desk of a newsroom."""


for command in (serve, demo, init, publish, tail, token, doctor):
    main.add_command(command)
