/** Countdowns: elements with `data-until` say how long it still is, and fall silent after it. */

import { durationWords } from './words.js';
import { world } from './store.js';

const TICK_MS = 1000;

export const secondsUntil = (iso) => (Date.parse(iso) - Date.now() - world.skew) / 1000;

export function countdown(node, until) {
  node.dataset.until = until;
  show(node);
  return node;
}

function show(node) {
  const left = secondsUntil(node.dataset.until);
  const words = left > 0 ? durationWords(Math.ceil(left)) : '';
  if (node.textContent !== words) node.textContent = words;
}

export const startTicking = () => setInterval(() => document.querySelectorAll('[data-until]').forEach(show), TICK_MS);
