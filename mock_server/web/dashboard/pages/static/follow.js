// Follows a project: the event stream says that something has happened, the page itself says what.
import { morph } from "./morph.js";

const SHORTEST_PAUSE_MS = 150;
const LONGEST_PAUSE_MS = 1000;
const RETRY_MS = 1000;
const SHARE = 2; // a look is followed by a pause of at least so many times its own length

let wanted = false;
let looking = false;

export function follow() {
  const main = document.querySelector("main");
  listen(main.dataset.base, main.dataset.kinds.split(" "), main.dataset.seq);
  const story = document.getElementById("story");
  if (story) watchStory(Number(story.dataset.number));
  document.addEventListener("called", look); // a clock that moves need not make an event
  document.addEventListener("visibilitychange", () => !document.hidden && look());
}

function listen(base, kinds, after) {
  const source = new EventSource(`${base}/history?after=${after}`);
  for (const kind of kinds) source.addEventListener(kind, look);
  source.addEventListener("open", () => {
    say("Live", "live");
    look();
  });
  source.addEventListener("error", () => {
    say("Connection lost: trying again", "lost");
    if (source.readyState === EventSource.CLOSED) setTimeout(listen, RETRY_MS, base, kinds, after);
  });
}

async function watchStory(number) {
  for (;;) {
    try {
      const answer = await fetch(`/_lab/guide?after=${number}&timeout_ms=20000`, { cache: "no-store" });
      if (!answer.ok) return;
      const { number: newest } = await answer.json();
      if (newest !== number) look();
      number = newest;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      number = 0;
    }
  }
}

// One look at a time, and none that nobody sees. Whatever happens during a look is seen by the next one.
async function look() {
  wanted = true;
  if (looking || document.hidden) return;
  looking = true;
  while (wanted && !document.hidden) {
    wanted = false;
    const start = performance.now();
    await refresh();
    const pause = Math.min(LONGEST_PAUSE_MS, Math.max(SHORTEST_PAUSE_MS, SHARE * (performance.now() - start)));
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
  looking = false;
}

async function refresh() {
  try {
    const answer = await fetch(location.href, { cache: "no-store" });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (page.querySelector("main[data-gone]")) {
      say("This project is gone: waiting for it", "lost");
      return;
    }
    for (const part of ["header.top", "main"]) morph(document.querySelector(part), page.querySelector(part));
    document.title = page.title;
  } catch {
    // the event stream says that the connection is lost, and looks again when it is back
  }
}

function say(text, state) {
  const line = document.getElementById("line");
  line.textContent = text;
  line.className = state;
}
