/** Buttons under a message, and what the bot answers when one is pressed. */

import { act } from './api.js';
import { h, icon } from './dom.js';
import { account, subscribe } from './store.js';
import { alert, attempt, copyText, toast } from './toast.js';

const pressed = new Map();
const answers = new Map();
const REMEMBERED = 50;

export function keyboard(message, pane) {
  return h(
    'div',
    { class: 'keyboard', testid: 'keyboard' },
    message.keyboard.map((row, r) =>
      h(
        'div',
        { class: 'keyboard-row' },
        row.map((button, c) => inlineButton(message, button, r, c, pane)),
      ),
    ),
  );
}

function inlineButton(message, button, row, column, pane) {
  const disabled = 'disabled' in button;
  const leads = button.url || button.web_app;
  const about = {
    type: 'button',
    class: 'inline-button',
    testid: 'inline-button',
    disabled,
    title: disabled ? 'A disabled button: shown, not to be pressed' : button.url,
  };
  const node = h('button', about, h('span', { dir: 'auto' }, button.text), leads && icon('out'));
  node.addEventListener('click', () => run(message, button, row, column, pane, node));
  return node;
}

function run(message, button, row, column, pane, node) {
  if (button.url) {
    if (!pane.openLink(button.url)) window.open(button.url, '_blank', 'noopener,noreferrer');
  } else if (button.copy_text) copyText(button.copy_text.text ?? '');
  else if (button.web_app) toast('A web app would open here in Telegram.');
  else press(message, row, column, pane, node);
}

async function press(message, row, column, pane, node) {
  node.classList.add('busy');
  const given = { chat: pane.chatId, message: message.id, row, column };
  const callback = await attempt(() => act('press', pane.person, given));
  if (!callback) {
    node.classList.remove('busy');
    return;
  }
  pressed.set(callback.id, { pane, node, bot: message.sender.id });
  settle(callback.id);
}

function settle(id) {
  const found = pressed.get(id);
  const answer = answers.get(id);
  if (!found || !answer) return;
  pressed.delete(id);
  answers.delete(id);
  found.node.classList.remove('busy');
  if (answer.url) found.pane.openLink(answer.url);
  if (!answer.text) return;
  const name = account(found.bot)?.name ?? 'Bot';
  if (answer.show_alert) alert(answer.text, name);
  else toast(`${name}: ${answer.text}`);
}

subscribe(({ callbacks }) => {
  for (const { id, answer } of callbacks) {
    if (!answer) continue;
    answers.set(id, answer);
    if (answers.size > REMEMBERED) answers.delete(answers.keys().next().value);
    settle(id);
  }
});
