// The SuperNet: stages from left to right, their blocks from top to bottom, every choice with its candidates; what the chosen SubNet
// takes is filled, and what differs from the original is in another colour.

// picks is a SubNet's text form as a table; what it leaves out has the first candidate.
function picks(subnet) {
  const out = new Map(data.choices.map(c => [c.name, c.values[0]]));
  for (const part of subnet.split(',')) {
    const i = part.indexOf('=');
    if (i > 0) out.set(part.slice(0, i), part.slice(i + 1));
  }
  return out;
}
const choicesOf = prefix => data.choices.filter(c => c.name.startsWith(prefix) && !c.name.slice(prefix.length).includes('.'));
const rowHeight = 19, titleHeight = 20, labelWidth = 62, tall = 520, across = 1180;

// chips draws the rows of some choices and returns how high they are.
function chips(svg, list, x, y) {
  list.forEach((c, k) => {
    const top = y + k * rowHeight;
    draw(svg, 'text', {class: 'muted small', x, y: top + 12}, c.kind);
    c.values.forEach((v, i) => {
      const left = x + labelWidth + i * 31, group = draw(svg, 'g', {'data-choice': c.name, 'data-value': v});
      draw(group, 'title', {}, `${c.name}=${v}`);
      draw(group, 'rect', {class: 'chip', x: left, y: top + 1, width: 29, height: 15, rx: 4});
      draw(group, 'text', {class: 'value', x: left + 14.5, y: top + 12}, v.length > 5 ? v.slice(0, 4) + '…' : v);
    });
  });
  return list.length * rowHeight;
}
const widthOf = lists => Math.max(0, ...lists.flat().map(c => labelWidth + 31 * c.values.length));
// wide is the room for a name in small letters.
const wide = names => Math.max(0, ...names.map(n => 7.2 * n.length + 12));

// blockName is a block in SubNet texts, where those without choices are not counted.
const blockName = (s, i) => `stage${s.index}.${s.elastic ? s.elastic.indexOf(i) : i}`;

// stages lays the stages out: a box each, as columns of blocks.
function layout() {
  const out = [];
  let x = 0, y = 0, lowest = 0;
  const top = choicesOf('');
  const cards = data.stages.map(s => ({...s, name: 'stage ' + s.index, own: choicesOf(`stage${s.index}.`), inner: s.blocks.map((_, i) => choicesOf(blockName(s, i) + '.'))}));
  if (top.length) cards.unshift({name: 'whole net', own: top, blocks: [], inner: []});
  for (const s of cards) {
    const width = 20 + Math.max(wide(s.blocks), widthOf([s.own, ...s.inner]), wide([s.name]), s.width ? 66 : 0), head = 42 + s.own.length * rowHeight;
    const columns = [[]];
    let high = 0, most = 0;
    s.blocks.forEach((name, i) => {
      const h = titleHeight + 10 + s.inner[i].length * rowHeight;
      if (high && high + h > tall) { columns.push([]); high = 0; }
      columns.at(-1).push({name, i, list: s.inner[i], y: high, h});
      high += h + 7;
      most = Math.max(most, high);
    });
    const w = width * columns.length, h = head + most + 8;
    if (x && x + w > across) { x = 0; y = lowest + 16; }
    out.push({...s, x, y, w, h, head, columns, each: width});
    x += w + 12;
    lowest = Math.max(lowest, y + h);
  }
  return {cards: out, height: lowest + 4};
}
function supernet() {
  const s = section('supernet', 'SuperNet', 'Stages and blocks with what each can be. Filled: what the SubNet that is chosen above takes; in another colour where it differs from the original. Dashed: dropped.');
  const {cards, height} = layout();
  const {svg} = figure(s, 'supernet', 'picture of the SuperNet', across + 4, height, true);
  const dropped = []; // blocks with their stage's depth choice
  for (const c of cards) {
    const g = draw(svg, 'g', {transform: `translate(${c.x + 1} ${c.y + 1})`});
    draw(g, 'rect', {class: 'card', width: c.w, height: c.h, rx: 8});
    draw(g, 'text', {class: 'strong', x: 10, y: 19}, c.name);
    if (c.width) draw(g, 'text', {class: 'muted small', x: 10, y: 34}, 'width ' + c.width);
    chips(g, c.own, 10, 40);
    c.columns.forEach((list, k) => {
      for (const b of list) {
        const block = draw(g, 'g', {transform: `translate(${k * c.each + 5} ${c.head + b.y})`, 'data-block': `stage${c.index}.${b.i}`});
        draw(block, 'rect', {class: 'block', width: c.each - 10, height: b.h, rx: 5});
        draw(block, 'text', {class: 'small strong', x: 6, y: 14}, b.name);
        chips(block, b.list, 6, titleHeight);
        dropped.push([block, `stage${c.index}.depth`, b.i]);
      }
    });
  }
  const marks = [...svg.querySelectorAll('[data-choice]')];
  const first = new Map(data.choices.map(c => [c.name, c.values[0]]));
  listeners.push(p => {
    const at = picks(p.subnet);
    for (const m of marks) {
      const {choice, value} = m.dataset, on = at.get(choice) === value;
      for (const e of m.querySelectorAll('.chip, .value')) {
        e.classList.toggle('on', on);
        e.classList.toggle('changed', on && value !== first.get(choice));
      }
    }
    for (const [block, depth, i] of dropped) block.classList.toggle('dropped', at.has(depth) && i >= Number(at.get(depth)));
    svg.setAttribute('aria-label', 'picture of the SuperNet, with SubNet ' + p.subnet);
  });
}
