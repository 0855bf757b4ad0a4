/** Stars: an invoice is read and paid, and a bot’s subscriptions are seen, canceled and renewed. */

import { act, loadCheckout, loadInvoice, loadStars } from './api.js';
import { openDialog } from './dialog.js';
import { h, replace } from './dom.js';
import { subscribe } from './store.js';
import { attempt } from './toast.js';
import { dateWords, starWords } from './words.js';

const REFILL = 1000;

/** Shows what the link sells; Pay asks the bot, which has ten seconds to agree. */
export async function openInvoice(pane, link) {
  const offer = await attempt(() => loadInvoice(pane.person, link));
  if (!offer) return;
  const outcome = h('p', { testid: 'pay-outcome', role: 'status' });
  const actions = h('div', { class: 'actions' });
  let stop = () => {};
  const price = `${starWords(offer.amount)}${offer.is_subscription ? ' a month' : ''}`;
  openDialog({
    title: offer.title,
    testid: 'invoice',
    onClose: () => stop(),
    body: (close) => {
      const pay = button('Pay', 'pay', 'button primary', async () => {
        replace(actions);
        outcome.textContent = `Waiting for ${offer.bot.name}…`;
        stop = await payFor(pane, offer, (words) => {
          outcome.textContent = words;
          replace(actions, button('Close', 'pay-close', 'button', close));
        });
      });
      replace(actions, pay, button('Cancel', 'pay-cancel', 'button', close));
      return [
        h('p', {}, offer.description),
        h('p', { testid: 'pay-price' }, `Pay ${price} to ${offer.bot.name}.`),
        h('p', { class: 'quiet' }, `You have ${starWords(offer.balance)}.`),
        outcome,
        actions,
      ];
    },
  });
}

/** `done(words)` once the outcome is known; the result stops waiting for it. */
async function payFor(pane, offer, done) {
  const heard = new Map();
  let id = null;
  const settle = async () => {
    const checkout = heard.get(id);
    if (!checkout || checkout.outcome === 'waiting') return;
    stop();
    if (checkout.outcome !== 'paid') return done(checkout.error);
    const { balance } = await loadStars(pane.person, offer.bot.id);
    done(`Paid. You have ${starWords(balance)} left.`);
  };
  const hear = (checkout) => heard.set(checkout.id, checkout);
  const stop = subscribe(async ({ checkouts, all }) => {
    checkouts.forEach(hear);
    if (all && id) hear(await loadCheckout(id));
    await attempt(settle);
  });
  const checkout = await attempt(() => act('pay', pane.person, { link: offer.link }));
  if (!checkout) {
    done('Nothing was paid.');
    return stop;
  }
  id = checkout.id;
  if (!heard.has(id)) hear(checkout);
  await attempt(settle);
  return stop;
}

/** The person’s balance, and what of this bot’s they are subscribed to. */
export function openStars(pane, bot) {
  const body = h('div', { class: 'members' });
  const draw = async () => {
    const seen = await attempt(() => loadStars(pane.person, bot));
    if (seen) replace(body, ...starsBody(seen, run));
  };
  const run = (deed, given) =>
    attempt(async () => {
      await act(deed, pane.person, { bot, ...given });
      await draw();
    });
  openDialog({ title: 'Stars', testid: 'stars', body: [body] });
  return draw();
}

function starsBody({ balance, subscriptions }, run) {
  return [
    h('p', { testid: 'star-balance' }, `You have ${starWords(balance)}.`),
    h(
      'div',
      { class: 'actions' },
      button(`Get ${starWords(REFILL)} more`, 'more-stars', 'button small', () =>
        run('give_stars', { amount: REFILL }),
      ),
    ),
    h('h3', {}, 'Subscriptions to this bot'),
    subscriptions.length
      ? h(
          'ul',
          { class: 'bots' },
          subscriptions.map((one) => subscriptionRow(one, run)),
        )
      : h('p', { class: 'quiet' }, 'You have none.'),
  ];
}

function subscriptionRow(one, run) {
  const deed = one.renews ? 'cancel_subscription' : 'renew_subscription';
  const press = () => run(deed, { charge_id: one.charge_id });
  return h(
    'li',
    { class: 'bot-row', testid: 'subscription' },
    h(
      'div',
      { class: 'bot-words' },
      h('strong', { dir: 'auto' }, one.title),
      h('small', {}, `${starWords(one.amount)} a month`),
      h('small', { testid: 'subscription-until' }, untilWords(one)),
    ),
    one.renews
      ? button('Cancel', 'cancel-subscription', 'button small danger', press)
      : !one.is_barred && button('Renew', 'renew-subscription', 'button small', press),
  );
}

function untilWords({ renews, is_barred, expires_at }) {
  if (renews) return `Renews on ${dateWords(expires_at)}`;
  return `${is_barred ? 'The bot canceled it, it ends' : 'Ends'} on ${dateWords(expires_at)}`;
}

const button = (label, testid, kind, click) =>
  h('button', { type: 'button', class: kind, testid, on: { click } }, label);
