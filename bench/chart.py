"""The quoted ratios as an SVG: one group of bars a measure, one bar a way, a line where plain forwarding is."""

from xml.sax.saxutils import escape

WIDTH, LEFT, RIGHT = 980, 330, 70
BAR, GAP, GROUP_GAP, HEAD = 13, 2, 16, 74
LONGEST = 3.0  # ratios beyond it are cut, with their number beside the bar
FONT = 'font-family="DejaVu Sans, Verdana, sans-serif"'
OURS = ("#0b6e4f", "#3fa27c", "#8fcfb1")
OTHERS = ("#44546a", "#8497b0", "#c55a11", "#e2a071", "#7f6000", "#bf9000", "#7b3f7b", "#b58ab5", "#a6a6a6")


def colours(ways):
    """A colour for each way: greens for sallyport's, others for the rest."""
    ours, others = iter(OURS * len(ways)), iter(OTHERS * len(ways))
    return {way: next(ours if title.startswith("sallyport") else others) for way, title in ways}


def _text(x, y, text, *, size=12, anchor="start", fill="#222", weight="normal"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" fill="{fill}" '
            f'font-weight="{weight}" {FONT}>{escape(text)}</text>')


def _scale(value):
    return min(value, LONGEST) / LONGEST * (WIDTH - LEFT - RIGHT)


def _bar(y, value, colour, met):
    mark = "" if met is None else (" ✓" if met else " ✗")
    cut = " →" if value > LONGEST else ""
    return (f'<rect x="{LEFT}" y="{y}" width="{max(1.0, _scale(value)):.1f}" height="{BAR}" fill="{colour}"/>'
            + _text(LEFT + _scale(value) + 4, y + BAR - 2, f"{value:.2f}{cut}{mark}", size=11))


def _legend(ways, colour):
    parts, x, y = [], 12, 46
    for way, title in ways:
        if x + 20 + 7 * len(title) > WIDTH:
            x, y = 12, y + 18
        parts.append(f'<rect x="{x}" y="{y - 10}" width="12" height="12" fill="{colour[way]}"/>')
        parts.append(_text(x + 16, y, title, size=12))
        x += 34 + 7 * len(title)
    return parts, y


def draw(title, entries, ways):
    """An SVG document of the entries of report.quotes() that are ratios."""
    colour = colours(ways)
    parts, y = _legend(ways, colour)
    y += 24
    begin = y
    for entry in entries:
        if entry["quote"] != "ratio":
            continue
        shown = [way for way, _ in ways if way in entry["ways"]]
        middle = y + len(shown) * (BAR + GAP) / 2 + 4
        better = "less is better" if entry["less_is_better"] else "more is better"
        parts.append(_text(LEFT - 10, middle - 7, entry["title"], anchor="end"))
        parts.append(_text(LEFT - 10, middle + 8, better, anchor="end", size=10, fill="#777"))
        for way in shown:
            number = entry["ways"][way]
            parts.append(_bar(y, number["median"], colour[way], number.get("met")))
            y += BAR + GAP
        y += GROUP_GAP
    one = LEFT + _scale(1.0)
    line = f'<line x1="{one:.1f}" y1="{begin - 6}" x2="{one:.1f}" y2="{y - GROUP_GAP + 4}" ' \
           'stroke="#222" stroke-width="1" stroke-dasharray="4 3"/>'
    head = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y + 10}" '
            f'viewBox="0 0 {WIDTH} {y + 10}">', f'<rect width="{WIDTH}" height="{y + 10}" fill="white"/>',
            _text(12, 24, title, size=16, weight="bold")]
    return "\n".join([*head, *parts, line, "</svg>"]) + "\n"
