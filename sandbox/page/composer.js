/** Where one writes: text and files; as an answer, as the new text or the new file of an old message. */

import { act } from './api.js';
import { contentOf, deliverFiles, isPicture } from './attachments.js';
import { h, icon, iconButton, replace } from './dom.js';
import { openKinds } from './kinds_menu.js';
import { attempt, toast } from './toast.js';
import { sizeWords, summaryWords } from './words.js';

const TEXT_LIMIT = 4096;
const CAPTION_LIMIT = 1024;
const LARGEST = 40 << 20;
const TALLEST_PX = 160;

export class Composer {
  constructor(pane) {
    this.pane = pane;
    this.drafts = new Map();
    this.files = [];
    this.queue = Promise.resolve();
    this.input = h('textarea', {
      rows: '1',
      placeholder: 'Message',
      'aria-label': 'Message',
      testid: 'composer',
      dir: 'auto',
      autocomplete: 'off',
    });
    this.picker = h('input', {
      type: 'file',
      multiple: true,
      hidden: true,
      testid: 'file-input',
      'aria-label': 'Files to attach',
    });
    this.replacer = h('input', { type: 'file', hidden: true, testid: 'replace-input', 'aria-label': 'The new file' });
    this.bar = h('div', { class: 'composer-bar', hidden: true });
    this.tray = h('div', { class: 'tray', hidden: true });
    this.sendButton = h(
      'button',
      { type: 'button', class: 'send-button', testid: 'send', 'aria-label': 'Send', title: 'Send (Enter)' },
      icon('send'),
    );
    this.node = h(
      'div',
      { class: 'composer' },
      this.bar,
      this.tray,
      h(
        'div',
        { class: 'composer-row' },
        iconButton('attach', 'Send something else than words', (event) => this.openKinds(event.currentTarget), {
          testid: 'attach',
          'aria-haspopup': 'menu',
        }),
        this.picker,
        this.replacer,
        this.input,
        this.sendButton,
      ),
    );
    this.input.addEventListener('keydown', (event) => this.onKey(event));
    this.input.addEventListener('input', () => this.grow());
    this.input.addEventListener('paste', (event) => this.attach(event.clipboardData?.files));
    this.sendButton.addEventListener('click', () => this.send());
    this.picker.addEventListener('change', () => {
      this.attach(this.picker.files);
      this.picker.value = '';
    });
    this.replacer.addEventListener('change', () => this.replace());
  }

  openKinds(anchor) {
    const pick = (asDocuments) => {
      this.asDocuments = asDocuments;
      this.picker.click();
    };
    openKinds(anchor, this.pane, pick);
  }

  /** Another place or another person: what was begun here waits in its draft. */
  open(key) {
    if (key === this.key) return;
    if (this.key)
      this.drafts.set(this.key, {
        text: this.input.value,
        files: this.files,
        reply: this.reply,
        quote: this.quote,
        editing: this.editing,
      });
    this.key = key;
    const draft = this.drafts.get(key) ?? { text: '', files: [] };
    this.input.value = draft.text;
    this.files = draft.files;
    this.reply = draft.reply;
    this.quote = draft.quote;
    this.editing = draft.editing;
    this.draw();
  }

  /** `part` is what of its words is quoted, if not all of it is answered. */
  replyTo(message, part = null) {
    this.reply = message;
    this.quote = part;
    this.stopEditing();
    this.draw();
    this.input.focus();
  }

  /** What is answered, for something that is sent from elsewhere; the answer is begun no more. */
  takeReply() {
    const taken = answerTo(this.reply, this.quote);
    this.reply = null;
    this.quote = null;
    this.draw();
    return taken;
  }

  /** Ask for a file that takes the place of the message's. */
  replaceFile(message) {
    this.replacing = message;
    this.replacer.click();
  }

  async replace() {
    const [file] = this.replacer.files;
    const message = this.replacing;
    this.replacer.value = '';
    if (!file || !message || !this.fitting([file]).length) return;
    const kind = ['document', 'audio'].includes(message.kind) ? message.kind : undefined;
    const content = await contentOf(file, kind);
    await this.pane.act('edit_media', { message: message.id, caption: message.text, ...content });
  }

  edit(message) {
    this.editing = message;
    this.reply = null;
    this.input.value = message.text;
    this.draw();
    this.input.focus();
  }

  stopEditing() {
    if (!this.editing) return;
    this.editing = null;
    this.input.value = '';
  }

  cancel() {
    this.stopEditing();
    this.reply = null;
    this.draw();
    this.input.focus();
  }

  attach(list) {
    const fitting = this.fitting([...(list ?? [])]);
    this.files = [...this.files, ...fitting];
    this.draw();
    if (fitting.length) this.input.focus();
  }

  fitting(files) {
    const small = files.filter((file) => file.size <= LARGEST);
    if (small.length < files.length) toast(`A file may have ${sizeWords(LARGEST)} here.`, 'error');
    return small;
  }

  draw() {
    const subject = this.editing ?? this.reply;
    this.bar.hidden = !subject;
    if (subject) {
      replace(
        this.bar,
        icon(this.editing ? 'edit' : 'reply'),
        h(
          'span',
          { class: 'bar-words' },
          h('strong', { dir: 'auto' }, this.editing ? 'Edit message' : `Reply to ${subject.sender.name}`),
          h('span', { dir: 'auto' }, (this.quote ? `“${this.quote}”` : summaryWords(subject)).slice(0, 120)),
        ),
        iconButton('close', 'Cancel', () => this.cancel(), { testid: 'cancel-reply' }),
      );
    }
    this.tray.hidden = !this.files.length;
    replace(
      this.tray,
      this.files.map((file) => this.chip(file)),
    );
    this.grow();
  }

  chip(file) {
    const drop = () => {
      this.files = this.files.filter((other) => other !== file);
      this.draw();
    };
    return h(
      'span',
      { class: 'tray-chip', testid: 'attachment' },
      isPicture(file) ? thumbnail(file) : icon('file'),
      h('span', { class: 'tray-name', dir: 'auto' }, file.name),
      iconButton('close', `Remove ${file.name}`, drop, { class: 'small' }),
    );
  }

  grow() {
    this.input.style.height = 'auto';
    const { scrollHeight } = this.input;
    if (scrollHeight) this.input.style.height = `${Math.min(scrollHeight + 2, TALLEST_PX)}px`;
    this.sendButton.classList.toggle('ready', Boolean(this.input.value.trim() || this.files.length));
  }

  onKey(event) {
    if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      this.send();
    } else if (event.key === 'Escape' && (this.reply || this.editing)) {
      event.stopPropagation();
      this.cancel();
    }
  }

  /** One after the other, in the order in which they were sent. */
  send() {
    const text = this.input.value;
    const { files, reply, quote, editing, asDocuments } = this;
    if (!text.trim() && !files.length) return;
    const { person } = this.pane;
    const where = this.pane.where();
    this.input.value = '';
    this.files = [];
    this.reply = null;
    this.quote = null;
    this.editing = null;
    this.asDocuments = false;
    this.draw();
    this.input.focus();
    this.pane.conversation.scrollDown();
    this.queue = this.queue.then(() => attempt(() => deliver(person, where, { text, files, reply, quote, editing, asDocuments })));
  }
}

/** The fields of an answer. */
const answerTo = (reply, quote) => (reply ? { reply_to: reply.id, ...(quote ? { quote } : {}) } : {});

async function deliver(person, where, { text, files, reply, quote, editing, asDocuments }) {
  if (editing) return act('edit', person, { chat: where.chat, message: editing.id, text: text.trim() });
  let answer = answerTo(reply, quote);
  let words = text.trim();
  const place = () => {
    const given = { ...where, ...answer };
    answer = {};
    return given;
  };
  const caption = files.length && words.length <= CAPTION_LIMIT ? words : '';
  if (caption) words = '';
  await deliverFiles(person, place, files, caption, asDocuments);
  for (const part of split(words)) await act('send', person, { ...place(), text: part });
  return null;
}

function thumbnail(file) {
  const url = URL.createObjectURL(file);
  const node = h('img', { src: url, alt: '' });
  node.addEventListener('load', () => URL.revokeObjectURL(url));
  return node;
}

/** As Telegram's apps do: at a line's end or a space if there is one near, never inside a character. */
function split(text) {
  const parts = [];
  let rest = text;
  while (rest.length > TEXT_LIMIT) {
    const head = rest.slice(0, TEXT_LIMIT);
    const space = Math.max(head.lastIndexOf('\n'), head.lastIndexOf(' '));
    let at = space > TEXT_LIMIT / 2 ? space : TEXT_LIMIT;
    if (at === TEXT_LIMIT && /[\uD800-\uDBFF]/.test(head.at(-1))) at -= 1;
    parts.push(rest.slice(0, at).trim());
    rest = rest.slice(at).trim();
  }
  if (rest) parts.push(rest);
  return parts;
}
