// The npm package `eventsource`: what a browser does, outside of one.
import { EventSource } from "eventsource";
import { follow } from "./told.mjs";

follow((url, names, tell) => {
  const source = new EventSource(url);
  for (const name of names) {
    source.addEventListener(name, (event) =>
      tell(event.type, event.data, event.lastEventId),
    );
  }
});
