//! The picture of a choice: each host a row, each player a dot on an axis of milliseconds.
//!
//! Pure. Positions along the axis are percentages of the width and everything else is pixels, so the picture fits a
//! phone without shrinking its type. The home clan's dots are circles above a row's line, the away clan's are
//! diamonds below it: colour is never the only difference. What a value comes from is drawn into its dot (`plot_sign.rs`). The
//! page's table has the same figures.

use super::plot_sign::{Mark, Sign};
use askama::Template;

/// Where the axis begins, percent of the width.
const LEFT: f64 = 2.0;
/// Where it ends if everybody has answered, percent.
const RIGHT: f64 = 97.0;
/// Where it ends if a column for missing answers is needed, percent.
const RIGHT_OF_KNOWN: f64 = 83.0;
/// Centre of that column, percent.
const NO_ANSWER: f64 = 92.5;
/// Dots nearer than this are put on different lanes, percent.
const TOUCHING: f64 = 2.1;
/// Lanes of one clan in one row, at most.
const LANES: usize = 5;
/// Pixels from lane to lane.
const LANE: f64 = 11.0;
/// The narrowest width that labels are kept apart at, pixels.
const NARROW: f64 = 300.0;
/// Width of one letter of a label, pixels, on the safe side.
const LETTER: f64 = 6.6;
/// Letters of a name in a label; the whole name is in the dot's title.
const NAME_LETTERS: usize = 12;

/// What to draw.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Plot {
    /// The largest round trip allowed, milliseconds.
    pub(crate) cap_ms: f64,
    /// Name of the home clan.
    pub(crate) home: String,
    /// Name of the away clan.
    pub(crate) away: String,
    /// Top to bottom.
    pub(crate) rows: Vec<Row>,
}

/// One host.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    pub(crate) host: String,
    pub(crate) site: String,
    pub(crate) closeness_ms: Option<f64>,
    /// In a word or two.
    pub(crate) verdict: &'static str,
    pub(crate) chosen: bool,
    pub(crate) dots: Vec<Dot>,
}

/// One player at one host.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Dot {
    pub(crate) player: String,
    pub(crate) side: Side,
    /// Absent if nothing came back.
    pub(crate) ms: Option<f64>,
    /// What it comes from, as views name it; absent where nothing is said of that.
    pub(crate) source: Option<&'static str>,
}

/// Whose player.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Home,
    Away,
}

impl Plot {
    /// The picture as an `<svg>` element; names are escaped.
    ///
    /// # Errors
    /// Only if formatting fails, which it does not in memory.
    pub(crate) fn svg(&self) -> askama::Result<String> {
        self.drawing().render()
    }

    fn drawing(&self) -> Drawing<'_> {
        let axis = Axis::of(self);
        let mut top = 40.0;
        let rows: Vec<_> = self
            .rows
            .iter()
            .map(|row| {
                let drawn = DrawnRow::at(top, row, &axis);
                top = drawn.bottom + 6.0;
                drawn
            })
            .collect();
        Drawing {
            axis,
            rows,
            height: top,
            summary: self.summary(),
        }
    }

    fn summary(&self) -> String {
        let chosen = self
            .rows
            .iter()
            .find(|row| row.chosen)
            .map(|row| match row.closeness_ms {
                Some(ms) => format!("{} is chosen, with a closeness factor of {ms:.2} ms.", row.host),
                None => format!("{} is chosen.", row.host),
            });
        format!(
            "{} hosts; the players of {} above each line, those of {} below. The cap is {:.0} ms. {} The table has all figures.",
            self.rows.len(),
            self.home,
            self.away,
            self.cap_ms,
            chosen.unwrap_or_else(|| "No host is chosen.".to_owned()),
        )
    }
}

/// From milliseconds to percent of the width.
#[derive(Debug, Clone)]
struct Axis {
    max_ms: f64,
    cap_ms: f64,
    right: f64,
    ticks: Vec<Tick>,
    unknown: bool,
    cap: Tick,
}

#[derive(Debug, Clone)]
struct Tick {
    x: f64,
    anchor: &'static str,
    text: String,
}

impl Axis {
    /// Long enough for the cap and for what was measured, but a straggler does not squeeze all others: from twice the
    /// cap on, dots stand at the end.
    fn of(plot: &Plot) -> Self {
        let known = || {
            plot.rows
                .iter()
                .flat_map(|row| row.dots.iter().filter_map(|dot| dot.ms))
        };
        let unknown = plot
            .rows
            .iter()
            .any(|row| row.dots.iter().any(|dot| dot.ms.is_none()));
        let cap = plot.cap_ms.max(1.0);
        let max_ms = (known().fold(0.0, f64::max) * 1.04).min(cap * 2.0).max(cap * 1.1);
        let right = if unknown { RIGHT_OF_KNOWN } else { RIGHT };
        let mut axis = Self {
            max_ms,
            cap_ms: plot.cap_ms,
            right,
            ticks: Vec::new(),
            unknown,
            cap: Tick {
                x: 0.0,
                anchor: "middle",
                text: format!("cap {:.0} ms", plot.cap_ms),
            },
        };
        axis.cap.x = axis.x(cap);
        axis.cap.anchor = anchor(axis.cap.x, 14.0);
        let step = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0]
            .into_iter()
            .find(|s| max_ms / s <= 6.0);
        let step = step.unwrap_or(1000.0);
        axis.ticks = (0..=6)
            .map(|n| f64::from(n) * step)
            .filter(|ms| *ms <= max_ms)
            .map(|ms| Tick {
                x: axis.x(ms),
                anchor: anchor(axis.x(ms), 4.0),
                text: format!("{ms:.0}"),
            })
            .collect();
        axis
    }

    fn x(&self, ms: f64) -> f64 {
        LEFT + (ms / self.max_ms).clamp(0.0, 1.0) * (self.right - LEFT)
    }
}

/// How a text of this half width (percent) is set at `x` so that it stays inside.
fn anchor(x: f64, half: f64) -> &'static str {
    if x - half < 0.0 {
        "start"
    } else if x + half > 100.0 {
        "end"
    } else {
        "middle"
    }
}

#[derive(Template)]
#[template(path = "plot.svg")]
struct Drawing<'a> {
    axis: Axis,
    rows: Vec<DrawnRow<'a>>,
    height: f64,
    summary: String,
}

struct DrawnRow<'a> {
    row: &'a Row,
    top: f64,
    bottom: f64,
    base: f64,
    marks: Vec<Mark<'a>>,
    span: Option<(f64, f64)>,
    labels: Vec<Label>,
}

#[derive(Debug, Clone, PartialEq)]
struct Label {
    x: f64,
    anchor: &'static str,
    text: String,
    over: bool,
}

impl Label {
    fn of(dot: &Dot, ms: f64, axis: &Axis) -> Self {
        let mut name: String = dot.player.chars().take(NAME_LETTERS).collect();
        if name.chars().count() < dot.player.chars().count() {
            name.push('…');
        }
        let text = format!("{name}: {ms:.0} ms");
        let x = axis.x(ms);
        Self {
            x,
            anchor: anchor(x, Self::width(&text) / 2.0),
            text,
            over: ms > axis.cap_ms,
        }
    }

    /// Percent of a narrow picture.
    fn width(text: &str) -> f64 {
        text.chars().count() as f64 * LETTER / NARROW * 100.0
    }

    /// From where to where it reaches in a narrow picture, percent.
    fn extent(&self) -> (f64, f64) {
        let width = Self::width(&self.text);
        match self.anchor {
            "start" => (self.x, self.x + width),
            "end" => (self.x - width, self.x),
            _ => (self.x - width / 2.0, self.x + width / 2.0),
        }
    }
}

impl<'a> DrawnRow<'a> {
    fn at(top: f64, row: &'a Row, axis: &Axis) -> Self {
        let home = lanes(row, Side::Home, axis);
        let away = lanes(row, Side::Away, axis);
        let height =
            |placed: &[Placed<'_>]| (placed.iter().map(|p| p.lane).max().unwrap_or(0) + 1) as f64 * LANE;
        let base = top + 30.0 + height(&home);
        let below = base + height(&away);
        let mark = |p: &Placed<'a>, up: f64| Mark {
            dot: p.dot,
            x: p.x,
            dx: p.dx,
            y: base + up * (p.lane as f64 + 0.72) * LANE,
        };
        let marks: Vec<_> = home
            .iter()
            .map(|p| mark(p, -1.0))
            .chain(away.iter().map(|p| mark(p, 1.0)))
            .collect();
        let labels = labels(row, axis);
        let known = || row.dots.iter().filter_map(|dot| dot.ms);
        let span = known()
            .reduce(f64::min)
            .zip(known().reduce(f64::max))
            .map(|(a, b)| (axis.x(a), axis.x(b)));
        Self {
            row,
            top,
            bottom: below + 24.0,
            base,
            marks,
            span,
            labels,
        }
    }
}

/// The nearest player and the furthest one are named, the nearest only if there is room.
fn labels(row: &Row, axis: &Axis) -> Vec<Label> {
    let known = || row.dots.iter().filter_map(|dot| dot.ms.map(|ms| (dot, ms)));
    let far = known().max_by(|a, b| a.1.total_cmp(&b.1));
    let near = known().min_by(|a, b| a.1.total_cmp(&b.1));
    let mut labels: Vec<_> = far
        .map(|(dot, ms)| Label::of(dot, ms, axis))
        .into_iter()
        .collect();
    if let (Some((dot, ms)), Some(far)) = (near, labels.first()) {
        let near = Label::of(dot, ms, axis);
        if near.extent().1 + 3.0 < far.extent().0 {
            labels.push(near);
        }
    }
    labels
}

/// The words of the verdict `over_cap`.
pub(crate) const OVER_CAP: &str = "over the cap";

struct Placed<'a> {
    dot: &'a Dot,
    x: f64,
    dx: f64,
    lane: usize,
}

/// Puts one clan's dots on lanes so that no two touch: known ones by their place, unknown ones three to a lane.
fn lanes<'a>(row: &'a Row, side: Side, axis: &Axis) -> Vec<Placed<'a>> {
    let mut known: Vec<_> = row
        .dots
        .iter()
        .filter(|d| d.side == side)
        .filter_map(|d| d.ms.map(|ms| (d, ms)))
        .collect();
    known.sort_by(|a, b| a.1.total_cmp(&b.1));
    let mut ends = [f64::NEG_INFINITY; LANES];
    let mut placed = Vec::new();
    for (dot, ms) in known {
        let x = axis.x(ms);
        let lane = (0..LANES)
            .find(|lane| ends[*lane] + TOUCHING <= x)
            .unwrap_or(LANES - 1);
        ends[lane] = x;
        placed.push(Placed {
            dot,
            x,
            dx: 0.0,
            lane,
        });
    }
    let unknown = row.dots.iter().filter(|d| d.side == side && d.ms.is_none());
    placed.extend(unknown.enumerate().map(|(n, dot)| Placed {
        dot,
        x: NO_ANSWER,
        dx: (n % 3) as f64 * 13.0 - 13.0,
        lane: (n / 3).min(LANES - 1),
    }));
    placed
}

#[cfg(test)]
#[path = "plot_tests.rs"]
mod tests;
