// The npm package `eventsource-parser` over fetch, resuming by hand.
import { createParser } from "eventsource-parser";
import { follow } from "./told.mjs";

follow(async (url, names, tell) => {
  let last = "";
  let wait = 100;
  for (;;) {
    const parser = createParser({
      onEvent: (event) => {
        last = event.id ?? last;
        if (names.includes(event.event)) tell(event.event, event.data, last);
      },
      onRetry: (milliseconds) => {
        wait = milliseconds;
      },
    });
    try {
      const headers = last ? { "Last-Event-ID": last } : {};
      const answer = await fetch(url, { headers });
      const text = new TextDecoder();
      for await (const chunk of answer.body) {
        parser.feed(text.decode(chunk, { stream: true }));
      }
    } catch {
      // Truncated, or nobody there: come back.
    }
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
});
