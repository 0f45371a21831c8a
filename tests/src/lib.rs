//! Worlds to run vMatrix in, people as its clients, and the demo. Not part of the product.
#![allow(clippy::missing_errors_doc, clippy::missing_panics_doc)]

pub mod world;
