/** What Telegram still lets each bot send here: a small meter per bot. */

import { h } from './dom.js';
import { account, world } from './store.js';
import { countdown, secondsUntil } from './ticks.js';

const NEARLY = 0.75;

export function budgetMeters(chat) {
  const shown = chat.budgets.filter((budget) => chat.kind !== 'private' || isBlocked(budget));
  if (!shown.length) return null;
  return h(
    'div',
    { class: 'budgets', testid: 'budgets' },
    shown.map((budget) => meter(chat, budget)),
  );
}

/** When the bot may pass on what was said in this chat: to a group from a private chat, and the other way round. */
export function heldUntil(bot, chat) {
  const others = [...world.chats.values()].filter(
    (other) => (other.kind === 'private') !== (chat.kind === 'private'),
  );
  const budgets = others.flatMap((other) => other.budgets).filter((budget) => budget.bot === bot);
  const moments = budgets.map((budget) => until(budget, chat.kind === 'private')).filter(Boolean);
  return moments.sort().at(-1) ?? null;
}

export const budgetVersion = (chat) => JSON.stringify(chat.budgets);

const isAhead = (moment) => Boolean(moment) && secondsUntil(moment) > 0;
const isBlocked = (budget) => isAhead(budget.blocked_until);
const until = (budget, orSpent) => [budget.blocked_until, orSpent && budget.full_until].find(isAhead) ?? null;

function meter(chat, budget) {
  const bot = account(budget.bot);
  const name = bot ? `@${bot.username}` : 'The bot';
  const blocked = isBlocked(budget);
  const share = Math.min(1, budget.used / budget.limit);
  const mood = blocked ? 'blocked' : share >= NEARLY ? 'nearly' : 'calm';
  const per = chat.kind === 'private' ? 'to this person at once' : 'this minute';
  const why = `Telegram lets a bot send ${budget.limit} messages ${chat.kind === 'private' ? 'to a person at once' : 'a minute to a group, all its topics together'}. ${name} has sent ${budget.used}.`;
  const words = blocked
    ? ['must wait ', countdown(h('b', {}), budget.blocked_until)]
    : [
        h('b', {}, `${budget.used} of ${budget.limit}`),
        isAhead(budget.full_until) ? [' · next in ', countdown(h('span', {}), budget.full_until)] : ` ${per}`,
      ];
  const bar = h('span', { class: 'bar', 'aria-hidden': 'true' }, h('span', { class: 'fill' }));
  bar.firstElementChild.style.width = `${share * 100}%`;
  return h(
    'div',
    { class: `budget ${mood}`, testid: 'budget', 'data-bot': budget.bot, title: why },
    h('span', { class: 'budget-bot' }, name),
    h('span', { class: 'budget-words' }, words),
    bar,
  );
}
