//! An agent that does all it is ordered to at once and reports it, over HTTP like a real one.

use super::{Line, Person, World, facts};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;
use vmatrix_wire::{Ask, Goal, LookoutId, Orders, Phase, VmId};

/// How far this host is from an address, in microseconds; `None` if nobody answers there.
pub type Distance = fn(std::net::IpAddr) -> Option<u32>;

pub struct Scripted {
    agent: Person,
    distance: Distance,
    sequence: u64,
    pub generation: u64,
    /// The last orders, as they came.
    pub orders: Option<Orders>,
}

impl Scripted {
    pub async fn join(world: &World, name: &str, distance: Distance) -> Self {
        let agent = world.host(name).await;
        let mut scripted = Self::with_secret(agent, distance);
        scripted.turn(&world.line).await;
        scripted
    }

    pub fn with_secret(agent: Person, distance: Distance) -> Self {
        Self {
            agent,
            distance,
            sequence: 0,
            generation: 0,
            orders: None,
        }
    }

    /// Fetches orders if there are newer ones, waiting for them no longer than a moment; then reports. A server that
    /// is not there, or that goes in between, is tried again at the next turn.
    pub async fn turn(&mut self, line: &Line) {
        let path = format!("/orders?since={}", self.generation);
        let asked = line.agent(&self.agent, Method::GET, &path).send();
        if let Ok(Ok(answer)) = tokio::time::timeout(Duration::from_millis(50), asked).await
            && answer.status() == 200
            && let Ok(orders) = answer.json::<Orders>().await
        {
            self.generation = orders.generation;
            self.orders = Some(orders);
        }
        self.sequence += 1;
        let body = json!({
            "protocol": vmatrix_wire::PROTOCOL, "incarnation": 1, "sequence": self.sequence, "generation": self.generation,
            "facts": facts(), "vms": self.vms(), "probes": self.probes(), "lookouts": self.lookouts(),
        });
        let report = line.agent(&self.agent, Method::POST, "/report").json(&body);
        if let Ok(answer) = report.send().await {
            assert_eq!(answer.status(), 200, "{:?}", answer.text().await);
        }
    }

    /// How many VMs it is ordered to have.
    pub fn ordered(&self) -> usize {
        self.orders.as_ref().map_or(0, |orders| orders.vms.len())
    }

    fn vms(&self) -> Vec<Value> {
        let orders = self.orders.iter().flat_map(|orders| &orders.vms);
        orders.map(|order| vm(order.vm, order.goal)).collect()
    }

    fn probes(&self) -> Vec<Value> {
        let orders = self.orders.iter().flat_map(|orders| &orders.probes);
        orders
            .map(|order| {
                let samples: Vec<Value> = order
                    .targets
                    .iter()
                    .map(|target| {
                        let rtt = (self.distance)(target.address);
                        json!({
                            "target": target.target, "sent": order.samples,
                            "received": if rtt.is_some() { order.samples } else { 0 },
                            "min_us": rtt, "median_us": rtt, "deviation_us": rtt.map(|_| 100),
                        })
                    })
                    .collect();
                json!({ "probe": order.probe, "done": true, "samples": samples })
            })
            .collect()
    }

    fn lookouts(&self) -> Vec<Value> {
        let orders = self.orders.iter().flat_map(|orders| &orders.lookouts);
        orders
            .map(|order| {
                let listed = match (&order.ask, order.lookout) {
                    (Ask::Vm { masters, .. }, LookoutId::Vm(_)) if !masters.is_empty() => Some(0),
                    _ => None,
                };
                json!({ "lookout": order.lookout, "address": order.address, "answered_ms_ago": 0, "listed_ms_ago": listed })
            })
            .collect()
    }
}

fn vm(id: VmId, goal: Goal) -> Value {
    let phase = match goal {
        Goal::Fetched => Phase::Fetched,
        Goal::Open => Phase::Open,
        Goal::Suspended => Phase::Suspended,
    };
    let mut report = json!({
        "vm": id, "phase": phase, "revived": 0, "silent": false, "fetched_bytes": 1, "fetch_bytes": 1,
        "times": {
            "fetch": null, "order_to_vmm": 5.0, "resume_to_answer": 150.0, "cont_to_answer": 50.0, "configure": 700.0
        },
    });
    if phase == Phase::Open {
        report["game"] = json!({ "map": "oa_dm1", "clients": 0, "max_clients": 8, "needs_password": true });
    }
    report
}
