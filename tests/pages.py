"""Pages of HTML, read: as text, and by the colours that a browser gives them."""

import html.parser
import re

VOID = {"meta", "link", "img", "br", "hr", "input"}


class Reader(html.parser.HTMLParser):
    """Elements, ids, links and texts of a page; unbalanced tags are errors."""

    def __init__(self, page):
        super().__init__()
        self.open, self.tags, self.ids, self.links = [], [], [], []
        self.attributes, self.words = [], []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.tags.append(tag)
        self.attributes.append((tag, attrs))
        if "id" in attrs:
            self.ids.append(attrs["id"])
        self.links += [attrs[k] for k in ("href", "src", "xlink:href") if k in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        if tag in VOID:
            self.handle_starttag(tag, attrs)
        else:
            self.handle_starttag(tag, attrs)
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())

    def headings(self):
        return [int(tag[1]) for tag in self.tags if re.fullmatch("h[1-6]", tag)]


# JavaScript: texts of a page whose contrast is below 4.5, with what they stand in.
CONTRAST = """(() => {
    const rgb = c => c.match(/[\\d.]+/g).map(Number);
    const light = c => { const [r, g, b] = c.slice(0, 3).map(v => { v /= 255;
        return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4 });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b };
    const under = (c, below) => { const a = c.length > 3 ? c[3] : 1;
        return below.map((v, i) => a * c[i] + (1 - a) * v) };
    const behind = e => { const layers = [];
        for (; e; e = e.parentElement)
            layers.push(rgb(getComputedStyle(e).backgroundColor));
        return layers.reverse().reduce((below, c) => under(c, below), [255, 255, 255]) };
    const found = [];
    for (const e of document.querySelectorAll('body *')) {
        if (e.closest('svg') || ![...e.childNodes].some(n => n.nodeType == 3
            && n.data.trim())) continue;
        const a = light(rgb(getComputedStyle(e).color)), b = light(behind(e));
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        if (ratio < 4.5) found.push([ratio, e.outerHTML.slice(0, 80)]);
    }
    return found })()"""
