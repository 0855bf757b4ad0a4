/** Short notices at the bottom, and alerts that wait to be closed. */

import { h } from './dom.js';
import { NotAllowed } from './api.js';
import { openDialog } from './dialog.js';

const LIFETIME_MS = 6000;
const MOST = 4;
const shelf = h('div', { class: 'toasts', role: 'status', 'aria-live': 'polite' });

export const mountToasts = (parent) => parent.append(shelf);

export function toast(text, kind = 'plain') {
  const node = h('div', { class: `toast ${kind}`, testid: 'toast' }, text);
  shelf.append(node);
  while (shelf.children.length > MOST) shelf.firstElementChild.remove();
  setTimeout(() => node.remove(), LIFETIME_MS);
}

export const alert = (text, who) =>
  openDialog({ title: who, testid: 'alert', body: [h('p', { class: 'pre' }, text)], done: 'OK' });

/** Do it; what is refused is shown as the sentence that says why. */
export async function attempt(deed) {
  try {
    return await deed();
  } catch (error) {
    if (!(error instanceof NotAllowed)) throw error;
    toast(error.message, 'error');
    return undefined;
  }
}

export async function copyText(text, what = 'Copied') {
  try {
    await navigator.clipboard.writeText(text);
    toast(what);
  } catch {
    toast('This browser does not allow copying. Select the text and copy it.', 'error');
  }
}
