"""What the tests measure inside the page, as JavaScript that Playwright evaluates there."""

CONTRAST = """
const channels = colour => {
  const canvas = new OffscreenCanvas(1, 1).getContext('2d', {willReadFrequently: true});
  canvas.fillStyle = colour;
  canvas.fillRect(0, 0, 1, 1);
  return [...canvas.getImageData(0, 0, 1, 1).data];
};
const luminance = ([r, g, b]) => {
  const linear = [r, g, b].map(c => c / 255).map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
};
const contrast = (one, other) => {
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
};
"""
"""WCAG 2.2's relative luminance and contrast ratio."""

COLOURS = f"""() => {{
  {CONTRAST}
  const page = getComputedStyle(document.body);
  const paper = channels(page.backgroundColor);
  const texts = [...document.querySelectorAll('svg text')].map(text => {{
    const style = getComputedStyle(text);
    let opacity = Number(style.fillOpacity);
    for (let part = text; part.tagName !== 'svg'; part = part.parentElement) {{
      opacity *= Number(getComputedStyle(part).opacity);
    }}
    const ink = channels(style.fill).map((c, i) => opacity * c + (1 - opacity) * paper[i]);
    return {{text: text.textContent, colour: style.fill, contrast: contrast(ink, paper)}};
  }});
  const marks = new Set([...document.querySelectorAll('svg use')].map(mark => getComputedStyle(mark).fill));
  return {{
    paper: luminance(paper), ink: luminance(channels(page.color)), texts: texts,
    marks: [...marks].filter(fill => fill !== 'none'),
  }};
}}"""
"""Luminance of the page's background and ink, every text of the pictures with its contrast, and the marks' colours."""

LOST_TEXT = """() => {
  const lost = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode;
    if (!node.data.trim() || node.parentElement.closest('svg, style, .skip')) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const text of range.getClientRects()) {
      let [left, right] = [0, document.documentElement.clientWidth];
      for (let box = node.parentElement; box !== document.body; box = box.parentElement) {
        const overflow = getComputedStyle(box).overflowX;
        if (overflow === 'visible') continue;
        const edges = box.getBoundingClientRect();
        [left, right] = [edges.left, edges.right];
        if (overflow === 'auto' || overflow === 'scroll') {
          [left, right] = [edges.left - box.scrollLeft, edges.left - box.scrollLeft + box.scrollWidth];
        }
        break;
      }
      if (text.left < left - 1 || text.right > right + 1) lost.push(node.data.trim().slice(0, 80));
    }
  }
  return [...new Set(lost)];
}"""
"""Text that lies neither within the window nor within a box that can be scrolled to it."""

CUT_LABELS = """() => {
  const cut = [];
  for (const picture of document.querySelectorAll('svg')) {
    const frame = picture.getBoundingClientRect();
    for (const text of picture.querySelectorAll('text')) {
      const box = text.getBoundingClientRect();
      const across = Math.max(frame.left - box.left, box.right - frame.right);
      const over = Math.max(across, frame.top - box.top, box.bottom - frame.bottom);
      if (over > 1) cut.push(`${over.toFixed(1)} px: ${text.textContent}`);
    }
  }
  return cut;
}"""
"""Text of pictures that reaches over their edge, where it is cut off."""

SCROLLERS = """() => [...document.querySelectorAll('body *')].filter(box =>
  ['auto', 'scroll'].includes(getComputedStyle(box).overflowX) && box.scrollWidth > box.clientWidth
).map(box => ({
  name: box.getAttribute('aria-label') || '', role: box.getAttribute('role') || '', tabindex: box.tabIndex,
  html: box.outerHTML.slice(0, 100),
}))"""
"""Boxes that scroll sideways."""

HIDDEN = """() => [...document.querySelectorAll('details > :not(summary), details > :not(summary) *')].filter(part =>
  !part.checkVisibility({contentVisibilityAuto: true, visibilityProperty: true, opacityProperty: true})
).map(part => part.outerHTML.slice(0, 100))"""
"""What of the folded parts is not shown."""

STICKY = """() => [...document.querySelectorAll('table')].map(table => {
  const box = table.closest('[tabindex]');
  box.scrollLeft = box.scrollWidth;
  const [first, frame] = [table.querySelector('tbody th').getBoundingClientRect(), box.getBoundingClientRect()];
  return {caption: table.caption.textContent, offset: first.left - frame.left, room: frame.right - first.right};
})"""
"""After scrolling every table to its right end: how far its first column is from the left, and the room beside it."""
