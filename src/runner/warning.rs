//! What a session finds in its git directory when it changed what is not its own: five lines.

use gix::bstr::BString;

use super::error::RunnerError;
use crate::hooks::{named, words};
use crate::model::code::Code;
use crate::model::drift::Drift;
use crate::model::scope::Scope;
use crate::store::{SessionRow, Store};

/// `None` when there is nothing to warn of.
pub(super) fn warning(
    store: &Store,
    row: &SessionRow,
    scope: &Scope,
    drift: &Drift,
) -> Result<Option<String>, RunnerError> {
    if drift.is_none() {
        return Ok(None);
    }
    let code = Code::OutOfScope.id();
    let (what, advice) = match drift.count() {
        0 => (
            "another session changed files of this one".to_owned(),
            "go on; what lands second is merged, and may conflict".to_owned(),
        ),
        count => {
            let many = if count == 1 { "path" } else { "paths" };
            (
                format!("this session changed {count} {many} outside its scope ({code})"),
                format!(
                    "undo that, or ask for it: treeyard scope request {}",
                    words(&patterns(drift))
                ),
            )
        }
    };
    let files = match drift.count() {
        0 => named(&texts(drift.shared.iter().map(|shared| &shared.path))),
        _ => of(drift),
    };
    let (name, id) = (&row.name, row.id.short());
    let patterns = texts(scope.patterns().iter());
    let scope = match patterns.as_slice() {
        [] => "nothing".to_owned(),
        patterns => named(patterns),
    };
    let others = others(store, drift)?;
    Ok(Some(format!(
        "treeyard: {what}\n  files  {files}\n  scope  {scope}, of session {name} ({id})\n  \
         others {others}\n  do     {advice}\n"
    )))
}

/// The paths outside, with the number of those that are not on record.
fn of(drift: &Drift) -> String {
    let mut paths = texts(drift.outside.iter());
    // Only their number is told.
    paths.resize(drift.count() as usize, BString::default());
    named(&paths)
}

/// Who else changed which file: the first one, and how many more there are.
fn others(store: &Store, drift: &Drift) -> Result<String, RunnerError> {
    let Some(first) = drift.shared.first() else {
        return Ok("no other session at work changed these".to_owned());
    };
    let row = store.session(first.session)?;
    let name = row.map_or(String::new(), |row| format!("{} ", row.name));
    let path = named(&texts(std::iter::once(&first.path)));
    let more = match drift.shared.len() {
        1 => String::new(),
        count => format!(", and {} more", count - 1),
    };
    let id = first.session.short();
    Ok(format!("session {name}({id}) changed {path} too{more}"))
}

/// Patterns that match just these paths: one without a slash would match at any depth.
fn patterns(drift: &Drift) -> Vec<BString> {
    let pattern = |path: &String| match path.contains('/') {
        true => path.as_str().into(),
        false => format!("./{path}").into(),
    };
    drift.outside.iter().map(pattern).collect()
}

fn texts<'t>(texts: impl Iterator<Item = &'t String>) -> Vec<BString> {
    texts.map(|text| text.as_str().into()).collect()
}
