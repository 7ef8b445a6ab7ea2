// node CLIENT.mjs URL NAME...: one line of JSON on standard output for each event.
export function follow(start) {
  const [url, ...names] = process.argv.slice(2);
  start(url, names, (event, data, id) => {
    process.stdout.write(`${JSON.stringify({ event, data: JSON.parse(data), id })}\n`);
  });
}
