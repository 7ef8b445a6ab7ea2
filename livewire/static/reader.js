/** Makes the reader's pages live. Without it they are whole, and stand still. */

import { FrontPage } from "./front-page.js";
import { StoryPage } from "./story-page.js";

const main = /** @type {HTMLElement|null} */ (document.querySelector("main[data-page]"));
if (main?.dataset.page === "front") new FrontPage(main).start();
else if (main) new StoryPage(main).start();
