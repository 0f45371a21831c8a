//! The vMatrix server: website, API and Oracle.
//!
//! ```text
//!   pages | ops | api | agents  ->  actions  ->  { domain, store, placement }
//!                   oracle      ->  { actions, domain, store, placement, wire }
//!                                   store -> domain -> placement
//! ```
//!
//! The edge parses, authorises in one line, calls one action and shows the result. An action is one verb and one
//! transaction. `domain` decides and has no I/O; `store` has all SQL; the Oracle makes what is intended come true.

pub mod actions;
pub mod agents;
pub mod api;
pub mod app;
pub mod auth;
pub mod cli;
pub mod config;
pub mod domain;
pub mod limits;
pub mod nest;
pub mod ops;
pub mod oracle;
pub mod pages;
pub mod resolve;
pub mod secrets;
pub mod server;
pub mod store;
