# SPDX-License-Identifier: Apache-2.0
"""Charts as SVG, written by hand: stacked bars, and lines over named places on a logarithmic axis. They follow the reader's light or
dark theme."""
import math
from xml.sax.saxutils import escape

STYLE = """<style>
svg { font: 12px system-ui, sans-serif; background: #ffffff; } text { fill: #1f2328; } .grid { stroke: #d0d7de; }
@media (prefers-color-scheme: dark) { svg { background: #0d1117; } text { fill: #e6edf3; } .grid { stroke: #3d444d; } }
.title { font-size: 14px; font-weight: 600; } .end { text-anchor: end; } .middle { text-anchor: middle; }
</style>"""
# Readable on white and on near black, told apart by the colour-blind.
COLOURS = ["#4c8bf5", "#e8710a", "#12a37f", "#b45fd6", "#d93f5c", "#b59a00", "#5f7d95", "#8f6b4f", "#3aa0c9", "#7c8c1f", "#c06c9a", "#6f7f3a"]
WIDTH, LEFT, RIGHT, TOP = 900, 260, 60, 70
BAR, GAP = 22, 12
LEGEND_STEP, LEGEND_LINE = 110, 18


def text(x, y, words, kind=""):
    return f'<text x="{x:.1f}" y="{y:.1f}"{f" class={chr(34)}{kind}{chr(34)}" if kind else ""}>{escape(str(words))}</text>'


def line(x1, y1, x2, y2, kind="grid"):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>'


def box(x, y, width, height, colour, title=""):
    inner = f"<title>{escape(title)}</title>" if title else ""
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(0.0, width):.1f}" height="{height:.1f}" fill="{colour}">{inner}</rect>'


def document(height, title, parts):
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" width="{WIDTH}" height="{height:.0f}" role="img" '
                      f'aria-label="{escape(title, {chr(34): "&quot;"})}">', STYLE, text(16, 24, title, "title"), *parts, "</svg>"]) + "\n"


def legend(names, colours):
    parts, per_line = [], (WIDTH - 32) // LEGEND_STEP
    for number, name in enumerate(names):
        x, y = 16 + number % per_line * LEGEND_STEP, 38 + number // per_line * LEGEND_LINE
        parts += [box(x, y, 10, 10, colours[name]), text(x + 15, y + 9.5, name)]
    return parts, 38 + (len(names) + per_line - 1) // per_line * LEGEND_LINE


def nice_step(most, steps=6):
    """A step of 1, 2 or 5 times a power of ten, of which about so many reach most."""
    raw = most / steps if most > 0 else 1
    power = 10 ** math.floor(math.log10(raw))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= raw * 0.999)


def bars(title, unit, rows):
    """rows: [(name, {part: value})], drawn from top to bottom, each with its sum behind it."""
    names = list(dict.fromkeys(part for _, parts in rows for part in parts))
    colours = {name: COLOURS[number % len(COLOURS)] for number, name in enumerate(names)}
    most = max([sum(parts.values()) for _, parts in rows], default=0) or 1
    scale = (WIDTH - LEFT - RIGHT) / most
    drawn, top = legend(names, colours)
    top += 14
    bottom = top + len(rows) * (BAR + GAP)
    step = nice_step(most)
    for number in range(int(most / step + 1e-9) + 1):
        x = LEFT + number * step * scale
        drawn += [line(x, top, x, bottom), text(x, bottom + 16, f"{number * step:g}", "middle")]
    drawn.append(text(LEFT, bottom + 34, unit))
    for number, (name, parts) in enumerate(rows):
        x, y = LEFT, top + number * (BAR + GAP) + GAP / 2
        drawn.append(text(LEFT - 8, y + BAR / 2 + 4, name, "end"))
        for part, value in parts.items():
            drawn.append(box(x, y, value * scale, BAR, colours[part], f"{name}, {part}: {value:.2f}"))
            x += value * scale
        drawn.append(text(x + 6, y + BAR / 2 + 4, f"{sum(parts.values()):.2f}"))
    return document(bottom + 46, title, drawn)


def powers(low, high):
    """Powers of ten around positive values, at least one decade."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    return [10.0 ** power for power in range(first, max(last, first + 1) + 1)]


def lines(title, unit, places, series):
    """places: names along the horizontal axis. series: [(name, [value at each place])]; values are above 0."""
    values = [value for _, row in series for value in row]
    if not values:
        return document(TOP, title, [])
    colours = {name: COLOURS[number % len(COLOURS)] for number, (name, _) in enumerate(series)}
    drawn, top = legend(list(colours), colours)
    top, height, left = top + 16, 300, 70
    ticks = powers(max(min(values), 1e-3), max(values))
    low, decades = math.log10(ticks[0]), len(ticks) - 1

    def place(number):
        return left + 30 + number * (WIDTH - left - RIGHT - 60) / max(1, len(places) - 1)

    def level(value):
        return top + height - (math.log10(max(value, 1e-3)) - low) / decades * height
    for tick in ticks:
        drawn += [line(left, level(tick), WIDTH - RIGHT, level(tick)), text(left - 8, level(tick) + 4, f"{tick:g}", "end")]
    drawn += [text(place(number), top + height + 20, name, "middle") for number, name in enumerate(places)]
    for name, row in series:
        points = [(place(number), level(value)) for number, value in enumerate(row)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        drawn.append(f'<polyline points="{path}" fill="none" stroke="{colours[name]}" stroke-width="2"/>')
        for (x, y), at, value in zip(points, places, row):
            title = f"<title>{escape(name)}, {at}: {value:.1f}</title>"
            drawn.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colours[name]}">{title}</circle>')
    return document(top + height + 36, f"{title}, {unit}", drawn)
