"""The publish API: JSON in and out, over the desk."""
