//! The agent: resumes, wires and proves VMs on one real machine.

pub mod accel;
pub mod agent;
pub mod beacon;
pub mod cli;
pub mod command;
pub mod directory;
pub mod doors;
pub mod echo;
pub mod facts;
pub mod images;
pub mod lookout;
pub mod net;
pub mod probe;
pub mod qmp;
mod tiny;
pub mod tls;
pub mod vm;
