"""Pictures: checked by content, encoded anew, kept in a few widths.

Nothing an editor uploads is ever served: what readers get was written by us from the
pixels, so it carries no position, no serial number and nothing a browser could run.
"""
