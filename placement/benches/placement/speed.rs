//! How fast the choice is: against numpy on the same values, and against one plain read of the packed bytes. Everything
//! takes turns.

use crate::numpy::Numpy;
use crate::read::read;
use crate::row::Row;
use crate::worlds::{CAP_US, Values, planetlab};
use std::hint::black_box;
use std::path::Path;
use std::time::Instant;
use vmatrix_placement::screen::{Backend, Packed};
use vmatrix_placement::{HostState, Matrix, Micros, Policy, choose_by_definition, closeness};

/// Turns that numpy has.
const ROUNDS: usize = 15;
/// Turns that the others have in each of them: they take a hundredth of the time, and the first finds the cache filled
/// with numpy's values.
const TURNS: usize = 6;
const HOSTS: usize = 1_000_000;
/// Where nothing can be left out the exact look takes all the time.
const HOSTS_ALIKE: usize = 50_000;

/// Goals for AVX-512: players, against numpy, share of a plain read, ordered by site against numpy.
const GOALS: [(usize, f64, f64, f64); 3] = [
    (10, 100.0, 75.0, 100.0),
    (16, 60.0, 60.0, 60.0),
    (64, 15.0, 20.0, 25.0),
];

pub fn rows(scratch: &Path) -> Vec<Row> {
    let mut numpy = Numpy::start();
    let sites = planetlab();
    let mut rows = Vec::new();
    for (players, numpy_x, read_share, by_site_x) in GOALS {
        let measured = Measured::of(&mut numpy, &Values::any(HOSTS, players), scratch);
        measured.against_numpy(&mut rows, "numpy_x", Some(numpy_x));
        measured.against_read(&mut rows, read_share);
        measured.beside(&mut rows);

        let values = Values::by_site(&sites, HOSTS, players);
        let measured = Measured::of(&mut numpy, &values, scratch);
        measured.against_numpy(&mut rows, "by_site_x", Some(by_site_x));
        rows.extend(measured.named("by_site", None, "ns/host", |screen| measured.ns(screen.screen)));
        rows.push(Row::beside(
            format!("by_site_over_cap_{players}"),
            values.over_cap(),
            "%",
        ));

        let measured = Measured::of(&mut numpy, &Values::alike(HOSTS_ALIKE, players), scratch);
        measured.against_numpy(&mut rows, "alike_x", None);
    }
    rows
}

/// Medians, seconds.
struct Measured {
    players: usize,
    hosts: usize,
    /// With the fastest backend first.
    screens: Vec<Screen>,
    sort: f64,
    coarse: f64,
    pairs: Option<f64>,
    pack: f64,
}

struct Screen {
    backend: Backend,
    screen: f64,
    read: f64,
}

impl Measured {
    fn of(numpy: &mut Numpy, values: &Values, scratch: &Path) -> Self {
        let (players, policy) = (values.players, Policy::with_cap(Micros::new(CAP_US).unwrap()));
        let matrix = values.matrix();
        let states = vec![HostState::free(); matrix.hosts().len()];
        numpy.load(values, scratch);
        let mut pack: Vec<f64> = (0..3)
            .map(|_| time(|| Packed::new(&policy, &matrix).unwrap()))
            .collect();
        let packed = Packed::new(&policy, &matrix).unwrap();
        let expected = choose_by_definition(&policy, &matrix, &states);
        same_task(&matrix, numpy.run("sort").1, expected);

        let backends = Backend::all();
        let mut times = vec![(Vec::new(), Vec::new()); backends.len()];
        let (mut sort, mut coarse, mut pairs) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            sort.push(numpy.run("sort").0);
            coarse.push(numpy.run("coarse").0);
            if players <= 16 {
                pairs.push(numpy.run("pairs").0);
            }
            for turn in 0..TURNS {
                for (backend, (screens, reads)) in backends.iter().zip(&mut times) {
                    let read = time(|| read(backend.level(), packed.lines()));
                    let screen = time(|| {
                        let chosen = packed.choose_with(*backend, &states).unwrap();
                        assert_eq!(chosen, expected, "{}", backend.name());
                    });
                    if turn > 0 {
                        reads.push(read);
                        screens.push(screen);
                    }
                }
            }
        }
        let screens = backends
            .into_iter()
            .zip(&mut times)
            .map(|(backend, (screens, reads))| Screen {
                backend,
                screen: median(screens),
                read: median(reads),
            });
        Self {
            players,
            hosts: matrix.hosts().len(),
            screens: screens.collect(),
            sort: median(&mut sort),
            coarse: median(&mut coarse),
            pairs: (!pairs.is_empty()).then(|| median(&mut pairs)),
            pack: median(&mut pack),
        }
    }

    fn ns(&self, seconds: f64) -> f64 {
        seconds * 1e9 / self.hosts as f64
    }

    /// The first backend has the goal if it is that for which there is one; the others stand beside it.
    fn named(
        &self,
        name: &str,
        goal: Option<f64>,
        unit: &'static str,
        value: impl Fn(&Screen) -> f64,
    ) -> Vec<Row> {
        let row = |(index, screen): (usize, &Screen)| {
            let (value, backend) = (value(screen), screen.backend.name());
            let plain = format!("{name}_{}", self.players);
            match goal.filter(|_| index == 0 && backend == "avx512") {
                Some(goal) => Row::at_least(plain, value, unit, goal),
                None if index == 0 => Row::beside(plain, value, unit),
                None => Row::beside(format!("{plain}_{backend}"), value, unit),
            }
        };
        self.screens.iter().enumerate().map(row).collect()
    }

    fn against_numpy(&self, rows: &mut Vec<Row>, name: &str, goal: Option<f64>) {
        rows.extend(self.named(name, goal, "x", |screen| self.sort / screen.screen));
    }

    fn against_read(&self, rows: &mut Vec<Row>, goal: f64) {
        rows.extend(self.named("read_share", Some(goal), "%", |screen| {
            100.0 * screen.read / screen.screen
        }));
    }

    /// What the ratios are made of, and what they leave out.
    fn beside(&self, rows: &mut Vec<Row>) {
        let n = self.players;
        let ns = |seconds| self.ns(seconds);
        if let Some(best) = self.screens.first() {
            let row = |name, seconds: f64| Row::beside(format!("{name}_{n}"), seconds / best.screen, "x");
            rows.push(row("numpy_coarse_x", self.coarse));
            rows.extend(self.pairs.map(|pairs| row("numpy_pairs_x", pairs)));
        }
        rows.extend(self.named("screen", None, "ns/host", |screen| ns(screen.screen)));
        rows.extend(self.named("read", None, "ns/host", |screen| ns(screen.read)));
        rows.push(Row::beside(format!("numpy_{n}"), ns(self.sort), "ns/host"));
        rows.push(Row::beside(format!("pack_{n}"), ns(self.pack), "ns/host"));
    }
}

/// numpy computes in floats, so it may choose another host: one that is as good but for rounding.
fn same_task(matrix: &Matrix, theirs: usize, ours: Option<usize>) {
    let of = |host: usize| {
        let mut row: Vec<Micros> = matrix.row(host).unwrap().iter().flatten().copied().collect();
        closeness(&mut row).unwrap()
    };
    let (theirs, ours) = (of(theirs), of(ours.unwrap()));
    assert!(
        !theirs.exceeds(ours, 10),
        "numpy does another task: {theirs} instead of {ours}"
    );
}

pub fn time<T>(work: impl FnOnce() -> T) -> f64 {
    let start = Instant::now();
    black_box(work());
    start.elapsed().as_secs_f64()
}

pub fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    if values.len().is_multiple_of(2) {
        f64::midpoint(values[half - 1], values[half])
    } else {
        values[half]
    }
}
