/** Answering a part of what was said: one marks it in the text. */

import { openDialog } from './dialog.js';
import { h } from './dom.js';
import { toast } from './toast.js';

export function openQuote(pane, message) {
  const text = h('textarea', { readonly: true, rows: '6', testid: 'quote-text', dir: 'auto', 'aria-label': 'Message' });
  text.value = message.text;
  const quote = () => {
    const part = text.value.slice(text.selectionStart, text.selectionEnd);
    if (!part.trim()) {
      toast('Mark the part that you answer first.', 'error');
      return;
    }
    close();
    pane.replyTo(message, part);
  };
  const { close } = openDialog({
    title: 'Quote a part',
    testid: 'quote-dialog',
    body: [
      h('p', { class: 'quiet' }, 'Mark the words that you answer.'),
      text,
      h('button', { type: 'button', class: 'button primary', testid: 'quote-marked', on: { click: quote } }, 'Quote'),
    ],
  });
  text.focus();
}
