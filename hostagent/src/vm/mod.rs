//! One VM from orders to an open port, and back.

pub(crate) mod arguments;
pub(crate) mod machine;
pub(crate) mod reconcile;
