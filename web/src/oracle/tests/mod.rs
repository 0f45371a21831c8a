//! The Oracle with fake hosts: stories of matches, on a clock moved by hand.

mod candidates;
mod fake_host;
mod faults;
mod few;
mod freeze;
mod ipv6;
mod life;
mod names;
mod people;
mod rematch;
mod removed;
mod report;
mod roles;
mod room;
mod services;
mod sources;
mod statements;
mod thousand;
mod truth;
mod turns;
mod unreadable;
mod visits;
mod witness;
mod word;
mod world;
