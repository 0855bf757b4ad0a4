/** Coloured circles with initials, and the coloured squares in topics' titles. */

import { h } from './dom.js';

const TONES = 8;
const SPREAD = 40503;
const SQUARES = { '🟪': 'purple', '🟨': 'yellow', '⬛': 'black', '🟩': 'green', '🟥': 'red', '🟦': 'blue' };
const LEADING_SQUARE = /^(🟪|🟨|⬛|🟩|🟥|🟦)\uFE0F?\s*/u;

function initials(name) {
  const words = name.replace(LEADING_SQUARE, '').trim().split(/\s+/);
  const letters = words.slice(0, 2).map((word) => [...word][0] ?? '');
  return letters.join('').toUpperCase() || '?';
}

/** One of a few colours, always the same for the same account. */
export const toneOf = (id) => Math.floor(((Math.abs(Number(id)) * SPREAD) % 2 ** 32) / 2 ** 29) % TONES;

/** `shape` is `round` for people, `square` for groups and bots; colours follow from the id. */
export function avatar(id, name, shape = 'round', size = '') {
  const tone = toneOf(id);
  return h('span', { class: `avatar tone-${tone} ${shape} ${size}`, 'aria-hidden': 'true' }, initials(name));
}

export const accountAvatar = (account, size) =>
  avatar(account.id, account.name || '?', account.is_bot ? 'square' : 'round', size);

/** A topic's icon in its own colour. */
export function topicIcon(topic, size = '') {
  const tone = `#${topic.icon_color.toString(16).padStart(6, '0')}`;
  const sign = topic.is_general ? '#' : initials(topic.name).slice(0, 1);
  return h('span', { class: `topic-icon ${size}`, tone, 'aria-hidden': 'true' }, sign);
}

/** A title whose square is drawn, so that it looks the same without an emoji font; its text is unchanged. */
export function titleWithSquare(title) {
  const match = LEADING_SQUARE.exec(title);
  if (!match) return [title];
  return [h('span', { class: `status-square ${SQUARES[match[1]]}` }, match[1]), ` ${title.slice(match[0].length)}`];
}
