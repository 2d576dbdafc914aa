"""What axe-core finds on a page."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]},
    "resultTypes": ["violations"],  # of what passes one element is told: naming all takes half of the time
}


def violations(page: Page) -> list[str]:
    """The violations of WCAG level A and AA, each with the elements that it is about."""
    found = Axe().run(page, options=RULES).response["violations"]
    return [f"{each['id']}: {', '.join(str(node['target']) for node in each['nodes'])}" for each in found]
