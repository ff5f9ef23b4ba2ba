//! Reading the file. It may come from anywhere: nothing in it is believed that is not checked.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::path::Path;

use tempfile::NamedTempFile;

use super::manifest::{ARTIFACTS, EVENTS, MANIFEST, Manifest, REPOSITORY, invalid};
use crate::app::failure::Failure;
use crate::cas::{Cas, Hashing};
use crate::model::code::Code;
use crate::model::event::{Event, Record};
use crate::model::ids::ContentHash;

/// The longest manifest, and the longest line of events, in bytes.
const LONGEST: u64 = 16 << 20;
/// How much is read at once, in bytes.
const PIECE: usize = 1 << 16;

/// What was read.
pub(super) struct Unpacked {
    pub manifest: Manifest,
    pub events: Vec<Record>,
    /// As `git bundle` makes it.
    pub repository: NamedTempFile,
}

/// What the file says of itself.
///
/// # Errors
/// It is none, damaged, or of a version to come; or it cannot be read.
pub(super) fn read_manifest(file: &Path) -> Result<Manifest, Failure> {
    let mut archive = tar::Archive::new(BufReader::new(open(file)?));
    let mut entries = archive.entries().map_err(no_archive)?;
    Manifest::read(&whole(&mut next(&mut entries, MANIFEST)?)?)
}

fn open(file: &Path) -> Result<File, Failure> {
    let opened = File::open(file).and_then(|opened| match opened.metadata()?.is_dir() {
        true => Err(ErrorKind::IsADirectory.into()),
        false => Ok(opened),
    });
    opened.map_err(|error| Failure::io(file, &error))
}

/// Reads all of it, and stores its artifacts.
///
/// # Errors
/// It is none, damaged, or of a version to come; or something cannot be read or stored.
pub(super) fn unpack(file: &Path, cas: &Cas, scratch: &Path) -> Result<Unpacked, Failure> {
    let failed = |error: io::Error| Failure::io(file, &error);
    let mut archive = tar::Archive::new(BufReader::new(open(file)?));
    let mut entries = archive.entries().map_err(no_archive)?;
    let manifest = Manifest::read(&whole(&mut next(&mut entries, MANIFEST)?)?)?;
    let mut part = |name, hash| spool((name, hash), &mut next(&mut entries, name)?, scratch);
    let events = part(EVENTS, &manifest.events_hash)?;
    let repository = part(REPOSITORY, &manifest.repository_hash)?;
    let events = records(&manifest, events.reopen().map_err(failed)?)?;
    let mut stored = BTreeSet::new();
    for entry in entries {
        let mut entry = entry.map_err(no_archive)?;
        let name = name_of(&entry)?;
        let named = name.strip_prefix(ARTIFACTS).map(ContentHash::from_hex);
        let Some(Ok(hash)) = named else {
            return Err(invalid(format!("it has {name:?} in it")));
        };
        let put = cas.put_reader(&mut entry)?;
        if put.hash != hash {
            return Err(invalid(format!(
                "the bytes of the artifact {hash} are others"
            )));
        }
        stored.insert(hash);
    }
    if stored.len() as u64 != manifest.artifacts {
        let (found, said) = (stored.len(), manifest.artifacts);
        return Err(invalid(format!(
            "it ends early: {found} of {said} artifacts are there"
        )));
    }
    Ok(Unpacked {
        manifest,
        events,
        repository,
    })
}

/// What the library says of it repeats bytes of the file.
fn no_archive(error: io::Error) -> Failure {
    if error.raw_os_error().is_some() {
        return Failure::new(Code::of_system(&error), error.to_string());
    }
    tracing::debug!(%error, "no tar archive");
    invalid("it is no archive, or a damaged one")
}

type Entry<'a> = tar::Entry<'a, BufReader<File>>;

fn next<'a>(
    entries: &mut tar::Entries<'a, BufReader<File>>,
    expected: &str,
) -> Result<Entry<'a>, Failure> {
    let entry = entries
        .next()
        .ok_or_else(|| invalid(format!("{expected} is missing")))?;
    let entry = entry.map_err(no_archive)?;
    match name_of(&entry)? {
        name if name == expected => Ok(entry),
        name => Err(invalid(format!("{name:?} stands where {expected} should"))),
    }
}

/// Links, folders and devices have no place in it.
fn name_of(entry: &Entry<'_>) -> Result<String, Failure> {
    if !entry.header().entry_type().is_file() {
        return Err(invalid("something in it is no file"));
    }
    String::from_utf8(entry.path_bytes().into_owned()).map_err(invalid)
}

fn whole(entry: &mut Entry<'_>) -> Result<Vec<u8>, Failure> {
    if entry.size() > LONGEST {
        return Err(invalid(format!("{MANIFEST} is too long")));
    }
    let mut bytes = Vec::new();
    entry.read_to_end(&mut bytes).map_err(invalid)?;
    Ok(bytes)
}

/// Its bytes as a file of their own, if they have this hash.
fn spool(
    (name, expected): (&str, &ContentHash),
    entry: &mut Entry<'_>,
    scratch: &Path,
) -> Result<NamedTempFile, Failure> {
    let failed = |error: io::Error| Failure::io(scratch, &error);
    let mut file = NamedTempFile::new_in(scratch).map_err(failed)?;
    let mut hashing = Hashing::default();
    let (mut piece, mut left) = (vec![0; PIECE], entry.size());
    loop {
        let read = entry.read(&mut piece).map_err(failed)?;
        if read == 0 {
            break;
        }
        hashing.add(&piece[..read]);
        file.write_all(&piece[..read]).map_err(failed)?;
        left = left.saturating_sub(read as u64);
    }
    if left > 0 {
        return Err(invalid("it ends early"));
    }
    match hashing.hash() == *expected {
        true => Ok(file),
        false => Err(invalid(format!("{name} is not as it was written"))),
    }
}

/// The events: all of them the session's, and the first one its beginning.
fn records(manifest: &Manifest, file: File) -> Result<Vec<Record>, Failure> {
    let mut lines = BufReader::new(file);
    let mut records: Vec<Record> = Vec::new();
    loop {
        let mut line = Vec::new();
        let read = lines.by_ref().take(LONGEST).read_until(b'\n', &mut line);
        if read.map_err(invalid)? == 0 {
            break;
        }
        let number = records.len() + 1;
        let record: Record = serde_json::from_slice(&line)
            .map_err(|error| invalid(format!("event {number}: {error}")))?;
        if record.model_session_id != Some(manifest.session_id) {
            return Err(invalid(format!("event {number} is not of its session")));
        }
        if records
            .last()
            .is_some_and(|before| before.seq >= record.seq)
        {
            return Err(invalid(format!("event {number} is not in its place")));
        }
        records.push(record);
    }
    if records.len() as u64 != manifest.events {
        let (found, said) = (records.len(), manifest.events);
        return Err(invalid(format!("{found} of {said} events are there")));
    }
    let begins = records.first().map(|record| &record.event);
    match begins {
        Some(Event::SessionCreated { .. }) => Ok(records),
        _ => Err(invalid("it does not begin with the beginning of a session")),
    }
}
