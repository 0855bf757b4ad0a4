/** What can be done with a message: answer, quote, react, forward, edit, delete, pin, ask what happened to it. */

import { openMenu } from './dialog.js';
import { h, icon } from './dom.js';
import { openForward } from './forward.js';
import { openJourney } from './journey.js';
import { askMove } from './kinds_menu.js';
import { openQuote } from './quote_form.js';
import { copyText } from './toast.js';

const QUICK = ['👍', '❤', '🔥', '🎉', '😁', '😢'];
const MOST = 12;
const REPLACEABLE = new Set(['photo', 'video', 'animation', 'audio', 'document']);
const WORDED = new Set([...REPLACEABLE, 'text', 'voice', 'live_photo', 'paid_media']);

/** `messages` are those of an album, or the one; its words stand in one of them. */
export function openMessageMenu(anchor, messages, pane) {
  const message = messages.at(-1);
  const worded = messages.find((one) => one.text) ?? messages[0];
  const items = [
    { label: 'Reply', lead: icon('reply'), run: () => pane.replyTo(message), testid: 'menu-reply' },
    worded.text && {
      label: 'Quote a part…',
      lead: icon('quote'),
      run: () => openQuote(pane, worded),
      testid: 'menu-quote',
    },
    { label: 'Forward…', lead: icon('forward'), run: () => openForward(pane, messages), testid: 'menu-forward' },
    message.state && {
      label: 'What happened to it?',
      lead: icon('clock'),
      run: () => openJourney(message),
      testid: 'menu-journey',
    },
    worded.text && { label: 'Copy text', lead: icon('copy'), run: () => copyText(worded.text) },
    ...ownItems(messages, worded, pane),
    pane.chat.kind !== 'private' && {
      label: 'Pin',
      lead: icon('pin'),
      run: () => pane.act('pin', { message: message.id }),
      testid: 'menu-pin',
    },
    {
      label: 'Delete for everyone',
      lead: icon('trash'),
      danger: true,
      run: () => messages.reduce((done, one) => done.then(() => pane.act('delete', { message: one.id })), Promise.resolve()),
      testid: 'menu-delete',
    },
  ];
  openMenu(anchor, items, { label: 'Message', footer: quickReactions(message, pane) });
}

function ownItems(messages, worded, pane) {
  const message = messages.at(-1);
  if (message.sender.id !== pane.person || message.forwarded_from) return [];
  const run = (deed) => () => pane.act(deed, { message: message.id });
  return [
    WORDED.has(worded.kind) && {
      label: worded.kind === 'text' ? 'Edit' : 'Edit the caption',
      lead: icon('edit'),
      run: () => pane.edit(worded),
      testid: 'menu-edit',
    },
    REPLACEABLE.has(message.kind) && {
      label: 'Replace the file…',
      lead: icon('file'),
      run: () => pane.composer.replaceFile(message),
      testid: 'menu-replace',
    },
    message.details?.live_period && {
      label: 'Move…',
      lead: icon('out'),
      run: () => askMove(pane, message),
      testid: 'menu-move',
    },
    message.details?.live_period && {
      label: 'Stop sharing',
      lead: icon('close'),
      run: run('stop_moving'),
      testid: 'menu-stop',
    },
    message.kind === 'poll' &&
      !message.details.is_closed && {
        label: 'Close the poll',
        lead: icon('lock'),
        run: run('close_poll'),
        testid: 'menu-close-poll',
      },
  ];
}

/** The usual ones, or those that the group allows; the own one once more takes it away. */
function quickReactions(message, pane) {
  const allowed = pane.chat.available_reactions ?? QUICK;
  if (!allowed.length) return null;
  const mine = message.reactions_by[pane.person] ?? [];
  return h(
    'div',
    { class: 'quick-reactions' },
    allowed.slice(0, MOST).map((emoji) => {
      const click = () => {
        document.querySelector('.menu')?.remove();
        pane.react(message, mine.includes(emoji) ? null : emoji);
      };
      const about = { type: 'button', class: 'quick-reaction', testid: 'quick-reaction', on: { click } };
      return h('button', { ...about, 'aria-label': `React with ${emoji}`, 'aria-pressed': String(mine.includes(emoji)) }, emoji);
    }),
  );
}
