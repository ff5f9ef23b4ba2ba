//! The process that takes away from itself what a program may not do, and then becomes the program.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::{Deserialize, Serialize};

use super::confinement::{Confinement, Reach, View};
use super::network::Proxy;
use super::{filter, rights, rules, view};
use crate::model::sandbox::LEAST_LANDLOCK;
use crate::proc::program::own_program;
use crate::proc::proxy::environment;

/// The argument that makes this binary become a confined program: `__confined ENTRY PROGRAM [ARG…]`,
/// where ENTRY is what it is to become, as JSON and PROGRAM the name that the program is told.
pub const VERB: &str = "__confined";

/// What becomes of the process.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// The file to execute.
    pub program: PathBuf,
    /// Where it runs.
    pub cwd: PathBuf,
    /// Where it is written down why it does not run. Empty when it does.
    pub refused: Option<PathBuf>,
    /// Variables that only the program gets: before, they would have code of others run that nothing
    /// holds back yet.
    #[serde(default)]
    pub loader: BTreeMap<String, String>,
    /// What it is held to.
    pub confinement: Confinement,
}

/// Whether a variable says which code a program starts with.
pub(crate) fn is_for_the_loader(name: &str) -> bool {
    name.starts_with("LD_") || name == "GLIBC_TUNABLES"
}

/// The words to start so that the program `file` runs confined in `cwd`, up to the name that it is told.
///
/// # Errors
/// When this program cannot be found.
pub fn confined_words(
    file: &Path,
    name: &str,
    cwd: &Path,
    confinement: &Confinement,
) -> std::io::Result<[OsString; 4]> {
    let entry = Entry {
        program: file.to_owned(),
        cwd: cwd.to_owned(),
        refused: None,
        loader: BTreeMap::new(),
        confinement: confinement.clone(),
    };
    let entry = serde_json::to_string(&entry)?;
    Ok([
        own_program()?.into(),
        VERB.into(),
        entry.into(),
        name.into(),
    ])
}

/// Becomes the program, and so returns only when it does not run: with the reason, which is written down too.
pub fn confined(args: &[OsString]) -> String {
    let entry = args.first().and_then(|text| text.to_str());
    let entry: Option<Entry> = entry.and_then(|text| serde_json::from_str(text).ok());
    let (Some(entry), Some(argv)) = (entry, args.get(1..).filter(|argv| !argv.is_empty())) else {
        return format!("{VERB} is for treeyard itself");
    };
    // It is opened before it is out of reach, and closes when the program runs.
    let refused = entry.refused.as_ref().map(File::create).transpose();
    let why = become_confined(&entry, argv);
    let write = |file: Option<File>| file.map_or(Ok(()), |mut file| file.write_all(why.as_bytes()));
    match refused.and_then(write) {
        Ok(()) => why,
        Err(error) => format!("{why} (and it could not be written down: {error})"),
    }
}

/// Why the program did not run, when that was written down.
pub(crate) fn refusal(refused: &Path) -> Option<String> {
    fs::read_to_string(refused)
        .ok()
        .filter(|why| !why.is_empty())
}

fn become_confined(entry: &Entry, argv: &[OsString]) -> String {
    match confine(&entry.confinement) {
        Err(why) => why,
        Ok(port) => execute(entry, argv, port),
    }
}

/// Rights go after the view is made, which needs them, and before the filter, which forbids to ask. Gives the
/// port of the proxy, when there is one.
fn confine(confinement: &Confinement) -> Result<Option<u16>, String> {
    let no_proxy =
        |error: std::io::Error| format!("it has no way to the hosts of its list: {error}");
    let proxy = match &confinement.network {
        Reach::Hosts(hosts) => Some(Proxy::start(hosts).map_err(no_proxy)?),
        Reach::Open | Reach::Nothing => None,
    };
    if confinement.view == View::Own {
        let said =
            |error: std::io::Error| format!("it could not be given a view of its own: {error}");
        view::enter(confinement).map_err(said)?;
    }
    let port = proxy.map(Proxy::open_port).transpose().map_err(no_proxy)?;
    rights::limit(&confinement.limits).map_err(|error| format!("its limits: {error}"))?;
    rights::give_up().map_err(|error| format!("rights could not be given up: {error}"))?;
    let landlock = rules::restrict(confinement, port)
        .map_err(|why| format!("it could not be restricted: {why}"))?;
    if landlock < LEAST_LANDLOCK {
        return Err(format!("version {landlock} of Landlock is too old"));
    }
    filter::take_away(confinement).map_err(|why| format!("its system calls: {why}"))?;
    Ok(port)
}

fn execute(entry: &Entry, argv: &[OsString], proxy: Option<u16>) -> String {
    if let Err(error) = std::env::set_current_dir(&entry.cwd) {
        return format!("cannot run in {}: {error}", entry.cwd.display());
    }
    let name: &OsStr = argv.first().map_or(OsStr::new(""), OsString::as_os_str);
    let error = Command::new(&entry.program)
        .arg0(name)
        .args(argv.get(1..).unwrap_or_default())
        .envs(proxy.map(environment).unwrap_or_default())
        .envs(&entry.loader)
        .exec();
    format!("{}: {error}", entry.program.display())
}
