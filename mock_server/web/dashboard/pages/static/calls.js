// Buttons that are calls of the lab API: shown as curl before and after, made on a click.

const PLATES = "ABCDEFGHJKLMNPQRSTUVWXYZ";
let cars = 0;
let shown = "";

export function attend(body) {
  body.addEventListener("submit", (event) => {
    if (!event.target.matches("form[data-calls]") || !event.submitter) return;
    event.preventDefault();
    make(callOf(event.submitter), event.submitter.dataset.then);
  });
  for (const kind of ["focusin", "pointerover"]) {
    body.addEventListener(kind, (event) => {
      const button = event.target.closest("button[data-method]");
      if (button) show(curl(callOf(button)));
    });
  }
  document.getElementById("copy")?.addEventListener("click", () => {
    navigator.clipboard.writeText(shown).then(
      () => tell("Copied", "good"),
      () => tell("The browser does not let a page copy: select the text", "bad"),
    );
  });
}

function callOf(button) {
  const { method, path, body, repeat } = button.dataset;
  const fields = new FormData(button.form);
  const one = (place) => fill(JSON.parse(body), fields, place);
  if (!body) return { method, path };
  const many = repeat ? Array.from({ length: Number(fields.get(repeat)) || 1 }, (_, place) => one(place)) : null;
  return { method, path, body: many ?? one(0) };
}

// "$name" stands for a field of the form, "$now" for the project's time, "$plate" for some plate.
function fill(template, fields, place) {
  const values = Object.entries(template).map(([name, value]) => [name, valueOf(value, fields, place)]);
  return Object.fromEntries(values);
}

function valueOf(value, fields, place) {
  if (value === "$now") return projectNow();
  if (value === "$plate") return `沪${PLATES[(cars + place) % PLATES.length]}${String(10000 + ((cars + place) * 7919) % 90000)}`;
  if (typeof value !== "string" || !value.startsWith("$")) return value;
  const field = fields.get(value.slice(1));
  return /^\d+$/.test(field) ? Number(field) : field;
}

function projectNow() {
  const { now, virtual } = document.getElementById("now").dataset;
  return virtual === "yes" ? Number(now) : Date.now();
}

function curl({ method, path, body }) {
  const parts = [`curl -X ${method} '${location.origin}${path}'`];
  if (document.querySelector("main[data-token]")) parts.push(`-H "Authorization: Bearer $TOKEN"`);
  if (body !== undefined) parts.push(`-H 'Content-Type: application/json'`, `-d '${JSON.stringify(body).replaceAll("'", `'\\''`)}'`);
  return parts.join(" \\\n  ");
}

function show(text) {
  shown = text;
  document.querySelector("#call code").textContent = text;
  document.getElementById("copy").disabled = false;
}

async function make(call, then) {
  show(curl(call));
  cars += Array.isArray(call.body) ? call.body.length : 0;
  const init = { method: call.method, cache: "no-store" };
  if (call.body !== undefined) Object.assign(init, { body: JSON.stringify(call.body), headers: { "Content-Type": "application/json" } });
  try {
    const answer = await fetch(call.path, init);
    const value = answer.status === 204 ? null : await answer.json();
    tell(answer.ok ? `${answer.status}: done` : `${answer.status}: ${value.error.message}`, answer.ok ? "good" : "bad");
    document.dispatchEvent(new Event("called"));
    if (answer.ok && then === "plates") showPlates(value.records);
    if (answer.ok && then === "fork") showFork(value);
  } catch {
    tell("No answer: is the server there?", "bad");
  }
}

function showPlates(records) {
  const lot = document.querySelector("main").dataset.lot;
  const plates = new Map(records.filter((each) => each.device_id === lot).map((each) => [each.record_id, each.plate_no]));
  for (const plate of document.querySelectorAll(".plate")) {
    const full = plates.get(plate.dataset.record);
    if (!full) continue;
    plate.textContent = full;
    plate.setAttribute("data-keep", "");
  }
}

function showFork({ access_id, line }) {
  const link = document.createElement("a");
  link.href = `/?project=${encodeURIComponent(access_id)}`;
  link.textContent = `Look at the fork ${access_id}, the world behind line ${line}`;
  document.getElementById("forked").replaceChildren(link);
}

function tell(text, state) {
  const answer = document.getElementById("answer");
  answer.textContent = text;
  answer.className = state;
}
