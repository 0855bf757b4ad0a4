/** What one does with @BotFather in Telegram: make a bot, see its token, revoke it. */

import { act } from './api.js';
import { accountAvatar } from './avatar.js';
import { form, openDialog } from './dialog.js';
import { h, iconButton, replace } from './dom.js';
import { privateKey, subscribe, world } from './store.js';
import { attempt, copyText } from './toast.js';

export function openBotFather(pane) {
  const list = h('ul', { class: 'bots' });
  const draw = () => {
    const bots = [...world.bots.values()].filter((bot) => bot.owner === pane.person && !bot.is_deleted);
    replace(
      list,
      ...(bots.length
        ? bots.map((bot) => botRow(pane, bot))
        : [h('li', { class: 'quiet' }, 'You have no bots yet.')]),
    );
  };
  const stop = subscribe((changes) => (changes.accounts || changes.all) && draw());
  const { dialog } = openDialog({
    title: 'BotFather',
    testid: 'botfather-dialog',
    onClose: stop,
    body: (close) => [
      h(
        'p',
        {},
        'In Telegram, bots are made by writing to @BotFather. Here it is one step: a name, a username, and you get the token that a program needs to drive the bot.',
      ),
      h('h3', {}, `Bots of ${world.users.get(pane.person).name}`),
      list,
      h('h3', {}, 'New bot'),
      form({
        label: 'Create bot',
        testid: 'new-bot-form',
        focus: false,
        fields: [
          { name: 'name', label: 'Name', placeholder: 'Corner Bakery' },
          { name: 'username', label: 'Username', placeholder: 'corner_bakery_bot', hint: 'Ends in “bot”.' },
        ],
        submit: (values) =>
          attempt(async () => {
            const bot = await act('add_bot', pane.person, values);
            world.bots.set(bot.id, bot);
            draw();
            list.lastElementChild.scrollIntoView({ block: 'nearest' });
            list.lastElementChild.querySelector('[data-testid="copy-token"]')?.focus();
          }),
      }),
      setupBotHint(pane, close),
    ],
  });
  draw();
  return dialog;
}

function botRow(pane, bot) {
  return h(
    'li',
    { class: 'bot-row', testid: 'own-bot' },
    accountAvatar(bot),
    h(
      'div',
      { class: 'bot-words' },
      h('strong', { dir: 'auto' }, bot.name),
      h('small', {}, `@${bot.username}`),
      h(
        'div',
        { class: 'token' },
        h('code', { testid: 'token' }, bot.token),
        iconButton('copy', 'Copy the token', () => copyText(bot.token, 'Token copied'), {
          class: 'small',
          testid: 'copy-token',
        }),
      ),
    ),
    h(
      'button',
      {
        type: 'button',
        class: 'button small',
        title: 'The old token stops working at once',
        on: { click: () => attempt(() => act('revoke_token', pane.person, { bot: bot.id })) },
      },
      'Revoke',
    ),
  );
}

function setupBotHint(pane, close) {
  const setup = world.bots.get([...world.bots.values()].find((bot) => bot.username === 'backline_setup_bot')?.id);
  if (!setup) return null;
  const go = () => {
    close();
    pane.open(privateKey(setup.id, pane.person));
  };
  return h(
    'p',
    { class: 'quiet' },
    'Then give the token to ',
    h('button', { type: 'button', class: 'inline-link', on: { click: go } }, `@${setup.username}`),
    ', which connects the bot to your team’s group.',
  );
}
