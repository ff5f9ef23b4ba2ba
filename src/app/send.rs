//! What a person says to a session's model.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::failure::Failure;
use super::inside;
use super::models::find;
use super::project::Project;
use crate::model::chat::Image;
use crate::model::code::Code;
use crate::model::event::{Actor, Event};
use crate::model::ids::{ContentHash, JobId};
use crate::model::redact::Redactor;
use crate::model::session::SessionState;
use crate::proc::Wake;
use crate::sessions::{self, ControlError};
use crate::store::SessionRow;

/// What a provider takes as one picture, in bytes: 5 MiB in the form in which it is sent.
const LARGEST_PICTURE: u64 = (5 << 20) / 4 * 3;
/// A message is no file, in bytes.
const LONGEST_TEXT: usize = 1 << 20;

/// Says it in the session's thread, and queues the job that answers.
///
/// # Errors
/// A session without a model or whose work is over, a text that is empty or too long, a picture that is none; or
/// when it is asked from inside of a session.
pub fn send(
    project: &mut Project,
    session: &SessionRow,
    text: &str,
    pictures: &[PathBuf],
) -> Result<JobId, Failure> {
    inside::refuse_session("a session does not speak for a person, to none of the others")?;
    if text.trim().is_empty() && pictures.is_empty() {
        return Err(Failure::new(Code::Usage, "there is nothing to send"));
    }
    if text.len() > LONGEST_TEXT {
        let message = format!("a message has at most {LONGEST_TEXT} bytes");
        let hint = "put it into a file of its worktree, and name that";
        return Err(Failure::new(Code::Usage, message).hint(hint));
    }
    if !pictures.is_empty() {
        refuse_blind(project, session)?;
    }
    let pictures = pictures.iter().map(|path| read_picture(path));
    let pictures = pictures.collect::<Result<Vec<_>, _>>()?;
    let kept = pictures.iter().map(|image| keep(project, session, image));
    let attachments = kept.collect::<Result<Vec<_>, _>>()?;
    if !attachments.is_empty() {
        let stored = |(hash, size): &(ContentHash, u64)| Event::ArtifactStored {
            hash: hash.clone(),
            size: *size,
            kind: "attachment".to_owned(),
            media_type: "application/json".to_owned(),
            job_id: None,
        };
        project.store.write(|tx| {
            let mut events = attachments.iter().map(stored);
            events.try_for_each(|event| tx.append(Actor::Human, Some(session.id), event).map(drop))
        })?;
    }
    let hashes = attachments.into_iter().map(|(hash, _)| hash).collect();
    let said = sessions::said_by_person(&project.cas, text, hashes, &Redactor::patterns())?;
    let sent = sessions::send(&mut project.store, session, said);
    let job = sent.map_err(|error| match error {
        ControlError::State { .. } => Failure::from(error).hint(instead(session)),
        other => Failure::from(other),
    })?;
    Wake::notify(&project.repo.state_dir());
    Ok(job)
}

/// Nobody sends pictures to a model that sees none.
fn refuse_blind(project: &Project, session: &SessionRow) -> Result<(), Failure> {
    let Some(name) = project.store.model_of(session)? else {
        return Ok(());
    };
    match find(&project.settings, &name)?.capabilities.supports_vision {
        true => Ok(()),
        false => {
            let message = format!("{name}, the model of {}, sees no pictures", session.name);
            let hint = "`treeyard swap --model NAME` gives the session one that does; `supports_vision` in `models` says which do";
            Err(Failure::new(Code::Usage, message).hint(hint))
        }
    }
}

fn read_picture(path: &Path) -> Result<Image, Failure> {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(|error| Failure::io(path, &error))?;
    file.take(LARGEST_PICTURE + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::io(path, &error))?;
    let wrong = |why: String| Failure::new(Code::Usage, format!("{}: {why}", path.display()));
    if bytes.len() as u64 > LARGEST_PICTURE {
        return Err(wrong("a picture has at most 3.75 MiB".to_owned()));
    }
    Image::of_bytes(&bytes).map_err(|error| wrong(error.to_string()))
}

fn keep(
    project: &Project,
    session: &SessionRow,
    image: &Image,
) -> Result<(ContentHash, u64), Failure> {
    let text = serde_json::to_vec(image)
        .map_err(|error| Failure::new(Code::Io, format!("{}: {error}", session.name)))?;
    let stored = project.cas.put_bytes(&text)?;
    Ok((stored.hash, stored.size))
}

/// How to go on where nothing more can be said.
fn instead(session: &SessionRow) -> String {
    let id = session.id.short();
    let has_model = session.spec().is_ok_and(|spec| spec.run.model().is_some());
    match session.state {
        _ if !has_model => format!("`treeyard submit --in {id} -- COMMAND` gives it a command"),
        SessionState::Failed | SessionState::Cancelled if session.has_worktree() => {
            format!("`treeyard retry {id}` opens it again, and then it takes more messages")
        }
        _ => "`treeyard run --prompt TEXT` makes a new session; one of `treeyard chat` takes messages until you end it".to_owned(),
    }
}
