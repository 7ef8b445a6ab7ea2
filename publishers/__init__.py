"""Who may write, and how writing changes a story."""
