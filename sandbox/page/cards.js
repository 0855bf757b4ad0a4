/** Kinds of messages that have no file and no words of their own: a card says what they are. */

import { h } from './dom.js';
import { mediaWords } from './words.js';

const MADE = {
  poll: (details) => list(details.question ?? 'Poll', details.options.map(wordsOf), pollNote(details)),
  checklist: (details) => list(details.title, details.tasks.map((task) => `☐ ${task.text}`)),
  rich_message: (details) => details.blocks.map(block),
  invoice: (details) => lines(details.title, price(details)),
  game: (details) => lines(details.title, details.description),
  story: (details) => lines(details.chat?.title ?? details.chat?.first_name, 'A story'),
  giveaway: (details) => lines(details.chats?.map((chat) => chat.title).join(', '), `${details.winner_count} to win`),
  giveaway_winners: (details) => lines(details.chat?.title, `${details.winner_count} won`),
  paid_media: (details) => lines(`${details.star_count} stars`),
  venue: (details) => lines(details.title, details.address),
  contact: (details) => lines([details.first_name, details.last_name].filter(Boolean).join(' '), details.phone_number),
  location: (details) => lines(`${details.latitude}, ${details.longitude}`),
};

const wordsOf = (option) => (typeof option === 'string' ? option : option.text);

export function card(message) {
  const details = message.details ?? {};
  const inside = MADE[message.kind]?.(details) ?? [];
  const heading = ['poll', 'checklist', 'rich_message'].includes(message.kind) ? null : h('strong', {}, mediaWords(message));
  return h('div', { class: `card ${message.kind}`, testid: 'card' }, heading, inside);
}

const lines = (first, second) => [first && h('span', { dir: 'auto' }, first), second && h('small', { dir: 'auto' }, second)];

function list(title, items, note) {
  const shown = items.map((item) => h('li', { dir: 'auto' }, item));
  return [h('strong', { dir: 'auto' }, title), note && h('small', {}, note), h('ul', {}, shown)];
}

function pollNote(details) {
  return [details.type === 'quiz' && 'Quiz', details.is_closed && 'closed'].filter(Boolean).join(', ') || null;
}

const block = ({ type, text }) =>
  typeof text === 'string' && h(type === 'heading' ? 'strong' : 'p', { dir: 'auto' }, text);

const price = ({ total_amount: amount, currency }) =>
  currency === 'XTR' ? `${amount} stars` : `${((amount ?? 0) / 100).toFixed(2)} ${currency}`;
