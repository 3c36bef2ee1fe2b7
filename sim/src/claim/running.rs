//! The test that is running, as far as it can be told from inside, and the command that runs it again.
//!
//! | what | from where |
//! |---|---|
//! | the package | `CARGO_PKG_NAME`, which cargo and cargo-nextest set; without it the program itself is the command |
//! | the target | `NEXTEST_BINARY_ID`, or the program's file name and the package's manifest |
//! | the test | `NEXTEST_TEST_NAME`; the thread, which libtest names after it; `--exact` among the arguments |
//! | the profile | the folder that the program lies in |
//! | the compiler's flags | `RUSTFLAGS`, where that is set |

use std::path::{Path, PathBuf};

use super::seeds::ONE;
use super::target::Target;

/// What a program can see of who runs it.
struct Surroundings<'s> {
    program: PathBuf,
    arguments: Vec<String>,
    thread: Option<String>,
    variable: &'s dyn Fn(&str) -> Option<String>,
}

/// The test that is running.
#[derive(Clone, Debug)]
pub struct Running {
    program: PathBuf,
    /// The file's name without the hash.
    crate_name: String,
    package: Option<String>,
    target: Option<Target>,
    test: Option<String>,
    profile: Option<String>,
    is_nextest: bool,
    rustflags: Option<String>,
    /// It is one of those that run only when asked for.
    is_ignored: bool,
    target_folder: Option<PathBuf>,
}

impl Running {
    /// The one on this thread.
    pub fn here() -> Self {
        Self::seen(&Surroundings {
            program: std::env::current_exe().unwrap_or_default(),
            arguments: std::env::args().skip(1).collect(),
            thread: std::thread::current().name().map(str::to_owned),
            variable: &|name| std::env::var(name).ok(),
        })
    }

    fn seen(seen: &Surroundings<'_>) -> Self {
        let variable = seen.variable;
        let package = variable("CARGO_PKG_NAME");
        let folder = variable("CARGO_MANIFEST_DIR").map(PathBuf::from);
        let crate_name = crate_name(&seen.program);
        let deps = seen.program.parent().filter(|folder| folder.ends_with("deps"));
        let profile_folder = deps.and_then(Path::parent);
        let target = {
            let of_id = || Target::of_binary_id(&variable("NEXTEST_BINARY_ID")?, package.as_ref()?);
            let of_files = || Target::of_program(&crate_name, folder.as_deref()?);
            // An example's program lies in a folder of its own, which is gone when it has ended.
            let of_rustdoc = || (crate_name == "rust_out").then_some(Target::Doc);
            of_id().or_else(of_rustdoc).or_else(of_files)
        };
        let of_thread = || seen.thread.clone().filter(|name| name != "main");
        let of_arguments = || {
            let exact = seen.arguments.iter().any(|argument| argument == "--exact");
            let mut names = seen.arguments.iter().filter(|argument| !argument.starts_with('-'));
            names.next().filter(|_| exact).cloned()
        };
        let is_profile = |name: &String| name != "debug";
        Self {
            test: variable("NEXTEST_TEST_NAME").or_else(of_thread).or_else(of_arguments),
            profile: profile_folder.and_then(Path::file_name).map(text).filter(is_profile),
            is_nextest: variable("NEXTEST").is_some(),
            rustflags: variable("RUSTFLAGS").filter(|flags| !flags.is_empty()),
            is_ignored: seen
                .arguments
                .iter()
                .any(|one| matches!(one.as_str(), "--ignored" | "--include-ignored")),
            target_folder: profile_folder
                .and_then(Path::parent)
                .map(Path::to_owned)
                .or_else(|| {
                    variable("CARGO_TARGET_DIR").map(PathBuf::from).filter(|it| it.is_dir())
                })
                .or_else(|| target_folder_above(&folder?)),
            program: seen.program.clone(),
            crate_name,
            package,
            target,
        }
    }

    /// The command that runs one seed of it.
    pub fn replay(&self, seed: u64) -> String {
        format!("{ONE}={seed} {}{}", self.flags(), self.command())
    }

    /// The compiler's flags, where a variable has them: without it another program would be built.
    fn flags(&self) -> String {
        let quoted = self.rustflags.as_deref().and_then(|flags| shlex::try_quote(flags).ok());
        quoted.map(|flags| format!("RUSTFLAGS={flags} ")).unwrap_or_default()
    }

    fn command(&self) -> String {
        let exact = self.test.as_ref().map(|test| format!(" --exact {test}")).unwrap_or_default();
        let Some(package) = &self.package else {
            let program = self.program.display().to_string();
            let program = shlex::try_quote(&program).map_or_else(|_| program.clone(), Into::into);
            return format!("{program}{exact}{} --nocapture", self.flag("--include-ignored"));
        };
        let target = self.target.as_ref().map(|target| format!(" {target}")).unwrap_or_default();
        if self.is_nextest {
            let profile = self.profile_flag("--cargo-profile");
            let test = self.test.as_ref().map(|test| format!(" -E 'test(={test})'"));
            let (test, ignored) = (test.unwrap_or_default(), self.flag("--run-ignored all"));
            return format!(
                "cargo nextest run{profile} -p {package}{target}{test}{ignored} --no-capture"
            );
        }
        let (profile, ignored) = (self.profile_flag("--profile"), self.flag("--include-ignored"));
        format!("cargo test{profile} -p {package}{target} --{exact}{ignored} --nocapture")
    }

    /// The flag for tests that run only when asked for, where this is one.
    fn flag(&self, flag: &str) -> String {
        if self.is_ignored { format!(" {flag}") } else { String::new() }
    }

    fn profile_flag(&self, other: &str) -> String {
        match self.profile.as_deref() {
            None => String::new(),
            Some("release") => " --release".to_owned(),
            Some(profile) => format!(" {other} {profile}"),
        }
    }

    /// Why the command runs more than this test, if it does.
    pub const fn vagueness(&self) -> Option<&'static str> {
        match (&self.test, &self.target) {
            (Some(_), _) => None,
            (None, Some(Target::Doc)) => Some(
                "it runs every example; an example does not know its name: put it after the `--`, as it stands \
                 above, in quotes",
            ),
            (None, _) => Some(
                "it runs every test of the target; this thread is not named after its test, as libtest's are: put \
                 `--exact` and the test's name after the `--`",
            ),
        }
    }

    /// The target folder, if there is one.
    pub fn target_folder(&self) -> Option<&Path> {
        self.target_folder.as_deref()
    }

    /// What it is called among all tests of all packages.
    pub fn name(&self) -> String {
        let package = self.package.as_deref().unwrap_or_default();
        let test = self.test.as_deref().unwrap_or_default();
        let target = match &self.target {
            Some(Target::Doc) => "doc",
            // The unit tests' program is called after the package.
            _ if self.crate_name == package.replace('-', "_") => "",
            _ => &self.crate_name,
        };
        format!("{package} {target} {test}")
    }
}

/// The name of the crate that a program was built from: `redis_lock` of `redis_lock-0123456789abcdef`.
fn crate_name(program: &Path) -> String {
    let name = program.file_stem().map(text).unwrap_or_default();
    let is_hash = |end: &str| end.len() == 16 && end.bytes().all(|byte| byte.is_ascii_hexdigit());
    match name.rsplit_once('-') {
        Some((name, hash)) if is_hash(hash) => name.to_owned(),
        _ => name,
    }
}

/// The nearest target folder of cargo's beside a package or above it.
fn target_folder_above(folder: &Path) -> Option<PathBuf> {
    let mut folders = folder.ancestors().map(|folder| folder.join("target"));
    folders.find(|folder| folder.join("CACHEDIR.TAG").is_file())
}

fn text(name: impl AsRef<std::ffi::OsStr>) -> String {
    name.as_ref().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests;
