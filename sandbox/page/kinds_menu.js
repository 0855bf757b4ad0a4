/** What one can send besides words: files, places, people, polls, and one of each rare kind. */

import { sample } from './attachments.js';
import { form, openDialog, openMenu } from './dialog.js';
import { h, icon } from './dom.js';
import { openPollForm } from './poll_form.js';

const DICE = ['🎲', '🎯', '🎳', '🏀', '⚽', '🎰'];
const SAMPLES = [
  ['voice', 'A voice message', '🎤'],
  ['video_note', 'A round video message', '📹'],
  ['sticker', 'A sticker', '🦊'],
  ['animation', 'A GIF', '🎞'],
  ['video', 'A video', '🎬'],
  ['audio', 'A piece of music', '🎵'],
];
const RARE = [
  ['story', 'A story of a channel'],
  ['rich_message', 'A rich message'],
  ['checklist', 'A checklist'],
  ['game', 'A game'],
  ['invoice', 'An invoice'],
  ['paid_media', 'Paid media'],
  ['giveaway', 'A giveaway'],
];
const BERLIN = { latitude: '52.52', longitude: '13.405' };
const AN_HOUR = 3600;

/** `pane.put(content)` sends it where one writes; `pick(asDocuments)` opens the browser's own choice of files. */
export function openKinds(anchor, pane, pick) {
  const one = (label, glyph, run, testid) => ({ label, lead: emblem(glyph), run, testid });
  openMenu(
    anchor,
    [
      {
        label: 'Photos, videos, music…',
        hint: 'From this computer; several become an album',
        lead: icon('attach'),
        run: () => pick(false),
        testid: 'attach-files',
      },
      { label: 'A file as it is…', lead: icon('file'), run: () => pick(true), testid: 'attach-document' },
      one('Voice, sticker, GIF…', '🎤', () => openSamples(anchor, pane), 'attach-sample'),
      one('Location…', '📍', () => askPlace(pane, 'Location', {}), 'attach-location'),
      one('Live location…', '🛰', () => askPlace(pane, 'Live location', { live_period: AN_HOUR }), 'attach-live'),
      one('Place…', '🏠', () => askVenue(pane), 'attach-venue'),
      one('Contact…', '👤', () => askContact(pane), 'attach-contact'),
      pane.chat.kind === 'private' && one('My phone number', '☎️', () => pane.act('share_contact', {}), 'attach-phone'),
      one('Poll…', '📊', () => openPollForm(pane), 'attach-poll'),
      one('Dice…', '🎲', () => openDice(anchor, pane), 'attach-dice'),
      one('Something rare…', '✨', () => openRare(anchor, pane), 'attach-rare'),
    ],
    { label: 'Attach', testid: 'attach-menu' },
  );
}

const emblem = (glyph) => h('span', { class: 'glyph', 'aria-hidden': 'true' }, glyph);

const openSamples = (anchor, pane) =>
  openMenu(
    anchor,
    [
      { heading: 'Samples, made on this page' },
      ...SAMPLES.map(([kind, label, glyph]) => ({
        label,
        lead: emblem(glyph),
        run: async () => pane.put(await sample(kind)),
        testid: `sample-${kind}`,
      })),
    ],
    { label: 'A sample' },
  );

const openDice = (anchor, pane) =>
  openMenu(
    anchor,
    DICE.map((emoji) => ({ label: emoji, run: () => pane.put({ dice: emoji }), testid: 'dice-option' })),
    { label: 'Dice' },
  );

const openRare = (anchor, pane) =>
  openMenu(
    anchor,
    RARE.map(([kind, label]) => ({ label, run: () => pane.put({ [kind]: {} }), testid: `rare-${kind}` })),
    { label: 'Something rare' },
  );

function ask(title, fields, submit) {
  openDialog({
    title,
    testid: 'ask',
    body: (close) => [
      form({
        label: 'Send',
        fields,
        submit: async (values) => {
          if ((await submit(values)) !== undefined) close();
        },
      }),
    ],
  });
}

const coordinates = [
  { name: 'latitude', label: 'Latitude', value: BERLIN.latitude },
  { name: 'longitude', label: 'Longitude', value: BERLIN.longitude },
];
const place = ({ latitude, longitude }) => ({ latitude: Number(latitude), longitude: Number(longitude) });

const askPlace = (pane, title, more) =>
  ask(title, coordinates, (values) => pane.put({ location: { ...place(values), ...more } }));

/** The new position of a place that is shared live. */
export const askMove = (pane, message) =>
  ask('Move to', coordinates, (values) => pane.act('move', { message: message.id, ...place(values) }));

const askVenue = (pane) =>
  ask(
    'Place',
    [{ name: 'title', label: 'Name' }, { name: 'address', label: 'Address' }, ...coordinates],
    ({ title, address, ...rest }) => pane.put({ venue: { title, address, ...place(rest) } }),
  );

const askContact = (pane) =>
  ask(
    'Contact',
    [
      { name: 'first_name', label: 'First name' },
      { name: 'phone_number', label: 'Phone number', placeholder: '+49 30 123456' },
    ],
    (contact) => pane.put({ contact }),
  );
