//! Network coordinates: Vivaldi (Dabek and others, SIGCOMM 2004) with two dimensions and a height.

use crate::Micros;

/// Each node is pulled by no more of its links than this in a round, spread over all of them.
const LINKS: usize = 32;
/// Rounds in which all nodes are pulled once by their links.
const ROUNDS: u32 = 150;
/// Nodes that start at the same point have no direction; they start on a spiral, each so much further out than the
/// last one. One try each.
const STARTS_MS: [f64; 4] = [0.5, 2.0, 8.0, 32.0];
/// The height with which a node starts.
const START_MS: f64 = 1.0;

/// A place in a plane, and how far the node is from its nearest exchange: the round-trip time between two is the way
/// in the plane and both heights. Milliseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Place {
    x: f64,
    y: f64,
    height: f64,
}

impl Place {
    fn to(self, other: Self) -> f64 {
        let (x, y) = (self.x - other.x, self.y - other.y);
        (x * x + y * y).sqrt() + self.height + other.height
    }

    /// Moves along a spring to another: away if they are nearer than was measured, and nearer else.
    fn pull(&mut self, other: Self, ms: f64, step: f64) {
        let whole = self.to(other);
        if whole <= 0.0 {
            return;
        }
        let force = step * (ms - whole) / whole;
        self.x += force * (self.x - other.x);
        self.y += force * (self.y - other.y);
        self.height = (self.height + force * (self.height + other.height)).max(0.0);
    }
}

/// Where nodes are, from the round-trip times between some of them: for pairs that nobody has measured.
///
/// Always the same for the same links: no randomness, and no function whose last digit differs between machines.
#[derive(Debug, Clone, PartialEq)]
pub struct Coordinates {
    /// `None`: nobody has measured a way to it.
    places: Vec<Option<Place>>,
}

impl Coordinates {
    /// Of nodes 0 to `count` − 1, from links `(node, node, round-trip time)`. Links of other nodes, and of a node to
    /// itself, are not looked at.
    #[must_use]
    pub fn fit(count: usize, links: &[(usize, usize, Micros)]) -> Self {
        let mut of: Vec<Vec<(usize, f64)>> = vec![Vec::new(); count];
        for (a, b, rtt) in links.iter().filter(|(a, b, _)| a != b && *a.max(b) < count) {
            for (one, other) in [(*a, *b), (*b, *a)] {
                of.get_mut(one)
                    .into_iter()
                    .for_each(|links| links.push((other, rtt.ms())));
            }
        }
        of.iter_mut().for_each(thin);
        // Springs can come to rest with some nodes on the wrong side of others: the best of a few tries.
        let tries = STARTS_MS.into_iter().map(|wide| {
            let places = relax(start(count, wide), &of);
            (misfit(&places, &of), places)
        });
        let best = tries.min_by(|one, other| one.0.total_cmp(&other.0));
        let places = best.map(|(_, places)| places).unwrap_or_default();
        let placed = places.into_iter().zip(&of);
        Self {
            places: placed
                .map(|(place, links)| (!links.is_empty()).then_some(place))
                .collect(),
        }
    }

    /// The same with one more node, the last, that has such ways to the others, which stay where they are.
    #[must_use]
    pub fn with_node(&self, ways: &[(usize, Micros)]) -> Self {
        let place = |node: usize| self.places.get(node).copied().flatten();
        let known: Vec<(Place, f64)> = ways
            .iter()
            .filter_map(|(node, rtt)| Some((place(*node)?, rtt.ms())))
            .collect();
        let nearest = known.iter().min_by(|one, other| one.1.total_cmp(&other.1));
        let mut new = nearest.map(|(place, _)| Place {
            x: place.x + START_MS,
            height: START_MS,
            ..*place
        });
        for round in 0..ROUNDS {
            if let Some(new) = &mut new {
                known
                    .iter()
                    .for_each(|(other, ms)| new.pull(*other, *ms, step(round)));
            }
        }
        let mut places = self.places.clone();
        places.push(new);
        Self { places }
    }

    /// These nodes alone, in this order.
    pub(super) fn of(&self, nodes: &[usize]) -> Self {
        let place = |node: &usize| self.places.get(*node).copied().flatten();
        Self {
            places: nodes.iter().map(place).collect(),
        }
    }

    /// How many nodes.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.places.len()
    }

    /// Between two nodes; `None` if nothing is known of one.
    #[must_use]
    pub fn rtt(&self, a: usize, b: usize) -> Option<Micros> {
        let place = |node: usize| self.places.get(node).copied().flatten();
        micros(place(a)?.to(place(b)?))
    }
}

/// The nearest whole microsecond that is a round-trip time. `None` for what is no number.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to what a round-trip time can be"
)]
pub(super) fn micros(ms: f64) -> Option<Micros> {
    if ms.is_nan() {
        return None;
    }
    Micros::new(((ms * 1000.0).round().clamp(1.0, f64::from(Micros::MAX_US))) as u32).ok()
}

/// Long steps first, then ever shorter ones.
fn step(round: u32) -> f64 {
    0.5 / (1.0 + f64::from(round) / 20.0)
}

/// At most [`LINKS`] of them: half the nearest, half spread over the others.
fn thin(links: &mut Vec<(usize, f64)>) {
    if links.len() <= LINKS {
        return;
    }
    links.sort_unstable_by(|one, other| one.1.total_cmp(&other.1).then(one.0.cmp(&other.0)));
    let far = links.split_off(LINKS / 2);
    let every = far.len().div_ceil(LINKS / 2).max(1);
    links.extend(far.into_iter().step_by(every));
}

/// Lets the springs pull until they hardly move.
fn relax(mut places: Vec<Place>, of: &[Vec<(usize, f64)>]) -> Vec<Place> {
    for round in 0..ROUNDS {
        for (node, links) in of.iter().enumerate() {
            let Some(mut place) = places.get(node).copied() else {
                continue;
            };
            for (other, ms) in links {
                let other = places.get(*other).copied();
                other
                    .into_iter()
                    .for_each(|other| place.pull(other, *ms, step(round)));
            }
            places.get_mut(node).into_iter().for_each(|at| *at = place);
        }
    }
    places
}

/// How far all springs are from rest: the sum of what they are too long or too short, ms.
fn misfit(places: &[Place], of: &[Vec<(usize, f64)>]) -> f64 {
    let all = places
        .iter()
        .zip(of)
        .flat_map(|(place, links)| links.iter().map(move |link| (*place, link)));
    all.filter_map(|(place, (other, ms))| Some((place.to(*places.get(*other)?) - ms).abs()))
        .sum()
}

/// On a spiral with the golden angle between neighbours, so that no two are in one line: cosine and sine are turned
/// on by multiplying.
fn start(count: usize, wide: f64) -> Vec<Place> {
    const TURN: (f64, f64) = (-0.737_368_878_078_319_9, 0.675_490_294_261_524);
    let (mut cos, mut sin, mut radius) = (1.0, 0.0, wide);
    let mut places = Vec::with_capacity(count);
    for _ in 0..count {
        places.push(Place {
            x: radius * cos,
            y: radius * sin,
            height: START_MS,
        });
        (cos, sin) = (cos * TURN.0 - sin * TURN.1, cos * TURN.1 + sin * TURN.0);
        radius += wide;
    }
    places
}
