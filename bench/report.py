"""The table as a person reads it, and the same as JSON."""

from .arithmetic import quote

MET, MISSED, NOTHING = "✓", "✗", "–"


def target_key(row):
    """Targets name a row by its measure, and by its base where one measure makes two rows."""
    return f"{row.key} ÷ {row.base}" if row.base else row.key


def targets_of(row, targets):
    return {target.way: target for target in targets if target.measure == target_key(row)}


def base_of(row, ways):
    return row.base or ways[0][0]


def cell(samples, way, row, ways, target):
    """What stands in one cell: the number, and whether it reaches the target."""
    found = quote(samples, way, row, base_of(row, ways))
    if found is None:
        return NOTHING
    text = f"{found.value:.{row.digits}f}"
    if target is None:
        return text
    return f"{text} {MET if target.is_met(found.value) else MISSED}"


def head_of(title):
    """A column's head in two lines: the last word has the second one."""
    first, _, last = title.replace(",", "").rpartition(" ")
    return first, last


def _short(title):
    """The part of a way's title that tells it from its siblings."""
    return title.rpartition(", ")[2]


def target_text(row, ways, targets):
    """"≥ 0.95 inspected, ≥ 0.55 proxied http"."""
    titles = dict(ways)
    limits = {}
    for way, target in targets_of(row, targets).items():
        if way in titles:
            limits.setdefault(str(target), []).append(_short(titles[way]))
    if len(limits) == 1 and len(next(iter(limits.values()))) == 1:
        return next(iter(limits))
    return ", ".join(f"{limit} {' '.join(names)}" for limit, names in limits.items())


def _columns(rows):
    return [max(len(row[index]) for row in rows) for index in range(len(rows[0]))]


def render(lines):
    """Lines of cells as aligned text: the first column to the left, the others to the right, the last as it is."""
    widths = _columns(lines)
    rendered = []
    for line in lines:
        middle = [text.rjust(width) for text, width in zip(line[1:-1], widths[1:-1])]
        rendered.append("  ".join([line[0].ljust(widths[0]), *middle, line[-1]]).rstrip())
    return "\n".join(rendered)


def table(samples, rows, ways, targets):
    """`ways` is a list of (key, title); only rows that were measured are shown."""
    first, second = zip(*(head_of(title) for _, title in ways))
    lines = [["", *first, ""], ["", *second, "target"]]
    for row in rows:
        if not any(samples.has(way, row.key) for way, _ in ways):
            continue
        reached = targets_of(row, targets)
        lines.append([row.title, *(cell(samples, way, row, ways, reached.get(way)) for way, _ in ways),
                      target_text(row, ways, targets)])
    return render(lines)


def quotes(samples, rows, ways, targets):
    """The same as plain data."""
    found = []
    for row in rows:
        reached = targets_of(row, targets)
        entry = {"measure": row.key, "title": row.title, "quote": row.quote, "base": base_of(row, ways),
                 "less_is_better": row.less_is_better, "ways": {}}
        for way, _ in ways:
            result = quote(samples, way, row, base_of(row, ways))
            if result is None:
                continue
            entry["ways"][way] = {"median": result.value, "lowest": result.lowest, "highest": result.highest,
                                  "rounds": result.rounds}
            if way in reached:
                entry["ways"][way].update(target=str(reached[way]), met=reached[way].is_met(result.value))
        if entry["ways"]:
            found.append(entry)
    return found
