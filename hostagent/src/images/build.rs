//! Makes an image from a recipe: Debian's packages as they are, a few files laid over them, one raw ext4 disk.
//!
//! ```text
//! OUT/disk            raw ext4, no partitions
//! OUT/kernel          uncompressed ELF, for QEMU's -kernel
//! OUT/initrd          Debian's own; for the cold boot only, its kernels have virtio as modules
//! OUT/contract.toml   what the image promises
//! OUT/recipe.digest   what it was made of: if that has not changed, nothing is done
//! ```
//!
//! The mirror is the one that this machine's own apt uses. Needs root (the tree belongs to the guest's users).

use crate::command::{CommandError, run, run_within};
use crate::images::kernel::{self, KernelError};
use crate::images::recipe::{RecipeDir, RecipeError};
use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

/// Enough for a slow mirror.
const INSTALL_LIMIT: Duration = Duration::from_secs(1800);
const DISK_LIMIT: Duration = Duration::from_secs(300);

/// Why no image was made.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The recipe is not usable.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    /// Making a root file system needs root.
    #[error("making an image needs root: it holds files of the guest's users")]
    NotRoot,
    /// apt knows no Debian mirror with that suite.
    #[error(
        "no apt source of this machine offers Debian's suite {0:?} (main); run `apt-get update`, or add it"
    )]
    NoMirror(String),
    /// A program failed.
    #[error("{step} failed")]
    Program {
        /// What it was for.
        step: &'static str,
        /// What happened.
        source: Box<CommandError>,
    },
    /// A file could not be read, written or moved.
    #[error("can not {doing} {path}")]
    File {
        /// What was tried.
        doing: &'static str,
        /// With which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The tree has no kernel or initrd.
    #[error("the packages of the recipe brought no /boot/{0}*: is a linux-image package among them?")]
    NoKernel(&'static str),
    /// The kernel could not be taken apart.
    #[error("kernel {path}")]
    Kernel {
        /// Which.
        path: PathBuf,
        /// Why.
        source: KernelError,
    },
}

/// What a build came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Built {
    /// The image was there already, made of the same recipe.
    Already,
    /// It was made.
    Now,
}

/// Makes the image of `recipe_dir` in `out`, or finds it there. Twice is once; two at a time wait for each other.
///
/// `say` is told of steps that take long.
///
/// # Errors
/// The step that failed. `out` is then as it was.
pub async fn build(recipe_dir: &Path, out: &Path, say: &(dyn Fn(&str) + Sync)) -> Result<Built, BuildError> {
    let recipe = RecipeDir::read(recipe_dir)?;
    let stamp = out.join("recipe.digest");
    let digest = recipe.digest.to_string();
    let is_there = || fs::read_to_string(&stamp).is_ok_and(|text| text == digest);
    if is_there() {
        return Ok(Built::Already);
    }
    if !nix::unistd::geteuid().is_root() {
        return Err(BuildError::NotRoot);
    }
    let _alone = lock(out)?;
    if is_there() {
        return Ok(Built::Already);
    }
    let work = beside(out, "building");
    remove(&work)?;
    let tree = work.join("tree");
    let image = work.join("image");
    make_dir(&image)?;
    install(&recipe, &tree, say).await?;
    say(&format!(
        "image {}: laying files over it and making the disk",
        recipe.name
    ));
    if let Some(files) = &recipe.files {
        lay_over(files, &tree)?;
    }
    set_units(&recipe, &tree).await?;
    take_kernel(&tree, &image).await?;
    make_disk(&recipe, &tree, &image).await?;
    write(&image.join("contract.toml"), recipe.contract_text.as_bytes())?;
    write(&image.join("recipe.digest"), digest.as_bytes())?;
    remove(out)?;
    fs::rename(&image, out).map_err(file("move", &image))?;
    remove(&work)?;
    Ok(Built::Now)
}

async fn install(recipe: &RecipeDir, tree: &Path, say: &(dyn Fn(&str) + Sync)) -> Result<(), BuildError> {
    let targets = run(
        "apt-get",
        &["indextargets", "--format", TARGET, "Created-By: Packages"],
        None,
    )
    .await
    .map_err(program("asking apt for its mirrors"))?;
    let suite = &recipe.recipe.suite;
    let sources = sources(&targets.stdout, suite);
    if sources.is_empty() {
        return Err(BuildError::NoMirror(suite.clone()));
    }
    say(&format!(
        "image {}: installing {} by this machine's own mirror",
        recipe.name,
        recipe.recipe.packages.join(", ")
    ));
    let mut args = vec![
        "--mode=root".to_owned(),
        "--variant=minbase".to_owned(),
        "--format=directory".to_owned(),
        "--aptopt=APT::Install-Recommends \"false\"".to_owned(),
        format!("--include={}", recipe.recipe.packages.join(",")),
        suite.clone(),
        tree.display().to_string(),
    ];
    args.extend(sources);
    run_within(INSTALL_LIMIT, "mmdebstrap", &args, None)
        .await
        .map_err(program("installing the packages"))?;
    Ok(())
}

/// What apt is asked to print about each index that it has.
const TARGET: &str = "$(ORIGIN)|$(REPO_URI)|$(RELEASE)|$(COMPONENT)";

/// The apt lines for a suite with its updates and security fixes, from what apt printed by [`TARGET`].
fn sources(targets: &str, suite: &str) -> Vec<String> {
    let wanted = ["", "-updates", "-security", "/updates"].map(|part| format!("{suite}{part}"));
    let mut lines: Vec<String> = Vec::new();
    for target in targets.lines() {
        let mut fields = target.split('|');
        let (Some("Debian"), Some(uri), Some(release), Some("main")) =
            (fields.next(), fields.next(), fields.next(), fields.next())
        else {
            continue;
        };
        let line = format!("deb {uri} {release} main");
        if wanted.iter().any(|w| w == release) && !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines
}

/// Copies an administrator's files into the tree; they belong to root and keep their modes.
fn lay_over(from: &Path, to: &Path) -> Result<(), BuildError> {
    make_dir(to)?;
    for entry in fs::read_dir(from).map_err(file("read", from))? {
        let source = entry.map_err(file("read", from))?.path();
        let Some(name) = source.file_name() else { continue };
        let target = to.join(name);
        if source.is_dir() {
            lay_over(&source, &target)?;
        } else {
            remove(&target)?;
            fs::copy(&source, &target).map_err(file("copy", &source))?;
        }
    }
    Ok(())
}

async fn set_units(recipe: &RecipeDir, tree: &Path) -> Result<(), BuildError> {
    let tree = tree.display().to_string();
    for (verb, units) in [("mask", &recipe.recipe.mask), ("enable", &recipe.recipe.enable)] {
        if !units.is_empty() {
            let mut args = vec![tree.as_str(), "systemctl", verb];
            args.extend(units.iter().map(String::as_str));
            run("chroot", &args, None)
                .await
                .map_err(program("setting the units"))?;
        }
    }
    Ok(())
}

async fn take_kernel(tree: &Path, image: &Path) -> Result<(), BuildError> {
    let vmlinuz = newest(tree, "vmlinuz-")?;
    let bytes = fs::read(&vmlinuz).map_err(file("read", &vmlinuz))?;
    let payload = kernel::payload(&bytes).map_err(|source| BuildError::Kernel {
        path: vmlinuz.clone(),
        source,
    })?;
    // By files, as the unpacked kernel is no text.
    let (packed, unpacked) = (image.join("packed"), image.join("kernel"));
    write(&packed, payload.bytes)?;
    let line = "exec \"$1\" -d -c <\"$2\" >\"$3\"";
    let (packed_name, unpacked_name) = (packed.display().to_string(), unpacked.display().to_string());
    run(
        "sh",
        &[
            "-c",
            line,
            "unpack",
            payload.program,
            &packed_name,
            &unpacked_name,
        ],
        None,
    )
    .await
    .map_err(program("unpacking the kernel"))?;
    remove(&packed)?;
    let initrd = newest(tree, "initrd.img-")?;
    fs::copy(&initrd, image.join("initrd")).map_err(file("copy", &initrd))?;
    Ok(())
}

/// The file in the tree's /boot with the highest name that begins so.
fn newest(tree: &Path, prefix: &'static str) -> Result<PathBuf, BuildError> {
    let boot = tree.join("boot");
    let entries = fs::read_dir(&boot).map_err(file("read", &boot))?;
    entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            path.file_name()
                .is_some_and(|name| name.as_encoded_bytes().starts_with(prefix.as_bytes()))
        })
        .max()
        .ok_or(BuildError::NoKernel(prefix))
}

async fn make_disk(recipe: &RecipeDir, tree: &Path, image: &Path) -> Result<(), BuildError> {
    let (tree, disk) = (
        tree.display().to_string(),
        image.join("disk").display().to_string(),
    );
    let size = format!("{}M", recipe.recipe.disk_mb);
    // All inode tables now: else a thread of the guest writes them later, into the overlay of each VM.
    let options = "lazy_itable_init=0,lazy_journal_init=0,nodiscard";
    let args = [
        "-q", "-F", "-t", "ext4", "-E", options, "-J", "size=16", "-m", "0", "-d", &tree, &disk, &size,
    ];
    run_within(DISK_LIMIT, "mke2fs", &args, None)
        .await
        .map_err(program("making the disk"))?;
    Ok(())
}

fn beside(out: &Path, what: &str) -> PathBuf {
    let mut name = out.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(what);
    out.with_file_name(name)
}

/// Held while an image is made, so that two builds of one image do not mix.
fn lock(out: &Path) -> Result<fs::File, BuildError> {
    if let Some(parent) = out.parent() {
        make_dir(parent)?;
    }
    let path = beside(out, "lock");
    let lock = fs::File::create(&path).map_err(file("create", &path))?;
    lock.lock().map_err(file("lock", &path))?;
    Ok(lock)
}

fn make_dir(path: &Path) -> Result<(), BuildError> {
    fs::create_dir_all(path).map_err(file("create", path))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), BuildError> {
    fs::write(path, bytes).map_err(file("write", path))
}

fn remove(path: &Path) -> Result<(), BuildError> {
    let result = match path.symlink_metadata() {
        Ok(meta) if meta.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match result {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(file("remove", path)(error)),
        _ => Ok(()),
    }
}

fn file(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> BuildError + use<> {
    let path = path.to_owned();
    move |source| BuildError::File { doing, path, source }
}

fn program(step: &'static str) -> impl FnOnce(CommandError) -> BuildError {
    move |source| BuildError::Program {
        step,
        source: Box::new(source),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_debians_own_suites_of_the_release_are_used() {
        let targets = "Debian|http://m/debian/|bookworm|main\n\
             Debian|http://m/debian/|bookworm|main\n\
             Debian|http://m/debian/|bookworm|non-free\n\
             Debian|http://m/debian/|bookworm-updates|main\n\
             Debian|http://s/|bookworm-security|main\n\
             Debian Backports|http://m/debian/|bookworm-backports|main\n\
             Docker|http://d/|bookworm|main\n";
        let expected = [
            "http://m/debian/ bookworm",
            "http://m/debian/ bookworm-updates",
            "http://s/ bookworm-security",
        ]
        .map(|line| format!("deb {line} main"));
        assert_eq!(sources(targets, "bookworm"), expected);
        assert!(sources(targets, "trixie").is_empty());
    }

    #[test]
    fn files_are_laid_over_what_is_there() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("from"), dir.path().join("to"));
        fs::create_dir_all(from.join("etc/a")).unwrap();
        fs::create_dir_all(to.join("etc")).unwrap();
        fs::write(from.join("etc/a/new"), "new").unwrap();
        fs::write(from.join("etc/old"), "ours").unwrap();
        fs::write(to.join("etc/old"), "theirs").unwrap();
        fs::write(to.join("etc/other"), "other").unwrap();
        lay_over(&from, &to).unwrap();
        let read = |name: &str| fs::read_to_string(to.join(name)).unwrap();
        assert_eq!(
            (read("etc/a/new"), read("etc/old"), read("etc/other")),
            ("new".into(), "ours".into(), "other".into())
        );
    }

    #[tokio::test]
    async fn an_image_of_the_same_recipe_is_not_made_again() {
        let dir = tempfile::tempdir().unwrap();
        let recipe = Path::new(env!("CARGO_MANIFEST_DIR")).join("recipes/openarena");
        let digest = RecipeDir::read(&recipe).unwrap().digest.to_string();
        fs::write(dir.path().join("recipe.digest"), digest).unwrap();
        assert_eq!(build(&recipe, dir.path(), &|_| ()).await.unwrap(), Built::Already);
    }
}
