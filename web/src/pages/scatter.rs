//! The picture of what fairness costs: each possible host a dot, nearer to the left, fairer further down.
//!
//! Pure. As in `plot.rs` positions along are percentages and heights are pixels, so that it fits a phone. The hosts that
//! nobody beats in both are joined by a line; the chosen one is a diamond: colour is never the only difference.

use askama::Template;

const LEFT: f64 = 9.0;
const RIGHT: f64 = 96.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 214.0;
/// Labels nearer than this to one another, in pixels down, would touch.
const LINE: f64 = 15.0;
/// And in percent along.
const NEAR: f64 = 34.0;

/// A possible host.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Dot {
    pub(crate) host: String,
    pub(crate) mean_ms: f64,
    pub(crate) closeness_ms: f64,
    pub(crate) chosen: bool,
    /// Nobody else is both nearer and fairer.
    pub(crate) front: bool,
}

#[derive(Template)]
#[template(path = "scatter.svg")]
struct Drawing {
    marks: Vec<Mark>,
    /// The front from left to right, for a line.
    front: Vec<((f64, f64), (f64, f64))>,
    across: Vec<Tick>,
    up: Vec<Tick>,
    summary: String,
}

struct Mark {
    x: f64,
    y: f64,
    dot: Dot,
    label: Option<(f64, f64, &'static str)>,
}

struct Tick {
    at: f64,
    text: String,
}

/// The picture as an `<svg>` element, names escaped; `None` with fewer than two hosts, where there is nothing to see.
///
/// # Errors
/// Only if formatting fails, which it does not in memory.
pub(crate) fn svg(dots: &[Dot]) -> askama::Result<Option<String>> {
    if dots.len() < 2 {
        return Ok(None);
    }
    let (mean, closeness) = (
        Span::of(dots, |dot| dot.mean_ms),
        Span::of(dots, |dot| dot.closeness_ms),
    );
    let x = |ms: f64| LEFT + mean.share(ms) * (RIGHT - LEFT);
    let y = |ms: f64| BOTTOM - closeness.share(ms) * (BOTTOM - TOP);
    let mut marks: Vec<Mark> = dots
        .iter()
        .map(|dot| Mark {
            x: x(dot.mean_ms),
            y: y(dot.closeness_ms),
            dot: dot.clone(),
            label: None,
        })
        .collect();
    // The chosen one is drawn last and on top, and named first.
    marks.sort_by(|a, b| {
        (a.dot.chosen, a.dot.front)
            .cmp(&(b.dot.chosen, b.dot.front))
            .then(a.x.total_cmp(&b.x))
    });
    label(&mut marks);
    let mut front: Vec<(f64, f64)> = marks
        .iter()
        .filter(|mark| mark.dot.front)
        .map(|mark| (mark.x, mark.y))
        .collect();
    front.sort_by(|a, b| a.0.total_cmp(&b.0));
    let front = front.iter().copied().zip(front.iter().copied().skip(1)).collect();
    Drawing {
        front,
        across: mean
            .ticks()
            .map(|ms| Tick {
                at: x(ms),
                text: format!("{ms:.0}"),
            })
            .collect(),
        up: closeness
            .ticks()
            .map(|ms| Tick {
                at: y(ms),
                text: format!("{ms:.0}"),
            })
            .collect(),
        summary: summary(dots),
        marks,
    }
    .render()
    .map(Some)
}

/// Names those on the front where there is room: above their dot, or not at all.
fn label(marks: &mut [Mark]) {
    let mut taken: Vec<(f64, f64)> = Vec::new();
    for mark in marks
        .iter_mut()
        .rev()
        .filter(|mark| mark.dot.front || mark.dot.chosen)
    {
        let down = mark.y - 10.0;
        if taken
            .iter()
            .any(|(x, y)| (x - mark.x).abs() < NEAR && (y - down).abs() < LINE)
        {
            continue;
        }
        taken.push((mark.x, down));
        let anchor = match mark.x {
            x if x > 80.0 => "end",
            x if x < 25.0 => "start",
            _ => "middle",
        };
        mark.label = Some((mark.x, down, anchor));
    }
}

/// What an axis goes from and to, and how far apart its ticks are. It begins at zero only where values are near it:
/// machines that differ little would otherwise be one blot in a corner.
struct Span {
    from: f64,
    to: f64,
    step: f64,
}

impl Span {
    fn of(dots: &[Dot], value: fn(&Dot) -> f64) -> Self {
        let (least, most) = dots
            .iter()
            .map(value)
            .fold((f64::MAX, 0.0), |(a, b), ms| (f64::min(a, ms), f64::max(b, ms)));
        let margin = ((most - least) * 0.15).max(1.0);
        let least = if least < most / 3.0 { 0.0 } else { least - margin };
        let (least, to) = (least.max(0.0), most + margin);
        let steps = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0];
        let step = steps
            .into_iter()
            .find(|step| (to - least) / step <= 5.0)
            .unwrap_or(10_000.0);
        Self {
            from: (least / step).floor() * step,
            to,
            step,
        }
    }

    fn share(&self, ms: f64) -> f64 {
        (ms - self.from) / (self.to - self.from)
    }

    fn ticks(&self) -> impl Iterator<Item = f64> {
        let (from, to, step) = (self.from, self.to, self.step);
        (0..=6)
            .map(move |n| from + f64::from(n) * step)
            .filter(move |ms| *ms <= to)
    }
}

fn summary(dots: &[Dot]) -> String {
    let fair = dots
        .iter()
        .min_by(|a, b| a.closeness_ms.total_cmp(&b.closeness_ms));
    let near = dots.iter().min_by(|a, b| a.mean_ms.total_cmp(&b.mean_ms));
    let chosen = dots
        .iter()
        .find(|dot| dot.chosen)
        .map(|dot| format!(" {} is chosen.", dot.host));
    match fair.zip(near) {
        Some((fair, near)) => format!(
            "{} possible hosts. Fairest: {}, closeness factor {:.2} ms. Nearest: {}, mean {:.0} ms.{} The table has all figures.",
            dots.len(),
            fair.host,
            fair.closeness_ms,
            near.host,
            near.mean_ms,
            chosen.unwrap_or_default()
        ),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn dot(host: &str, mean_ms: f64, closeness_ms: f64, front: bool) -> Dot {
        Dot {
            host: host.into(),
            mean_ms,
            closeness_ms,
            chosen: host == "best",
            front,
        }
    }

    #[test]
    fn the_picture_names_the_front_and_escapes_names() {
        let dots = [
            dot("best", 80.0, 5.0, true),
            dot("near & <dear>", 40.0, 9.0, true),
            dot("beaten", 90.0, 9.0, false),
        ];
        let svg = svg(&dots).unwrap().unwrap();
        assert!(
            svg.contains("near &#38; &#60;dear&#62;") && !svg.contains("<dear>"),
            "{svg}"
        );
        assert!(
            svg.contains("3 possible hosts. Fairest: best, closeness factor 5.00 ms. Nearest: near"),
            "{svg}"
        );
        assert!(
            svg.contains("<title>beaten: mean 90 ms, closeness factor 9.00 ms</title>"),
            "{svg}"
        );
    }

    #[test]
    fn one_host_is_no_picture() {
        assert_eq!(svg(&[dot("best", 1.0, 1.0, true)]).unwrap(), None);
    }

    #[test]
    fn an_axis_begins_at_zero_only_where_values_are_near_it() {
        let dots = [dot("best", 95.0, 1.0, true), dot("other", 117.0, 20.0, false)];
        let mean = Span::of(&dots, |dot| dot.mean_ms);
        assert_eq!(mean.ticks().collect::<Vec<_>>(), [90.0, 100.0, 110.0, 120.0]);
        assert_eq!(Span::of(&dots, |dot| dot.closeness_ms).from, 0.0);
    }

    proptest! {
        #[test]
        fn all_stays_inside(values in prop::collection::vec((0.001f64..2000.0, 0.0f64..2000.0, any::<bool>()), 2..30)) {
            let dots: Vec<Dot> = values.iter().map(|(mean, closeness, front)| dot("h", *mean, *closeness, *front)).collect();
            for value in [|dot: &Dot| dot.mean_ms, |dot: &Dot| dot.closeness_ms] {
                let span = Span::of(&dots, value);
                prop_assert!(dots.iter().all(|dot| (0.0..=1.0).contains(&span.share(value(dot)))));
                prop_assert!((2..=7).contains(&span.ticks().count()) && span.ticks().all(|ms| span.share(ms) <= 1.0));
            }
            prop_assert!(svg(&dots).unwrap().is_some_and(|svg| !svg.contains("NaN") && !svg.contains("inf")));
        }
    }
}
