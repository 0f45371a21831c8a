//! How far the hosts are from each other.

use super::{landmarks::spread, vivaldi::Coordinates};
use crate::Micros;

/// Values that are no mesh.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadMesh {
    /// A row is too long or too short.
    #[error("row {row} of the mesh has {found} values for {hosts} hosts")]
    Ragged {
        /// Which row, from 0.
        row: usize,
        /// How many values it has.
        found: usize,
        /// How many it should have.
        hosts: usize,
    },
}

/// Round-trip times between hosts. Both directions count as one way: the mean of what is known of them. What nobody has
/// measured is unknown, never zero.
#[derive(Debug, Clone, PartialEq)]
pub struct Mesh {
    hosts: usize,
    /// Row after row, both directions alike; a host's way to itself is not looked at.
    cells: Vec<Option<Micros>>,
    /// Instead of the cells, if nothing else is known.
    coordinates: Option<Coordinates>,
}

impl Mesh {
    /// Takes values; `rows[a][b]` is what host `a` measured to host `b`.
    ///
    /// # Errors
    /// A row that has not one value per host.
    pub fn new(rows: &[Vec<Option<Micros>>]) -> Result<Self, BadMesh> {
        let hosts = rows.len();
        if let Some((row, values)) = rows.iter().enumerate().find(|(_, row)| row.len() != hosts) {
            return Err(BadMesh::Ragged {
                row,
                found: values.len(),
                hosts,
            });
        }
        let at = |a: usize, b: usize| rows.get(a)?.get(b).copied().flatten();
        let both = |a: usize, b: usize| match (at(a, b), at(b, a)) {
            (Some(there), Some(back)) => Micros::new(u32::midpoint(there.us(), back.us())).ok(),
            (one, other) => one.or(other),
        };
        let cells = (0..hosts).flat_map(|a| (0..hosts).map(move |b| (a, b)));
        Ok(Self {
            hosts,
            cells: cells.map(|(a, b)| both(a, b)).collect(),
            coordinates: None,
        })
    }

    /// Of hosts that have not measured each other: every way is that between coordinates, which other measurements
    /// have given, and players are placed among these. The hosts are nodes 0 to `hosts` − 1 there; others may be
    /// players of the past.
    #[must_use]
    pub fn from_coordinates(coordinates: Coordinates, hosts: usize) -> Self {
        Self {
            hosts,
            cells: Vec::new(),
            coordinates: Some(coordinates),
        }
    }

    /// How many hosts it is of.
    #[must_use]
    pub const fn hosts(&self) -> usize {
        self.hosts
    }

    /// From one host to another, if it is known.
    #[must_use]
    pub fn between(&self, a: usize, b: usize) -> Option<Micros> {
        if a == b || a.max(b) >= self.hosts {
            return None;
        }
        match &self.coordinates {
            Some(coordinates) => coordinates.rtt(a, b),
            None => self.cells.get(a * self.hosts + b).copied().flatten(),
        }
    }

    /// So many of these hosts, near to all of them: those that a plan for them begins with, and further ones of the kind.
    /// `ids` are those of all hosts of the mesh, since equal ones are in the order of their ids.
    #[must_use]
    pub fn landmarks(&self, ids: &[String], among: &[usize], count: usize) -> Vec<usize> {
        let mut by_id: Vec<usize> = (0..self.hosts).collect();
        by_id.sort_by_key(|host| ids.get(*host));
        let is_among = |at: &usize| by_id.get(*at).is_some_and(|host| among.contains(host));
        let from: Vec<usize> = (0..by_id.len()).filter(is_among).collect();
        let chosen = spread(&self.distances(&by_id), &from, count);
        chosen.iter().filter_map(|at| by_id.get(*at).copied()).collect()
    }

    /// With the hosts in this order, and what is unknown as far as coordinates of what is known say it is.
    pub(super) fn distances(&self, order: &[usize]) -> Distances {
        let count = order.len();
        let mut ms = Vec::with_capacity(count * count);
        let mut links = Vec::new();
        for (row, a) in order.iter().enumerate() {
            for (column, b) in order.iter().enumerate() {
                let known = self.between(*a, *b);
                links.extend(known.filter(|_| row < column).map(|rtt| (row, column, rtt)));
                ms.push(known.map_or(f64::NAN, Micros::ms));
            }
        }
        let coordinates = self.coordinates.as_ref().map(|all| all.of(order));
        let mut distances = Distances {
            count,
            ms,
            coordinates,
        };
        distances.clear_diagonal();
        if self.coordinates.is_none() && links.len() < count * count.saturating_sub(1) / 2 {
            distances.fill(&Coordinates::fit(count, &links));
        }
        distances
    }
}

/// Milliseconds between hosts, row after row. Not a number where nothing is known of one of the two.
#[derive(Debug, Clone)]
pub(super) struct Distances {
    count: usize,
    ms: Vec<f64>,
    /// If they are all that is known.
    coordinates: Option<Coordinates>,
}

impl Distances {
    pub(super) const fn count(&self) -> usize {
        self.count
    }

    pub(super) const fn coordinates(&self) -> Option<&Coordinates> {
        self.coordinates.as_ref()
    }

    /// From a host to all, itself too. Empty if there is no such host.
    pub(super) fn from(&self, host: usize) -> &[f64] {
        self.ms
            .chunks_exact(self.count.max(1))
            .nth(host)
            .unwrap_or_default()
    }

    /// A host that nobody has ever measured a way to says nothing of where anybody is.
    pub(super) fn knows(&self, host: usize) -> bool {
        let others = self
            .from(host)
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != host);
        others.map(|(_, ms)| ms).any(|ms| !ms.is_nan())
    }

    fn clear_diagonal(&mut self) {
        let step = self.count + 1;
        self.ms.iter_mut().step_by(step).for_each(|ms| *ms = 0.0);
    }

    fn fill(&mut self, coordinates: &Coordinates) {
        for (row, values) in self.ms.chunks_exact_mut(self.count.max(1)).enumerate() {
            for (column, ms) in values.iter_mut().enumerate().filter(|(_, ms)| ms.is_nan()) {
                *ms = coordinates.rtt(row, column).map_or(f64::NAN, Micros::ms);
            }
        }
    }
}
