// What the page does: it fetches itself again when something has happened, and turns buttons into calls.
import { follow } from "./follow.js";
import { attend } from "./calls.js";

attend(document.body);
if (document.querySelector("main[data-project]")) follow();
for (const select of document.querySelectorAll(".projects select")) select.addEventListener("change", () => select.form.submit());
document.addEventListener("change", (event) => {
  if (event.target.closest(".filter")) event.target.form.requestSubmit();
});
