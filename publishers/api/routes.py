"""The routes of the publish API, in the order of the reference."""

from starlette.routing import Route

from publishers.api.media import Pictures
from publishers.api.publishing import Publishing
from publishers.api.stories import Stories
from publishers.api.updates import Updates


def routes(publishing: Publishing, pictures: Pictures) -> list[Route]:
    """Every route of the API."""
    stories, updates = Stories(publishing), Updates(publishing)
    story = "/api/stories/{slug}"
    update = f"{story}/updates/{{id}}"
    return [
        Route("/api/stories", stories.open, methods=["POST"]),
        Route("/api/stories", stories.list, methods=["GET"]),
        Route(story, stories.show, methods=["GET"]),
        Route(story, stories.change, methods=["PATCH"]),
        Route(f"{story}/withdraw", stories.withdraw, methods=["POST"]),
        Route(f"{story}/updates", updates.publish, methods=["POST"]),
        Route(f"{story}/updates", updates.list, methods=["GET"]),
        Route(update, updates.show, methods=["GET"]),
        Route(update, updates.change, methods=["PATCH"]),
        Route(f"{update}/versions", updates.versions, methods=["GET"]),
        Route(f"{update}/withdraw", updates.withdraw, methods=["POST"]),
        Route("/api/media", pictures.upload, methods=["POST"]),
        Route("/media/{id}/{width}", pictures.show, methods=["GET"]),
    ]
