// `@microsoft/fetch-event-source`, which stops for good at a clean end of the stream.
import { follow } from "./told.mjs";

// It was written for a page, and looks for one.
globalThis.window = globalThis;
globalThis.document = { hidden: false, addEventListener() {}, removeEventListener() {} };
const { fetchEventSource } = await import("@microsoft/fetch-event-source");

follow((url, names, tell) =>
  fetchEventSource(url, {
    openWhenHidden: true,
    fetch,
    async onopen() {},
    onmessage(event) {
      if (names.includes(event.event)) tell(event.event, event.data, event.id);
    },
  }).then(() => tell("stopped", "null", "")),
);
