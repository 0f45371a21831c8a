//! A recipe says what an image is made of. It is data: a new image needs no new code.
//!
//! ```text
//! recipes/openarena/
//!   recipe.toml     packages, disk size, units to enable and to mask
//!   contract.toml   what the image promises (vmatrix_wire::Contract)
//!   files/          laid over the installed tree, as an administrator's own files
//! ```

use serde::Deserialize;
use std::{
    fs, io,
    path::{Path, PathBuf},
};
use vmatrix_wire::{Contract, Digest};

/// Changes when the same recipe would give another image, so that images in a cache are made anew.
const BUILDER: &str = "vmatrix-image-2";

/// What an image is made of.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Recipe {
    /// Debian suite: `bookworm`.
    pub suite: String,
    /// Packages as Debian ships them, with a kernel among them.
    pub packages: Vec<String>,
    /// Size of the disk in MiB.
    pub disk_mb: u64,
    /// Units to start at boot.
    #[serde(default)]
    pub enable: Vec<String>,
    /// Units that must never start.
    #[serde(default)]
    pub mask: Vec<String>,
}

/// A recipe that can not be used.
#[derive(Debug, thiserror::Error)]
pub enum RecipeError {
    /// A file of the recipe can not be read.
    #[error("can not read {path}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is not what it should be.
    #[error("{path}: {reason}")]
    Parse {
        /// Which.
        path: PathBuf,
        /// Field and place, from the TOML parser.
        reason: String,
    },
    /// A name that a package manager could take for an option or a path.
    #[error("{path}: {field} {value:?} may have only letters, digits and .+-_@:")]
    Name {
        /// The recipe.
        path: PathBuf,
        /// Which field.
        field: &'static str,
        /// What it says.
        value: String,
    },
    /// A disk too small to be one.
    #[error("{path}: disk_mb is {disk_mb}, it should be from 64 to 65536")]
    Disk {
        /// The recipe.
        path: PathBuf,
        /// What it says.
        disk_mb: u64,
    },
}

/// A recipe directory that has been read and checked.
#[derive(Debug, Clone)]
pub(crate) struct RecipeDir {
    pub recipe: Recipe,
    /// Its name is the image's.
    pub name: String,
    /// The text of `contract.toml`, which goes into the image as it is.
    pub contract_text: String,
    /// Files to lay over the tree, if there are any.
    pub files: Option<PathBuf>,
    /// Of everything above: equal digests make equal images.
    pub digest: Digest,
}

impl RecipeDir {
    /// Reads and checks a recipe.
    pub fn read(dir: &Path) -> Result<Self, RecipeError> {
        let recipe_path = dir.join("recipe.toml");
        let recipe_text = read(&recipe_path)?;
        let recipe: Recipe = parse(&recipe_path, &recipe_text)?;
        check(&recipe_path, &recipe)?;
        let contract_path = dir.join("contract.toml");
        let contract_text = read(&contract_path)?;
        let contract: Contract = parse(&contract_path, &contract_text)?;
        let files = Some(dir.join("files")).filter(|path| path.is_dir());
        let mut hash = blake3::Hasher::new();
        for part in [BUILDER, &recipe_text, &contract_text] {
            hash.update(&(part.len() as u64).to_le_bytes())
                .update(part.as_bytes());
        }
        if let Some(files) = &files {
            hash_tree(&mut hash, files)?;
        }
        let digest = Digest(*hash.finalize().as_bytes());
        Ok(Self {
            recipe,
            name: contract.name,
            contract_text,
            files,
            digest,
        })
    }
}

fn read(path: &Path) -> Result<String, RecipeError> {
    fs::read_to_string(path).map_err(|source| RecipeError::Read {
        path: path.to_owned(),
        source,
    })
}

fn parse<T: for<'de> Deserialize<'de>>(path: &Path, text: &str) -> Result<T, RecipeError> {
    toml::from_str(text).map_err(|error| RecipeError::Parse {
        path: path.to_owned(),
        reason: error.to_string(),
    })
}

fn check(path: &Path, recipe: &Recipe) -> Result<(), RecipeError> {
    let good = |name: &str| {
        !name.is_empty()
            && !name.starts_with('-')
            && name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b".+-_@:".contains(&b))
    };
    let names = [
        ("suite", std::slice::from_ref(&recipe.suite)),
        ("packages", &recipe.packages),
    ];
    for (field, values) in names
        .into_iter()
        .chain([("enable", &*recipe.enable), ("mask", &*recipe.mask)])
    {
        if let Some(value) = values.iter().find(|value| !good(value)) {
            return Err(RecipeError::Name {
                path: path.to_owned(),
                field,
                value: value.clone(),
            });
        }
    }
    if !(64..=65_536).contains(&recipe.disk_mb) {
        return Err(RecipeError::Disk {
            path: path.to_owned(),
            disk_mb: recipe.disk_mb,
        });
    }
    Ok(())
}

/// Hashes names and contents below `dir` in an order of its own, so that the file system's does not matter.
fn hash_tree(hash: &mut blake3::Hasher, dir: &Path) -> Result<(), RecipeError> {
    let fail = |path: &Path| {
        let path = path.to_owned();
        move |source| RecipeError::Read { path, source }
    };
    let mut entries = fs::read_dir(dir)
        .and_then(Iterator::collect::<io::Result<Vec<_>>>)
        .map_err(fail(dir))?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        hash.update(entry.file_name().as_encoded_bytes()).update(&[0]);
        if path.is_dir() {
            hash.update(b"d");
            hash_tree(hash, &path)?;
            hash.update(b"/");
        } else {
            let content = fs::read(&path).map_err(fail(&path))?;
            hash.update(b"f")
                .update(&(content.len() as u64).to_le_bytes())
                .update(&content);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recipes() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("recipes")
    }

    #[test]
    fn every_recipe_that_we_ship_is_good_and_named_like_its_directory() {
        for entry in fs::read_dir(recipes()).unwrap() {
            let dir = entry.unwrap().path();
            let read = RecipeDir::read(&dir).unwrap();
            assert_eq!(read.name, dir.file_name().unwrap().to_str().unwrap());
            assert!(
                read.recipe.packages.iter().any(|p| p.starts_with("linux-image-")),
                "{dir:?} has no kernel"
            );
        }
    }

    #[test]
    fn a_change_of_any_file_is_another_digest() {
        let dir = tempfile::tempdir().unwrap();
        let from = recipes().join("openarena");
        for name in ["recipe.toml", "contract.toml"] {
            fs::copy(from.join(name), dir.path().join(name)).unwrap();
        }
        fs::create_dir_all(dir.path().join("files/etc")).unwrap();
        fs::write(dir.path().join("files/etc/motd"), "a").unwrap();
        let first = RecipeDir::read(dir.path()).unwrap().digest;
        assert_eq!(first, RecipeDir::read(dir.path()).unwrap().digest);
        fs::write(dir.path().join("files/etc/motd"), "b").unwrap();
        let second = RecipeDir::read(dir.path()).unwrap().digest;
        assert_ne!(first, second);
        fs::rename(
            dir.path().join("files/etc/motd"),
            dir.path().join("files/etc/issue"),
        )
        .unwrap();
        assert_ne!(second, RecipeDir::read(dir.path()).unwrap().digest);
    }

    #[test]
    fn a_package_that_looks_like_an_option_is_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(
            dir.path().join("recipe.toml"),
            "suite = \"bookworm\"\npackages = [\"--hook=x\"]\ndisk_mb = 512\n",
        )
        .unwrap();
        let error = RecipeDir::read(dir.path()).unwrap_err().to_string();
        assert!(error.contains("packages \"--hook=x\""), "{error}");
    }
}
