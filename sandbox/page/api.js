/** What the page asks of the sandbox, and the sentence when it is refused. */

export class NotAllowed extends Error {}

async function ask(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new NotAllowed('The sandbox does not answer. Is it still running?');
  }
  const body = await response.json();
  if (!response.ok) throw new NotAllowed(body.error ?? `The sandbox answered ${response.status}.`);
  return body;
}

function get(path, query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== null && value !== undefined);
  const text = new URLSearchParams(given).toString();
  return ask(text ? `${path}?${text}` : path);
}

function post(path, body) {
  return ask(path, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
}

/** A person does something: `act('send', anna.id, {chat, text})`. */
export const act = (deed, person, given = {}) => post('/sandbox/act', { do: deed, as: person, ...given });

export const loadHistory = (chat, topic, before) => get('/sandbox/page/history', { chat, topic, before });
export const loadJourney = (chat, message) => get('/sandbox/page/journey', { chat, message });
export const loadFaults = () => get('/sandbox/page/faults');
export const loadInvoice = (person, link) => get('/sandbox/invoice', { as: person, link });
export const loadCheckout = (id) => get(`/sandbox/checkout/${encodeURIComponent(id)}`);
export const loadStars = (person, bot) => get('/sandbox/stars', { as: person, bot });
export const advanceClock = (length) => post('/sandbox/clock/advance', length);
export const loadSettings = () => get('/sandbox/settings');
export const changeSettings = (changes) => post('/sandbox/settings', changes);
export const addFault = (fault) => post('/sandbox/faults', fault);
export const clearFaults = () => ask('/sandbox/faults', { method: 'DELETE' });
export const fileUrl = (file) => `/sandbox/file/${encodeURIComponent(file.id)}`;
