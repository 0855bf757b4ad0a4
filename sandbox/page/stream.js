/** The live stream: everything once, then what changes; lost, it comes back with everything anew. */

import { change, restart } from './store.js';

const RETRY_MS = 1000;

/** `onState(true)` when the stream is there, `onState(false)` when it is lost. */
export function follow(onState) {
  const source = new EventSource('/sandbox/page/stream');
  source.addEventListener('snapshot', (event) => {
    restart(JSON.parse(event.data));
    onState(true);
  });
  source.addEventListener('changes', (event) => change(JSON.parse(event.data)));
  source.addEventListener('error', () => {
    onState(false);
    source.close();
    setTimeout(follow, RETRY_MS, onState);
  });
}
