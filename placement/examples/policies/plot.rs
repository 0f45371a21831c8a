//! Two small kinds of picture, as SVG that is readable on white.

use std::fmt::Write;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 440.0;
const LEFT: f64 = 64.0;
const BOTTOM: f64 = 52.0;
const TOP: f64 = 16.0;
const RIGHT: f64 = 24.0;
/// Told apart also by those who see no red or green (Okabe and Ito).
const COLOURS: [&str; 8] = [
    "#000000", "#e69f00", "#0072b2", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#999933",
];

pub struct Dot {
    pub x: f64,
    pub y: f64,
    pub label: String,
    pub strong: bool,
}

pub struct Line<'a> {
    pub name: &'a str,
    /// In order.
    pub values: Vec<f64>,
    pub of: usize,
}

struct Axes {
    x: f64,
    y: f64,
}

impl Axes {
    fn at(&self, x: f64, y: f64) -> (f64, f64) {
        (
            LEFT + x / self.x * (WIDTH - LEFT - RIGHT),
            HEIGHT - BOTTOM - y / self.y * (HEIGHT - BOTTOM - TOP),
        )
    }

    fn start(&self, across: &str, up: &str) -> String {
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" font-size=\"13\">\n\
             <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
        );
        for step in 0..=5 {
            let part = f64::from(step) / 5.0;
            let ((x, bottom), (left, y)) = (self.at(self.x * part, 0.0), self.at(0.0, self.y * part));
            let _ = writeln!(
                svg,
                "<path d=\"M{x:.1} {bottom:.1}V{TOP}M{left:.1} {y:.1}H{:.1}\" stroke=\"#ddd\" fill=\"none\"/>\
                 <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{:.0}</text>\
                 <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{:.0}</text>",
                WIDTH - RIGHT,
                bottom + 18.0,
                self.x * part,
                left - 8.0,
                y + 4.0,
                self.y * part
            );
        }
        let middle = (HEIGHT - BOTTOM + TOP) / 2.0;
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{across}</text>\
             <text transform=\"translate(16 {middle:.1}) rotate(-90)\" text-anchor=\"middle\">{up}</text>",
            (WIDTH + LEFT - RIGHT) / 2.0,
            HEIGHT - 12.0
        );
        svg
    }
}

/// The next number above that five steps divide well.
fn round_up(value: f64) -> f64 {
    let ends = [
        5.0, 10.0, 15.0, 20.0, 25.0, 50.0, 75.0, 100.0, 150.0, 200.0, 250.0, 500.0,
    ];
    ends.into_iter().find(|end| *end >= value).unwrap_or(value)
}

pub fn scatter(across: &str, up: &str, dots: &[Dot]) -> String {
    let most = |of: fn(&Dot) -> f64| round_up(dots.iter().map(of).fold(1.0, f64::max) * 1.02);
    let axes = Axes {
        x: most(|dot| dot.x),
        y: most(|dot| dot.y),
    };
    let mut svg = axes.start(across, up);
    for dot in dots {
        let (x, y) = axes.at(dot.x, dot.y);
        let (radius, fill) = if dot.strong { (5, "#0072b2") } else { (3, "#bbb") };
        let _ = writeln!(
            svg,
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius}\" fill=\"{fill}\"/>"
        );
    }
    let mut labelled: Vec<&Dot> = dots.iter().filter(|dot| !dot.label.is_empty()).collect();
    labelled.sort_by(|a, b| b.x.total_cmp(&a.x));
    let mut taken: Vec<(f64, f64)> = Vec::new();
    for dot in labelled {
        let (x, y) = axes.at(dot.x, dot.y);
        let mut line = y - 16.0;
        while taken
            .iter()
            .any(|(at, other)| (at - x).abs() < 190.0 && (other - line).abs() < 15.0)
        {
            line -= 15.0;
        }
        taken.push((x, line));
        let (end, anchor) = if x > WIDTH * 0.7 {
            (x - 8.0, "end")
        } else {
            (x + 8.0, "start")
        };
        let _ = writeln!(
            svg,
            "<path d=\"M{x:.1} {y:.1}L{end:.1} {line:.1}\" stroke=\"#0072b2\"/>\
             <text x=\"{end:.1}\" y=\"{line:.1}\" text-anchor=\"{anchor}\">{}</text>",
            dot.label
        );
    }
    svg + "</svg>\n"
}

pub fn shares(across: &str, up: &str, lines: &[Line]) -> String {
    let axes = Axes { x: 150.0, y: 100.0 };
    let mut svg = axes.start(across, up);
    for (index, (line, colour)) in lines.iter().zip(COLOURS).enumerate() {
        let points: Vec<String> = (0..=150)
            .map(|ms| {
                let within = line.values.partition_point(|value| *value <= f64::from(ms));
                let (x, y) = axes.at(f64::from(ms), 100.0 * within as f64 / line.of as f64);
                format!("{x:.1} {y:.1}")
            })
            .collect();
        let y = 190.0 + 19.0 * index as f64;
        let dash = if index % 2 == 0 {
            ""
        } else {
            " stroke-dasharray=\"7 3\""
        };
        let _ = writeln!(
            svg,
            "<path d=\"M{}\" stroke=\"{colour}\" stroke-width=\"2\" fill=\"none\"{dash}/>\
             <path d=\"M520 {:.1}h26\" stroke=\"{colour}\" stroke-width=\"2\"{dash}/><text x=\"552\" y=\"{y:.1}\">{}</text>",
            points.join("L"),
            y - 4.0,
            line.name
        );
    }
    svg + "</svg>\n"
}
