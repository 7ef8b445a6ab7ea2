"""The newsroom: where editors sign in, write and correct."""
