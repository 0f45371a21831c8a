//! The Oracle with fake hosts: stories of matches, on a clock moved by hand.

mod fake_host;
mod faults;
mod life;
mod people;
mod services;
mod unreadable;
mod witness;
mod world;
