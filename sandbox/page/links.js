/** Links as Telegram's apps open them: into a chat, a group of one's choice, an invoice, or into the browser. */

import { act } from './api.js';
import { chooseGroup } from './groups.js';
import { form, openDialog } from './dialog.js';
import { h } from './dom.js';
import { openInvoice } from './stars.js';
import { account, findBot, findChat, findTopic, privateKey } from './store.js';
import { attempt, toast } from './toast.js';

const HOSTS = new Set(['t.me', 'telegram.me', 'telegram.dog']);

/** True if the link was opened here; false leaves it to the browser. */
export function openLink(pane, url) {
  let parts;
  try {
    parts = new URL(url);
  } catch {
    return true;
  }
  if (parts.protocol === 'tg:') {
    openTelegramAddress(pane, parts, url);
    return true;
  }
  if (!HOSTS.has(parts.hostname)) return false;
  const steps = parts.pathname.split('/').filter(Boolean);
  if (steps[0] === 'newbot') confirmNewBot(pane, url, steps, parts.searchParams.get('name') ?? '');
  else if (steps[0]?.startsWith('$')) openInvoice(pane, url);
  else if (steps[0] === 'c') openMessage(pane, steps.slice(1));
  else openUsername(pane, url, steps[0] ?? '', parts.searchParams);
  return true;
}

export function openMention(pane, username) {
  const name = username.toLowerCase();
  if (name === 'botfather') return pane.openBotFather();
  const bot = findBot(name);
  if (bot) return pane.open(privateKey(bot.id, pane.person));
  return toast(`@${username}: the sandbox shows no profiles of people.`);
}

function openTelegramAddress(pane, parts, url) {
  const id = Number(parts.searchParams.get('id'));
  const domain = parts.searchParams.get('domain');
  if (domain) openUsername(pane, url, domain, parts.searchParams);
  else toast(id && account(id) ? `${account(id).name}’s profile would open here.` : 'This would open in Telegram.');
}

function openUsername(pane, url, username, query) {
  if (query.has('startgroup'))
    return chooseGroup(pane, username, query.get('admin'), (chat) => addBot(pane, url, chat));
  const bot = findBot(username);
  if (!bot || !query.has('start')) return openMention(pane, username);
  return attempt(async () => {
    await act('open_link', pane.person, { link: url });
    pane.open(privateKey(bot.id, pane.person));
  });
}

const addBot = (pane, link, chat) =>
  attempt(async () => {
    await act('open_link', pane.person, { link, chat });
    pane.open(String(chat));
    return true;
  });

/** t.me/c/CHANNEL/MESSAGE, or t.me/c/CHANNEL/TOPIC/MESSAGE. */
function openMessage(pane, steps) {
  const numbers = steps.map(Number);
  const key = `-100${numbers[0]}`;
  const chat = findChat(key);
  if (!chat) return toast('This group is not one of yours.');
  const topic = chat.is_forum ? (findTopic(chat, numbers[1])?.id ?? 1) : null;
  return pane.open(key, topic);
}

function confirmNewBot(pane, url, steps, name) {
  openDialog({
    title: 'Create a bot',
    testid: 'newbot',
    body: (close) => [
      h('p', {}, `@${steps[1]} will manage your new bot.`),
      form({
        label: 'Create',
        fields: [
          { name: 'name', label: 'Name', value: name || steps[2] },
          { name: 'username', label: 'Username, ends in “bot”', value: steps[2] },
        ],
        submit: (values) =>
          attempt(async () => {
            const link = `https://t.me/newbot/${steps[1]}/${values.username}?name=${encodeURIComponent(values.name)}`;
            await act('open_link', pane.person, { link });
            close();
          }),
      }),
    ],
  });
}
