//! The agent: resumes, wires and proves VMs on one real machine.

pub mod command;
pub mod directory;
pub mod images;
pub mod net;
pub mod beacon;
pub mod lookout;
pub mod tls;
pub mod facts;
pub mod probe;
mod tiny;
pub mod qmp;
pub mod vm;
