/** What can go wrong, to be tried on purpose: limits, slow or lost answers, dead tokens, deleted topics. */

import { act, addFault, advanceClock, changeSettings, clearFaults, loadFaults, loadSettings } from './api.js';
import { h, iconButton, replace } from './dom.js';
import { subscribe, world } from './store.js';
import { attempt, toast } from './toast.js';

const LOOK_MS = 1500;
const MONTH_DAYS = 30;
const LATENCIES = [
  [0, 'none'],
  [80, '80 ms'],
  [400, '0.4 s'],
  [2000, '2 s'],
];

const ONCE = [
  {
    label: 'Refuse the next copied message for 10 s',
    hint: 'Telegram answers 429, “retry after 10”.',
    fault: {
      kind: 'error',
      method: 'copyMessage',
      code: 429,
      description: 'Too Many Requests: retry after 10',
      parameters: { retry_after: 10 },
    },
  },
  {
    label: 'Fail the next copied message',
    hint: 'Telegram answers 500, an error of its own.',
    fault: { kind: 'error', method: 'copyMessage', code: 500, description: 'Internal Server Error' },
  },
  {
    label: 'Lose the next answer',
    hint: 'The message is copied, but the program never hears that it was.',
    fault: { kind: 'drop_answer', method: 'copyMessage' },
  },
  { label: 'Cut the next connection', hint: 'Nothing is done, and nobody answers.', fault: { kind: 'cut' } },
];

export class Trouble {
  constructor(panes) {
    this.panes = panes;
    this.node = h('aside', { class: 'drawer', testid: 'trouble', hidden: true, 'aria-label': 'Make trouble' });
    this.state = h('div', { class: 'fault-list' });
    this.tokens = h('div', { class: 'actions' });
    subscribe((changes) => !this.node.hidden && (changes.accounts || changes.all) && this.drawTokens());
    this.node.addEventListener('keydown', (event) => event.key === 'Escape' && this.toggle());
  }

  async toggle(anchor) {
    this.anchor = anchor ?? this.anchor;
    this.node.hidden = !this.node.hidden;
    this.anchor?.setAttribute('aria-expanded', String(!this.node.hidden));
    clearInterval(this.timer);
    if (this.node.hidden) {
      this.anchor?.focus();
      return;
    }
    const settings = await attempt(loadSettings);
    if (!settings) return;
    this.draw(settings);
    this.look();
    this.timer = setInterval(() => this.look(), LOOK_MS);
  }

  draw(settings) {
    replace(
      this.node,
      h(
        'header',
        { class: 'dialog-head' },
        h('h2', {}, 'Make trouble'),
        iconButton('close', 'Close', () => this.toggle(), { testid: 'trouble-close' }),
      ),
      h(
        'div',
        { class: 'dialog-body' },
        h(
          'p',
          { class: 'quiet' },
          'Everything here happens to Telegram as the bots’ programs see it. A good program loses nothing, and says why a message waits.',
        ),
        h('h3', {}, 'Telegram’s limits'),
        toggleRow(
          'Limit how fast bots may send',
          '20 messages a minute to a group, about one a second to a person.',
          settings.flood_control,
          'flood-control',
          (on) => changeSettings({ flood_control: on }),
        ),
        h('h3', {}, 'How slow Telegram is'),
        this.latencies(settings.latency_ms),
        h('h3', {}, 'Once'),
        h(
          'div',
          { class: 'actions column' },
          ONCE.map((one) => this.once(one)),
        ),
        h('h3', {}, 'Until you end it'),
        h('div', { class: 'actions column' }, this.outage()),
        this.state,
        h('h3', {}, 'Time'),
        h('div', { class: 'actions column' }, this.month()),
        h('h3', {}, 'The open topic'),
        h(
          'div',
          { class: 'actions column' },
          bigAction(
            'Delete the topic that is open on the right',
            'Telegram tells no bot about it.',
            () => this.deleteTopic(),
            'trouble-delete-topic',
          ),
        ),
        h('h3', {}, 'Revoke a bot’s token'),
        h('p', { class: 'quiet' }, 'As with @BotFather: the old token is dead at once.'),
        this.tokens,
      ),
    );
    this.drawTokens();
    this.node.querySelector('button')?.focus();
  }

  latencies(now) {
    const options = LATENCIES.map(([ms, label]) => {
      const input = h('input', {
        type: 'radio',
        name: 'latency',
        checked: ms === now,
        on: { change: () => attempt(() => changeSettings({ latency_ms: ms })) },
      });
      return h('label', { class: 'segment' }, input, h('span', {}, label));
    });
    return h('div', { class: 'segments', role: 'radiogroup', 'aria-label': 'Latency' }, options);
  }

  once({ label, hint, fault }) {
    const run = async () => {
      await attempt(() => addFault(fault));
      this.look();
    };
    return bigAction(label, hint, run, `fault-${fault.kind}-${fault.code ?? 0}`);
  }

  outage() {
    const start = async () => {
      await attempt(() =>
        addFault({ kind: 'error', method: '*', times: null, code: 502, description: 'Bad Gateway', html: true }),
      );
      this.look();
    };
    return [
      bigAction('Stop Telegram for all bots', 'Every call answers 502 until you resume.', start, 'stop-telegram'),
      bigAction(
        'Resume: no more trouble',
        'Whatever was ordered above is taken back.',
        async () => {
          await attempt(clearFaults);
          this.look();
        },
        'resume',
      ),
    ];
  }

  month() {
    const pass = async () => {
      if (await attempt(() => advanceClock({ days: MONTH_DAYS }))) toast('A month has gone by.');
    };
    return bigAction(
      'Let a month go by',
      'Telegram’s clock goes 30 days ahead: subscriptions renew or end, and updates that nobody fetched are lost.',
      pass,
      'month',
    );
  }

  async look() {
    const faults = await loadFaults().catch(() => []);
    if (!faults.length)
      return replace(this.state, h('p', { class: 'quiet', testid: 'faults' }, 'No trouble is ordered.'));
    const words = faults.map(
      (fault) =>
        `${fault.kind === 'error' ? `answer ${fault.code}` : fault.kind.replace('_', ' ')} to ${fault.method === '*' ? 'any call' : fault.method}${fault.times === null ? `, until you resume (${fault.happened} so far)` : ''}`,
    );
    return replace(
      this.state,
      h(
        'ul',
        { class: 'ordered', testid: 'faults' },
        words.map((text) => h('li', {}, text)),
      ),
    );
  }

  drawTokens() {
    const bots = [...world.bots.values()].filter((bot) => !bot.is_deleted);
    replace(
      this.tokens,
      ...bots.map((bot) =>
        h(
          'button',
          { type: 'button', class: 'button small danger', testid: 'revoke', on: { click: () => this.revoke(bot) } },
          `@${bot.username}`,
        ),
      ),
    );
  }

  revoke(bot) {
    return attempt(async () => {
      await act('revoke_token', undefined, { bot: bot.id });
      toast(`The token of @${bot.username} is dead. Its owner finds the new one at BotFather.`);
    });
  }

  deleteTopic() {
    const pane = this.panes.find((one) => one.topic && !one.topic.is_general);
    if (!pane) return toast('Open a topic other than General first.', 'error');
    return pane.act('delete_topic', { topic: pane.topicId });
  }
}

function toggleRow(label, hint, on, testid, change) {
  const input = h('input', { type: 'checkbox', role: 'switch', checked: on, testid });
  input.addEventListener('change', async () => {
    if ((await attempt(() => change(input.checked))) === undefined) input.checked = !input.checked;
  });
  return h(
    'label',
    { class: 'switch-row' },
    h('span', { class: 'menu-words' }, h('span', {}, label), h('small', {}, hint)),
    input,
  );
}

const bigAction = (label, hint, click, testid) =>
  h(
    'button',
    { type: 'button', class: 'big-action', testid, on: { click } },
    h('span', {}, label),
    h('small', {}, hint),
  );
