//! The Oracle: makes what is intended come true, again and again.
