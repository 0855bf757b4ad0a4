/** Making a poll: a question, its answers, and for a quiz which of them is right. */

import { openDialog } from './dialog.js';
import { h } from './dom.js';

const field = (label, input, hint) => h('label', { class: 'field' }, h('span', {}, label), input, hint && h('small', {}, hint));

export function openPollForm(pane) {
  const question = h('input', { required: true, maxlength: '300', autofocus: true, testid: 'field-question' });
  const answers = h('textarea', { required: true, rows: '4', testid: 'field-answers' });
  const right = h('input', { type: 'number', min: '1', max: '12', testid: 'field-right' });
  const node = h(
    'form',
    { class: 'form' },
    field('Question', question),
    field('Answers', answers, 'One per line'),
    field('Number of the right answer', right, 'Makes it a quiz. May be left empty.'),
    h('button', { class: 'button primary', type: 'submit', testid: 'form-submit' }, 'Send'),
  );
  const { close } = openDialog({ title: 'Poll', testid: 'poll-dialog', body: [node] });
  node.addEventListener('submit', async (event) => {
    event.preventDefault();
    const options = answers.value.split('\n').filter((line) => line.trim());
    const quiz = right.value ? { type: 'quiz', correct_option_ids: [Number(right.value) - 1] } : {};
    if ((await pane.put({ poll: { question: question.value, options, ...quiz } })) !== undefined) close();
  });
}
