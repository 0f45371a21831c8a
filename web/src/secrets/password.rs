//! Passwords: Argon2id, off the event loop, and few at a time.

use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use std::sync::{Arc, OnceLock};
use tokio::sync::Semaphore;
use vmatrix_wire::Secret;

/// Hashes and checks passwords. Each takes 19 MiB for some 30 ms: no more than two at once, the rest wait.
#[derive(Clone)]
pub struct Passwords {
    turns: Arc<Semaphore>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self {
            turns: Arc::new(Semaphore::new(2)),
        }
    }
}

/// The hasher itself failed; nothing that a person could mend.
#[derive(Debug, thiserror::Error)]
#[error("password hasher: {0}")]
pub struct PasswordError(String);

impl Passwords {
    /// The fewest characters of a password.
    pub const SHORTEST: usize = 10;
    /// The most bytes of a password: more only keeps the hasher busy.
    pub const LONGEST: usize = 256;

    /// What is kept of a password: a PHC string with its own salt.
    ///
    /// # Errors
    /// If the hasher fails.
    pub async fn hash(&self, password: &Secret) -> Result<String, PasswordError> {
        let password = password.clone();
        self.work(move || hash(password.reveal())).await?
    }

    /// Whether a password is the one of this hash. Without a hash the answer is no, and takes as long: the time
    /// does not tell whether there is such a user.
    ///
    /// # Errors
    /// If the hasher fails, or the hash is not one.
    pub async fn verify(&self, password: &Secret, hash: Option<String>) -> Result<bool, PasswordError> {
        let password = password.clone();
        self.work(move || {
            let known = hash.is_some();
            let kept = match &hash {
                Some(hash) => hash.as_str(),
                None => nobodys_hash(),
            };
            let kept = PasswordHash::new(kept).map_err(|error| PasswordError(error.to_string()))?;
            let right = Argon2::default()
                .verify_password(password.reveal().as_bytes(), &kept)
                .is_ok();
            Ok(right && known)
        })
        .await?
    }

    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, PasswordError> {
        let _turn = self
            .turns
            .acquire()
            .await
            .map_err(|error| PasswordError(error.to_string()))?;
        tokio::task::spawn_blocking(work)
            .await
            .map_err(|error| PasswordError(error.to_string()))
    }
}

fn hash(password: &str) -> Result<String, PasswordError> {
    Argon2::default()
        .hash_password(password.as_bytes())
        .map(|hash| hash.to_string())
        .map_err(|error| PasswordError(error.to_string()))
}

fn nobodys_hash() -> &'static str {
    static HASH: OnceLock<String> = OnceLock::new();
    HASH.get_or_init(|| hash("nobody has this password").unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_known_again_and_another_is_not() {
        let passwords = Passwords::default();
        let right = Secret::new("correct horse");
        let kept = passwords.hash(&right).await.unwrap();
        assert!(!kept.contains("correct horse"));
        assert!(passwords.verify(&right, Some(kept.clone())).await.unwrap());
        assert!(
            !passwords
                .verify(&Secret::new("wrong horse"), Some(kept))
                .await
                .unwrap()
        );
    }

    #[tokio::test]
    async fn nobody_has_no_password() {
        let nobodys = Secret::new("nobody has this password");
        assert!(!Passwords::default().verify(&nobodys, None).await.unwrap());
    }
}
