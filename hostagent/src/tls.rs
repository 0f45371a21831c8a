//! Which implementation of TLS the process uses. Two are in the tree, so one must be named before the first client is made.

/// Installs ring for the whole process. Twice is once.
pub fn install() {
    // The error says that one is installed already: by an earlier call.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
