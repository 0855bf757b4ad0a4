/** What can be done with a message: answer, react, edit, delete, pin, and ask what happened to it. */

import { openMenu } from './dialog.js';
import { h, icon } from './dom.js';
import { openJourney } from './journey.js';
import { copyText } from './toast.js';

const QUICK = ['👍', '❤', '🔥', '🎉', '😁', '😢'];

export function openMessageMenu(anchor, message, pane) {
  const mine = message.sender.id === pane.person;
  const items = [
    { label: 'Reply', lead: icon('reply'), run: () => pane.replyTo(message), testid: 'menu-reply' },
    message.state && {
      label: 'What happened to it?',
      lead: icon('clock'),
      run: () => openJourney(message),
      testid: 'menu-journey',
    },
    message.text && { label: 'Copy text', lead: icon('copy'), run: () => copyText(message.text) },
    mine && { label: 'Edit', lead: icon('edit'), run: () => pane.edit(message), testid: 'menu-edit' },
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
      run: () => pane.act('delete', { message: message.id }),
      testid: 'menu-delete',
    },
  ];
  const footer = h(
    'div',
    { class: 'quick-reactions' },
    QUICK.map((emoji) => {
      const click = () => {
        document.querySelector('.menu')?.remove();
        pane.react(message, emoji);
      };
      return h(
        'button',
        { type: 'button', class: 'quick-reaction', 'aria-label': `React with ${emoji}`, on: { click } },
        emoji,
      );
    }),
  );
  openMenu(anchor, items, { label: 'Message', footer });
}
