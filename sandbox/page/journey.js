/** Where a message is, in a few words under it; and its whole journey, in plain words, when pressed. */

import { loadJourney } from './api.js';
import { heldUntil } from './budget.js';
import { openDialog } from './dialog.js';
import { h, replace } from './dom.js';
import { account, findChat, place, placeKey, subscribe } from './store.js';
import { countdown } from './ticks.js';
import { attempt } from './toast.js';
import { durationWords, exactTimeWords, summaryWords } from './words.js';

const SIGNS = { sent: '✓', waiting: '⏳', fetched: '✓✓', copied: '✓✓', refused: '⚠', unseen: '–' };
const LONG_PAUSE_S = 1.5;

const LIMITED = 'Nothing is lost: the bot’s program may try again when the time has passed.';
const ADVICE = {
  waiting: 'Telegram keeps it, for a day at most, until the bot’s program takes it.',
  fetched: 'The bot’s program has it. What it does with it now is up to that program.',
  unseen: 'Nobody but the members of this group sees it.',
  refused: 'Telegram will not accept it. The program has to tell somebody.',
  sent: 'No program has to do anything with it.',
  copied: 'It has arrived.',
};

/**
 * `quiet` shows the sign alone, where the next message says the same. `held` is until when the bot that
 * has the message may send nothing.
 */
export function stateChip(message, { quiet, held }) {
  const state = held
    ? { kind: 'waiting', text: `waits for Telegram’s limit at @${account(message.state.bot).username}`, until: held }
    : message.state;
  const { kind, text, until } = state;
  const left = until && !quiet ? countdown(h('span', { class: 'left' }), until) : null;
  const about = { type: 'button', class: `state ${kind}`, testid: 'message-state', 'data-state': kind };
  const label = `${text}. Press to see its journey.`;
  const chip = h(
    'button',
    { ...about, 'aria-label': label, title: 'What happened to this message?' },
    h('span', { class: 'sign', 'aria-hidden': 'true' }, SIGNS[kind] ?? '✓'),
    !quiet && h('span', { class: 'state-text', dir: 'auto' }, text),
    left,
  );
  chip.addEventListener('click', () => openJourney(message));
  return chip;
}

export function openJourney(message) {
  const list = h('ol', { class: 'journey', testid: 'journey' });
  const advice = h('p', { class: 'quiet' });
  const chat = findChat(message.chat);
  const here = placeKey(message.chat, chat?.is_forum ? message.topic : null);
  const draw = () =>
    attempt(async () => {
      const { state, steps } = await loadJourney(message.chat, message.id);
      replace(list, ...steps.map((step, index) => stepItem(step, steps[index - 1])));
      replace(advice, adviceOn(state, chat));
    });
  let drawn = place(here).messages.get(message.id);
  const stop = subscribe((changes) => {
    const now = place(here).messages.get(message.id);
    if (!changes.all && (!now || now === drawn)) return;
    drawn = now;
    draw();
  });
  openDialog({
    title: 'What happened to this message',
    testid: 'journey-dialog',
    onClose: stop,
    body: [
      h('blockquote', { class: 'journey-subject', dir: 'auto' }, summaryWords(message).slice(0, 160)),
      list,
      advice,
    ],
  });
  draw();
}

/** What it waits for, or what there is left to do. */
function adviceOn(state, chat) {
  const held = state?.kind === 'fetched' && chat ? heldUntil(state.bot, chat) : null;
  if (held)
    return [
      `@${account(state.bot).username} has sent as much as Telegram allows. It may go on in `,
      countdown(h('b', {}), held),
      '.',
    ];
  return state?.until ? LIMITED : (ADVICE[state?.kind] ?? '');
}

function stepItem(step, before) {
  const pause = before ? (Date.parse(step.at) - Date.parse(before.at)) / 1000 : 0;
  const waited = pause > LONG_PAUSE_S ? h('span', { class: 'pause' }, `after ${durationWords(pause)}`) : null;
  const times = step.times > 1 ? ` (${step.times} times)` : '';
  return h(
    'li',
    { class: `step ${step.kind}`, testid: 'journey-step', 'data-kind': step.kind },
    h('time', { datetime: step.at }, exactTimeWords(step.at)),
    h('span', { dir: 'auto' }, `${step.words}${times}`),
    waited,
  );
}
