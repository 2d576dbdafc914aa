// Reads a JSON list of AsyncAPI documents on standard input; prints what the AsyncAPI project's parser finds in each.
// The argument is the parser's bundle for browsers, which looks for a window.
globalThis.self = globalThis.window = globalThis;
const parser = new (require(process.argv[2]))();

async function checked(content) {
  const { document, diagnostics } = await parser.parse(content);
  return {
    channels: document ? document.channels().all().map((each) => each.id()) : null,
    problems: diagnostics.filter((each) => each.severity <= 1).map((each) => `${each.path.join(".")}: ${each.message}`),
  };
}

(async () => {
  const found = [];
  for (const each of JSON.parse(require("fs").readFileSync(0, "utf8"))) found.push(await checked(each));
  console.log(JSON.stringify(found));
})();
