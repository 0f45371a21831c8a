//! One VM from orders to an open port, and back.

pub(crate) mod arguments;
